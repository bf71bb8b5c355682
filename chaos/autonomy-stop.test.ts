import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyLog } from '../server/audit/verification.ts'
import type { IncidentView } from '../server/contracts/api.ts'
import type { Autonomy } from '../server/contracts/autonomy.ts'
import { hasProgram, needs } from '../server/fixtures/needs.ts'
import {
  type AutonomyHost,
  incidentOf,
  openAutonomyHost,
  QUIET_RUNBOOKS,
  quickCheck,
  sickOnce,
  writeRunbooks,
} from './autonomy-host.ts'
import { eventually, openTestService, type TestService } from './service-harness.ts'
import { startServiceProcess } from './service-process.ts'

const PATIENCE_MS = 70_000
/** So long nothing may happen before it counts as nothing. */
const QUIET_MS = 15_000
const STOP_SECONDS = 6

const runnable = process.getuid?.() === 0 && hasProgram('sh', '-c', 'PATH=$PATH:/usr/sbin dockerd --version')
const present = needs('root and dockerd', runnable)

const RUNBOOKS = {
  ...QUIET_RUNBOOKS,
  database: `title: Whoever depends on it comes after it
trigger: { causes: [unhealthy] }
conditions: [{ fact: composeService, is: db }, { fact: health, is: unhealthy }, { fact: state, is: running }]
solutions:
  - { action: restart-in-order }
verify: { calmSeconds: 5, withinSeconds: 60 }
escalate: the database does not come back`,
  incurable: `title: Two rungs and then a person
trigger: { causes: [unhealthy] }
conditions: [{ fact: containerName, is: 'incurable*' }, { fact: health, is: unhealthy }, { fact: state, is: running }]
solutions:
  - { action: restart }
  - { action: raise-cpu-limit, raiseBy: 1.5, leaseMinutes: 1 }
verify: { calmSeconds: 5, withinSeconds: 10 }
escalate: neither rung helped`,
}

const labelsOf = (project: string, service: string, dependsOn: string) => ({
  'com.docker.compose.project': project,
  'com.docker.compose.service': service,
  'com.docker.compose.container-number': '1',
  'com.docker.compose.depends_on': dependsOn,
})

