import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IncidentView, SampleColumns } from '../server/contracts/api.ts'
import type { Autonomy } from '../server/contracts/autonomy.ts'
import { SUSTAIN_MS } from '../server/decide/watch-clocks.ts'
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
import { MIB } from './container-spec.ts'
import { eventually, openTestService, type TestService } from './service-harness.ts'

const PATIENCE_MS = 100_000
const THRESHOLD = 0.85
/** By design: one odd reading restarts nobody. */
const SECOND_READING_MS = 1_000

const runnable = process.getuid?.() === 0 && hasProgram('sh', '-c', 'PATH=$PATH:/usr/sbin dockerd --version')
const present = needs('root and dockerd', runnable)

/** Leaks 2 MiB a second in its first life, and rests in the next. */
const LEAK_ONCE =
  'if [ -e /rest ]; then exec sleep 1000; fi; touch /rest; ' +
  'exec awk \'BEGIN { for (i = 0; ; i++) { a[i] = sprintf("%2097152s", "x"); system("sleep 1") } }\''

/** Answers for eight seconds of its first life, and all of the next. */
const HANG_ONCE = 'touch /ok; if [ ! -e /second ]; then touch /second; sleep 8; rm /ok; fi; exec sleep 1000'

const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`

describe.skipIf(!present).concurrent('in auto, on a real engine, the service', { timeout: PATIENCE_MS * 2 }, () => {
  let host: AutonomyHost
  let service: TestService
  const parts = new AsyncDisposableStack()

  beforeAll(async () => {
    const { folder } = parts.use(writeRunbooks(QUIET_RUNBOOKS))
    host = parts.use(await openAutonomyHost())
    await host.runCalm(6)
    service = parts.use(await openTestService({ dockerHost: host.dockerHost, env: actingWith(folder) }))
  })
  afterAll(() => parts.disposeAsync())

  const incidentsOf = async (id: string) => (await service.incidents()).filter(({ containerId }) => containerId === id)

  /**
   * How many seconds with a critical reading the stored history has from the one that crossed the threshold to the
   * decision. Prints how long that took, and from there to the call of the engine. One that is not critical begins the
   * count anew.
   */
  const readingsToDecision = async (what: string, { containerId, actions }: IncidentView, askedAtMs: number) => {
    const [crossedAtMs, decidedAtMs] = [Date.parse(actions[0]!.crossedAt!), Date.parse(actions[0]!.at)]
    process.stdout.write(
      `${what}: ${seconds(decidedAtMs - crossedAtMs)} from the reading that crossed the threshold to the decision, ` +
        `${seconds(askedAtMs - decidedAtMs)} from there to the call of the engine\n`,
    )
    expect(decidedAtMs - crossedAtMs).toBeGreaterThanOrEqual(SUSTAIN_MS)
    expect(decidedAtMs - crossedAtMs).toBeLessThan(SECOND_READING_MS + 1_000)
    expect(askedAtMs - decidedAtMs).toBeGreaterThanOrEqual(0)
    expect(askedAtMs - decidedAtMs).toBeLessThan(4_000)
    const { crossedAt: from, at: to } = actions[0]!
    const path = `/api/containers/${containerId}/samples?from=${from}&to=${to}&step=1000`
    const { probability } = await service.get<SampleColumns>(path)
    return probability.filter((value) => value !== null && value >= THRESHOLD).length
  }

  test('restarts what leaks before the kernel kills, sees that it helped, and says how long it took', async ({
    expect,
  }) => {
    const id = await host.run({ command: ['sh', '-c', LEAK_ONCE], memoryBytes: 128 * MIB, stopTimeoutSeconds: 2 })
    const incident = await incidentOf({ service, host, id }, PATIENCE_MS, ({ phase }) => phase === 'resolved')
    expect(incident.actions.map(({ state }) => state)).toEqual(['verified'])
    expect(incident.ending).toBe('helped')
    expect(incident.failures).toEqual([])
    const { State } = await host.engine.docker.getContainer(id).inspect()
    expect(State).toMatchObject({ OOMKilled: false, Running: true })
    const deeds = host.deedsOn(id)
    expect(deeds.filter(({ action }) => action === 'oom')).toEqual([])
    const asked = deeds.find(({ action }) => action === 'kill' || action === 'update')!
    expect(await readingsToDecision('leak', incident, asked.atMs)).toBeOneOf([1, 2])
    const { records } = await service.get<Autonomy>('/api/autonomy')
    expect(records.find(({ containerKey }) => containerKey === incident.containerKey)).toMatchObject({
      judged: 1,
      right: 1,
    })
  })

  test('restarts what hangs, once, and it recovers', async ({ expect }) => {
    const id = await host.run({
      command: ['sh', '-c', HANG_ONCE],
      health: quickCheck('test -e /ok'),
      stopTimeoutSeconds: 1,
    })
    const incident = await incidentOf({ service, host, id }, PATIENCE_MS, ({ phase }) => phase === 'resolved')
    expect(incident.actions.map(({ kind, state }) => [kind, state])).toEqual([['restart', 'verified']])
    expect(incident.cause).toBe('unhealthy')
    const deeds = host.deedsOn(id)
    expect(deeds.filter(({ action }) => action === 'start')).toHaveLength(2)
    const asked = deeds.find(({ action }) => action === 'kill')!
    expect(await readingsToDecision('hang', incident, asked.atMs)).toBeOneOf([1, 2])
    const { State } = await host.engine.docker.getContainer(id).inspect()
    expect(State.Health?.Status).toBe('healthy')
  })

  test('restarts nothing that crashes in a loop, and calls a person', async ({ expect }) => {
    const id = await host.run({ command: ['sh', '-c', 'sleep 5; exit 3'], restartPolicy: 'always' })
    const incident = await incidentOf({ service, host, id }, PATIENCE_MS, ({ phase }) => phase === 'escalated')
    expect(incident.cause).toBe('crash-loop')
    await sleep(15_000)
    const [later] = await incidentsOf(id)
    expect(later).toMatchObject({ id: incident.id, phase: 'escalated', actions: [] })
    // Only the engine's own restarts, which no kill comes before.
    expect(host.deedsOn(id).filter(({ action }) => action === 'kill' || action === 'restart')).toEqual([])
    expect(incident.history.find(({ event }) => event === 'incident.escalated')!.text).toContain('It cannot start')
  })

  test("takes an operator's stop, kill, restart, re-creation and removal for what they are", async ({ expect }) => {
    const name = 'webshop-api-1'
    const labels = {
      'com.docker.compose.project': 'webshop',
      'com.docker.compose.service': 'api',
      'com.docker.compose.container-number': '1',
    }
    const api = () =>
      host.run({ name, labels, command: ['sh', '-c', 'sleep 1000'], restartPolicy: 'always', stopTimeoutSeconds: 1 })
    const becomesLive = (id: string) =>
      eventually('live', PATIENCE_MS, async () =>
        (await service.containers()).some((one) => one.id === id && one.freshness === 'live'),
      )
    const first = await api()
    await becomesLive(first)
    const container = host.engine.docker.getContainer(first)
    await container.restart({ t: 1 })
    await sleep(3_000)
    await container.kill({ signal: 'SIGKILL' })
    await container.start()
    await sleep(3_000)
    await container.stop({ t: 1 })
    await sleep(3_000)
    await container.remove()
    const second = await api()
    await becomesLive(second)
    await host.engine.docker.getContainer(second).remove({ force: true })
    const third = await api()
    await becomesLive(third)
    await host.engine.docker.getContainer(third).stop({ t: 1 })
    // Longer than a container may be down, or away, before somebody is called.
    await sleep(65_000)
    const about = (await service.incidents()).filter(({ containerName }) => containerName === name)
    expect(about).toEqual([])
    expect((await host.engine.docker.getContainer(third).inspect()).State.Running).toBe(false)
    expect(host.deedsOn(third).map(({ action }) => action)).toEqual(['start', 'kill', 'kill', 'die', 'stop'])
  })
})
