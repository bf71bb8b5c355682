import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { hasProgram, needs } from '../server/fixtures/needs.ts'
import {
  type AutonomyHost,
  actingWith,
  incidentOf,
  openAutonomyHost,
  QUIET_RUNBOOKS,
  sickOnce,
  writeRunbooks,
} from './autonomy-host.ts'
import { MIB } from './container-spec.ts'
import { eventually, openTestService, type TestService } from './service-harness.ts'

const PATIENCE_MS = 110_000

const runnable = process.getuid?.() === 0 && hasProgram('sh', '-c', 'PATH=$PATH:/usr/sbin dockerd --version')
const present = needs('root and dockerd', runnable)

const RUNBOOKS = {
  ...QUIET_RUNBOOKS,
  'memory-leak': `title: Only more room
trigger: { causes: [memory-limit] }
solutions:
  - { action: raise-memory-limit, raiseBy: 1.5, leaseMinutes: 1 }
verify: { calmSeconds: 5, withinSeconds: 60 }
escalate: more room did not help`,
  database: `title: Whoever depends on it comes after it
trigger: { causes: [unhealthy] }
conditions: [{ fact: composeService, is: db }, { fact: health, is: unhealthy }, { fact: state, is: running }]
solutions:
  - { action: restart-in-order }
verify: { calmSeconds: 5, withinSeconds: 60 }
escalate: the database does not come back`,
}

/** Takes 2 MiB a second up to 114 MiB and keeps it, until somebody asks for it back. */
const HOLD =
  'awk \'BEGIN { for (i = 0; i < 57; i++) { a[i] = sprintf("%2097152s", "x"); system("sleep 1") } system("sleep 1000") }\' & ' +
  'while [ ! -e /free ]; do sleep 1; done; kill -9 $!; exec sleep 1000'

describe.skipIf(!present).concurrent("with a user's own ladders, the service", { timeout: PATIENCE_MS * 2 }, () => {
  let host: AutonomyHost
  let service: TestService
  const parts = new AsyncDisposableStack()

  beforeAll(async () => {
    const { folder } = parts.use(writeRunbooks(RUNBOOKS))
    host = parts.use(await openAutonomyHost())
    await host.runCalm(8)
    service = parts.use(await openTestService({ dockerHost: host.dockerHost, env: actingWith(folder) }))
  })
  afterAll(() => parts.disposeAsync())

  const limitsOf = async (id: string) => {
    const { HostConfig } = await host.engine.docker.getContainer(id).inspect()
    return { memory: HostConfig.Memory, swap: HostConfig.MemorySwap }
  }

  test.for([
    ['goes back after its lease', true],
    ['stays while what is in use would not fit, and goes back when it does', false],
  ] as const)('raises a memory limit that %s', async ([, freed], { expect }) => {
    const id = await host.run({ command: ['sh', '-c', HOLD], memoryBytes: 128 * MIB, stopTimeoutSeconds: 0 })
    const before = await limitsOf(id)
    expect(before).toEqual({ memory: 128 * MIB, swap: 128 * MIB })
    const incident = await incidentOf({ service, host, id }, PATIENCE_MS, ({ phase }) => phase === 'resolved')
    expect(incident.actions.map(({ kind, state }) => [kind, state])).toEqual([['raise-memory-limit', 'verified']])
    const during = await limitsOf(id)
    expect(during.memory).toBe(192 * MIB)
    if (freed) await host.exec(id, 'touch', '/free')
    const leaseUntilMs = Date.parse(incident.actions[0]!.leaseUntil!)
    expect(leaseUntilMs - Date.parse(incident.actions[0]!.startedAt!)).toBe(60_000)
    await sleep(leaseUntilMs - Date.now() - 2_000)
    expect(await limitsOf(id)).toEqual(during)
    if (!freed) {
      await sleep(6_000)
      expect(await limitsOf(id)).toEqual(during)
      const view = (await service.containers()).find((one) => one.id === id)!
      expect(view.workingSetBytes! * 1.15).toBeGreaterThan(128 * MIB)
      await host.exec(id, 'touch', '/free')
    }
    await eventually('the limit as it was', PATIENCE_MS, async () => (await limitsOf(id)).memory === 128 * MIB)
    expect(await limitsOf(id)).toEqual(before)
    const ended = await incidentOf({ service, host, id }, PATIENCE_MS, ({ actions }) => actions[0]?.takenBackAt != null)
    expect(Date.parse(ended.actions[0]!.takenBackAt!)).toBeGreaterThanOrEqual(leaseUntilMs)
    expect(host.deedsOn(id).map(({ action }) => action)).toEqual(['start', 'update', 'update'])
  })

  test('restarts a database in order: dependents stop before it, and start when it is healthy', async ({ expect }) => {
    const labels = (of: string, dependsOn: string) => ({
      'com.docker.compose.project': 'shop',
      'com.docker.compose.service': of,
      'com.docker.compose.container-number': '1',
      'com.docker.compose.depends_on': dependsOn,
    })
    const calm = { command: ['sleep', '1000'], stopTimeoutSeconds: 1 }
    const db = await host.run({ name: 'shop-db-1', labels: labels('db', ''), ...sickOnce(1) })
    const api = await host.run({ name: 'shop-api-1', labels: labels('api', 'db:service_healthy:false'), ...calm })
    const web = await host.run({ name: 'shop-web-1', labels: labels('web', 'api:service_started:false'), ...calm })
    const incident = await incidentOf({ service, host, id: db }, PATIENCE_MS, ({ phase }) => phase === 'resolved')
    expect(incident.actions.map(({ kind, state }) => [kind, state])).toEqual([['restart-in-order', 'verified']])
    const deeds = [db, api, web]
      .flatMap((id) => host.deedsOn(id))
      .filter(
        ({ action, atMs }) =>
          /^(die|start|health_status: healthy)$/.test(action) && atMs > Date.parse(incident.openedAt),
      )
      .sort((a, b) => a.atMs - b.atMs)
      .map(({ name, action }) => `${name.split('-')[1]} ${action}`)
    expect(deeds).toEqual([
      'web die',
      'api die',
      'db die',
      'db start',
      'db health_status: healthy',
      'api start',
      'web start',
    ])
    expect((await service.incidents()).filter(({ containerId }) => containerId === api || containerId === web)).toEqual(
      [],
    )
  })
})