describe.skipIf(!present)('on a real engine, in the middle of an action,', { timeout: PATIENCE_MS * 3 }, () => {
  let host: AutonomyHost
  let env: Record<string, string>
  const parts = new AsyncDisposableStack()

  beforeAll(async () => {
    const { folder } = parts.use(writeRunbooks(RUNBOOKS))
    host = parts.use(await openAutonomyHost())
    await host.runCalm(6)
    env = {
      DOCKERPULSE_MODE: 'auto',
      DOCKERPULSE_COOLDOWN_SECONDS: '10',
      DOCKERPULSE_BUDGET_SHARE: '1',
      DOCKERPULSE_RUNBOOKS: folder,
    }
  })
  afterAll(() => parts.disposeAsync())

  const asked = (id: string) => host.deedsOn(id).find(({ action }) => action === 'kill')
  const isHealthy = async (id: string) =>
    (await host.engine.docker.getContainer(id).inspect()).State.Health?.Status === 'healthy'

  test.for([
    [
      'the API',
      (service: TestService) => service.put('/api/stop', { on: true, reason: 'a test' }).then(() => {}),
      (service: TestService) => service.put('/api/stop', { on: false }).then(() => {}),
    ],
    [
      'the file, which nobody tells the service of,',
      async ({ dataFolder }: TestService) => writeFileSync(join(dataFolder, 'STOP'), ''),
      async ({ dataFolder }: TestService) => rmSync(join(dataFolder, 'STOP')),
    ],
  ] as const)(
    'the stop switch by %s ends it and all that waits, and off again all goes on',
    async ([, stop, goOn], context) => {
      const project = context.task.id
      await using service = await openTestService({ dockerHost: host.dockerHost, env })
      // Two in trouble: whichever comes first keeps the other one waiting. A slow dependent is the first that is stopped.
      const db = await host.run({ labels: labelsOf(project, 'db', ''), ...sickOnce(STOP_SECONDS) })
      const api = await host.run({
        labels: labelsOf(project, 'api', 'db:service_healthy:false'),
        command: ['sh', '-c', `trap "sleep ${STOP_SECONDS}; exit 0" TERM; while :; do sleep 0.2; done`],
        stopTimeoutSeconds: STOP_SECONDS + 10,
      })
      const other = await host.run(sickOnce(STOP_SECONDS))
      const all = [db, api, other]
      const first = await eventually('a first action', PATIENCE_MS, async () => all.find((id) => asked(id)))
      await eventually('both incidents', PATIENCE_MS, async () => {
        const open = (await service.incidents()).filter(
          ({ containerId }) => containerId === db || containerId === other,
        )
        return open.length === 2
      })
      await stop(service)
      const stoppedAtMs = Date.now()
      await sleep(STOP_SECONDS * 1000 + QUIET_MS)
      const after = all.flatMap((id) => host.deedsOn(id)).filter(({ atMs }) => atMs > stoppedAtMs)
      // The call that was under way is the engine's to end; no further one is made.
      expect(after.filter(({ id }) => id !== first)).toEqual([])
      expect(after.filter(({ action }) => /^(kill|pause|update)$/.test(action))).toEqual([])
      const { brake, settings } = await service.get<Autonomy>('/api/autonomy')
      expect(settings.stopped).not.toBeNull()
      expect(brake).toContain('stop switch')
      if (first !== other) {
        const halfway = (await service.incidents()).find(({ containerId }) => containerId === db)!
        expect(halfway.actions.map(({ kind, state }) => [kind, state])).toEqual([['restart-in-order', 'failed']])
        expect(halfway.history.map(({ text }) => text).join()).toMatch(
          /stop switch is on: .*left stopped: dockerpulse-test/,
        )
      }

      await goOn(service)
      const waited = first === other ? db : other
      await eventually('the other one healed', PATIENCE_MS, () => isHealthy(waited))
      expect((await service.get<Autonomy>('/api/autonomy')).settings.stopped).toBeNull()
      await Promise.all(all.map((id) => host.engine.remove(id)))
    },
  )

  test('kill -9 of the service is no second restart, and the action is closed as unknown', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-killed-'))
    parts.defer(() => rmSync(folder, { recursive: true, force: true }))
    const own = { ...env, DOCKER_HOST: host.dockerHost, DOCKERPULSE_DATA: folder }
    const first = await startServiceProcess(own)
    context.onTestFinished(() => void first.child.kill('SIGKILL'))
    const id = await host.run({
      name: 'incurable-1',
      command: ['sh', '-c', `trap "sleep ${STOP_SECONDS}; exit 0" TERM; while :; do sleep 0.2; done`],
      health: quickCheck('false'),
      stopTimeoutSeconds: STOP_SECONDS + 10,
    })
    await eventually('the restart', PATIENCE_MS, async () => asked(id))
    await sleep(1_000)
    first.child.kill('SIGKILL')
    await first.exit
    const second = await startServiceProcess(own)
    context.onTestFinished(() => void second.child.kill('SIGKILL'))
    const incidents = async () => (await (await fetch(`${second.url}/api/incidents`)).json()) as IncidentView[]
    const closed = await incidentOf(
      { service: { incidents }, host, id },
      PATIENCE_MS,
      ({ phase }) => phase === 'escalated',
    )
    expect(closed.actions.map(({ kind, state }) => [kind, state])).toEqual([['restart', 'unknown']])
    await sleep(QUIET_MS)
    expect(host.deedsOn(id).filter(({ action }) => action === 'start')).toHaveLength(2)
    expect(host.deedsOn(id).filter(({ action }) => action === 'kill')).toHaveLength(1)
    expect((await incidents()).flatMap(({ actions }) => actions)).toHaveLength(1)
    second.child.kill('SIGTERM')
    expect(await second.exit).toBe(0)
    expect(verifyLog(join(folder, 'audit'))).toMatchObject({ ok: true, problem: null })
    await host.engine.remove(id)
  })

  test('a rung that did not help is followed by the next one, the last one by a person, and all else pauses', async () => {
    await using service = await openTestService({ dockerHost: host.dockerHost, env })
    const id = await host.run({
      name: 'incurable-2',
      command: ['sleep', '1000'],
      health: quickCheck('false'),
      cpuCores: 0.5,
      stopTimeoutSeconds: 0,
    })
    const incident = await incidentOf({ service, host, id }, PATIENCE_MS, ({ phase }) => phase === 'escalated')
    expect(incident.actions.map(({ kind, state }) => [kind, state])).toEqual([
      ['restart', 'ineffective'],
      ['raise-cpu-limit', 'ineffective'],
    ])
    expect(incident.history.at(-1)!.text).toContain('neither rung helped')
    expect((await service.get<Autonomy>('/api/autonomy')).brake).toContain('the last 2 actions did not help')
    const other = await host.run(sickOnce(0))
    await incidentOf({ service, host, id: other }, PATIENCE_MS, ({ phase }) => phase === 'awaiting-approval')
    expect(asked(other)).toBeUndefined()
    await service.put('/api/stop', { on: false })
    expect((await service.get<Autonomy>('/api/autonomy')).brake).toBeNull()
    const deeds = () => host.deedsOn(id).flatMap(({ action }) => (/^(start|update)$/.test(action) ? [action] : []))
    await eventually('the CPU limit taken back', PATIENCE_MS, async () => deeds().length === 4)
    expect(deeds()).toEqual(['start', 'start', 'update', 'update'])
    expect((await host.engine.docker.getContainer(id).inspect()).HostConfig.NanoCpus).toBe(0.5e9)
    await host.engine.remove(id)
    await host.engine.remove(other)
  })
})
