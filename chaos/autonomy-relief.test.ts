import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { IncidentView } from '../server/contracts/api.ts'
import { hasProgram, needs } from '../server/fixtures/needs.ts'
import {
  type AutonomyHost,
  actingWith,
  incidentOf,
  openAutonomyHost,
  QUIET_RUNBOOKS,
  quickCheck,
  writeRunbooks,
} from './autonomy-host.ts'
import { eventually, openTestService, type TestService } from './service-harness.ts'

const PATIENCE_MS = 110_000
const LEASE_MS = 60_000

const runnable = process.getuid?.() === 0 && hasProgram('sh', '-c', 'PATH=$PATH:/usr/sbin dockerd --version')
const present = needs('root and dockerd', runnable)

const runbookFor = (name: string, solution: string) => `title: Only for ${name}
trigger: { causes: [unhealthy] }
conditions: [{ fact: containerName, is: "${name}" }, { fact: state, is: running }, { fact: health, is: unhealthy }]
solutions: [${solution}]
verify: { calmSeconds: 5, withinSeconds: 60 }
escalate: that was all`

const RUNBOOKS = {
  ...QUIET_RUNBOOKS,
  suffering: runbookFor('suffering', '{ action: pause-neighbour, leaseMinutes: 1 }'),
  infected: runbookFor('infected', '{ action: isolate, leaseMinutes: 1 }'),
  harmful: runbookFor('harmful', '{ action: stop }'),
}

describe.skipIf(!present).concurrent("by a user's own runbooks the service", { timeout: PATIENCE_MS * 2 }, () => {
  let host: AutonomyHost
  let service: TestService
  const parts = new AsyncDisposableStack()

  beforeAll(async () => {
    const { folder } = parts.use(writeRunbooks(RUNBOOKS))
    host = parts.use(await openAutonomyHost())
    await host.engine.docker.createNetwork({ Name: 'shop' })
    await host.runCalm(8)
    service = parts.use(await openTestService({ dockerHost: host.dockerHost, env: actingWith(folder) }))
  })
  afterAll(() => parts.disposeAsync())

  const inspect = (id: string) => host.engine.docker.getContainer(id).inspect()
  const deedsOn = (id: string) =>
    host.deedsOn(id).flatMap(({ action }) => (action.startsWith('health_status') ? [] : [action]))
  const done = (id: string, kind: string) =>
    incidentOf(
      { service, host, id },
      PATIENCE_MS,
      ({ phase, actions }) => phase === 'resolved' && actions[0]?.kind === kind,
    )
  const storyOf = ({ history }: IncidentView) =>
    history.flatMap(({ event }) => (/^(action|lease)/.test(event) ? [event] : []))
  const takenBack = (id: string) =>
    incidentOf({ service, host, id }, PATIENCE_MS, ({ actions }) => actions[0]?.takenBackAt != null)
  const HELPED = ['action.intended', 'action.executed', 'action.verified']

  test('pauses a neighbour that takes the CPU, and lets it go on after the lease', async ({ expect }) => {
    const burn = 'while :; do :; done & while :; do :; done'
    const neighbour = await host.run({ name: 'burning', command: ['sh', '-c', burn], stopTimeoutSeconds: 0 })
    const id = await host.run({ name: 'suffering', command: ['sleep', '1000'], health: quickCheck('test -e /well') })
    await eventually('the neighbour paused', PATIENCE_MS, async () => (await inspect(neighbour)).State.Paused)
    await host.exec(id, 'touch', '/well')
    const incident = await done(id, 'pause-neighbour')
    expect(incident.actions.map(({ kind, state }) => [kind, state])).toEqual([['pause-neighbour', 'verified']])
    const leaseUntilMs = Date.parse(incident.actions[0]!.leaseUntil!)
    expect(leaseUntilMs - Date.parse(incident.actions[0]!.startedAt!)).toBe(LEASE_MS)
    await sleep(leaseUntilMs - Date.now() - 2_000)
    expect((await inspect(neighbour)).State.Paused).toBe(true)
    await eventually('it going on', 20_000, async () => !(await inspect(neighbour)).State.Paused)
    expect(deedsOn(neighbour)).toEqual(['start', 'pause', 'unpause'])
    expect(deedsOn(id)).toEqual(['start'])
    expect(storyOf(await takenBack(id))).toEqual(HELPED)
    await host.engine.remove(neighbour)
  })

  test('cuts a container off its networks, and lets it rejoin them after the lease', async ({ expect }) => {
    // It is sick as long as it has a network.
    const id = await host.run({
      name: 'infected',
      command: ['sleep', '1000'],
      network: 'shop',
      aliases: ['api'],
      health: quickCheck('! grep -q eth0 /proc/net/dev'),
      stopTimeoutSeconds: 0,
    })
    const networksOf = async () => Object.keys((await inspect(id)).NetworkSettings.Networks)
    expect(await networksOf()).toEqual(['shop'])
    const incident = await done(id, 'isolate')
    expect(incident.actions.map(({ kind, state }) => [kind, state])).toEqual([['isolate', 'verified']])
    expect(await networksOf()).toEqual([])
    const leaseUntilMs = Date.parse(incident.actions[0]!.leaseUntil!)
    await sleep(leaseUntilMs - Date.now() - 2_000)
    expect(await networksOf()).toEqual([])
    await eventually('it back in its network', 20_000, async () => (await networksOf()).includes('shop'))
    expect((await inspect(id)).NetworkSettings.Networks.shop?.Aliases).toContain('api')
    expect(deedsOn(id)).toEqual(['start'])
    expect(storyOf(await takenBack(id))).toEqual(HELPED)
  })

  test('stops a container where that is all that is permitted, and it stays stopped', async ({ expect }) => {
    const id = await host.run({
      name: 'harmful',
      command: ['sleep', '1000'],
      restartPolicy: 'unless-stopped',
      health: quickCheck('false'),
      stopTimeoutSeconds: 1,
    })
    const incident = await done(id, 'stop')
    expect(incident.actions.map(({ kind, state }) => [kind, state])).toEqual([['stop', 'verified']])
    expect((await inspect(id)).State).toMatchObject({ Status: 'exited', Restarting: false })
    expect(deedsOn(id)).toEqual(['start', 'kill', 'kill', 'die', 'stop'])
    expect(storyOf(incident)).toEqual(HELPED)
  })
})
