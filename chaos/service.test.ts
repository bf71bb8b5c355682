import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { verifyLog } from '../server/audit/verification.ts'
import { containerSpec, MIB } from './container-spec.ts'
import type { Fault } from './faults.ts'
import { eventually, openTestService } from './service-harness.ts'
import { openSimulatedEngine } from './simulated-engine.ts'

const PATIENCE_MS = 40_000
const SPEED = 8

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-sim-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let sockets = 0
const socketPath = () => join(folder, `engine-${++sockets}.sock`)

const leak = (container: string): Fault => ({ kind: 'leak', container, startSeconds: 20, bytesPerSecond: 3 * MIB })
const shop = (labels: Record<string, string> = {}) => {
  const spec = containerSpec({
    name: 'shop',
    memoryLimitBytes: 256 * MIB,
    restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
  })
  return { ...spec, labels: { ...spec.labels, ...labels } }
}

async function openLeakingShop(mode: string, labels: Record<string, string> = {}) {
  const engine = await openSimulatedEngine({
    socketPath: socketPath(),
    speed: SPEED,
    containers: [shop(labels)],
    faults: [leak('shop')],
  })
  const service = await openTestService({
    dockerHost: engine.dockerHost,
    clock: engine.clock,
    env: { DOCKERPULSE_MODE: mode },
  })
  return { engine, service }
}

describe.concurrent('the whole service on the simulated engine', { timeout: PATIENCE_MS * 2 }, () => {
  test('in auto it restarts a leaking container before the kernel would, verifies that it helped, and proves it', async () => {
    const { engine, service } = await openLeakingShop('auto')
    await using _engine = engine
    await using _service = service
    const incident = await eventually('a verified restart', PATIENCE_MS, async () =>
      (await service.incidents()).find(({ actions }) => actions.some(({ state }) => state === 'verified')),
    )
    expect(incident).toMatchObject({ containerName: 'shop', cause: 'memory-limit', phase: 'resolved', mode: 'auto' })
    expect(incident.actions).toHaveLength(1)
    expect(incident.actions[0]).toMatchObject({ kind: 'restart', forced: true, by: 'dockerpulse' })
    expect(incident.history.map(({ event }) => event)).toEqual(
      expect.arrayContaining([
        'incident.opened',
        'action.intended',
        'action.executed',
        'action.verified',
        'incident.resolved',
      ]),
    )
    expect(incident.history.some(({ text }) => text.includes('kernel killed'))).toBe(false)
    const report = await service.get<string>(`/api/incidents/${incident.id}/report.html`)
    expect(report).toContain('Forced restart')
    expect(report).toContain(incident.id)
    expect((await service.status()).counts).toMatchObject({ automaticActions: 1, verifiedActions: 1, openIncidents: 0 })
    expect(verifyLog(join(service.dataFolder, 'audit'))).toMatchObject({ ok: true, problem: null })
  })

  test.for(['shadow', 'observe'])('in %s it touches nothing, and the kernel kills', async (mode, { expect: check }) => {
    const { engine, service } = await openLeakingShop(mode)
    await using _engine = engine
    await using _service = service
    const incident = await eventually('the kill in the incident', PATIENCE_MS, async () =>
      (await service.incidents()).find(({ history }) => history.some(({ text }) => text.includes('kernel killed it'))),
    )
    const opened = incident.history[0]!
    const killed = incident.history.find(({ text }) => text.includes('kernel killed'))!
    check(opened.event).toBe('incident.opened')
    check(Date.parse(opened.at)).toBeLessThan(Date.parse(killed.at))
    check(incident.actions.map(({ state }) => state)).toEqual(mode === 'shadow' ? ['recorded'] : [])
    check(incident.history.some(({ event }) => event === 'action.intended')).toBe(false)
  })

  test('in approve it asks, and restarts when the operator says so, once', async () => {
    const { engine, service } = await openLeakingShop('approve')
    await using _engine = engine
    await using _service = service
    const proposal = await eventually('a proposal', PATIENCE_MS, async () =>
      (await service.incidents()).flatMap(({ actions }) => actions).find(({ state }) => state === 'proposed'),
    )
    const approved = await service.post<{ phase: string }>(`/api/actions/${proposal.id}/approve`, {
      reason: 'seen it before',
    })
    expect(approved).toMatchObject({ status: 200, body: { phase: 'acting' } })
    const again = await service.post<{ detail: string }>(`/api/actions/${proposal.id}/approve`, {})
    expect(again.status).toBe(409)
    const incident = await eventually('the restart verified', PATIENCE_MS, async () =>
      (await service.incidents()).find(({ actions }) => actions.some(({ state }) => state === 'verified')),
    )
    expect(incident.actions[0]).toMatchObject({ by: 'operator', forced: false })
    expect(incident.actions[0]?.reason).toContain('seen it before')
  })

  test('it never acts on a container that is labelled to be left alone', async () => {
    const { engine, service } = await openLeakingShop('auto', { 'dockerpulse.ignore': 'true' })
    await using _engine = engine
    await using _service = service
    const incident = await eventually('the kill', PATIENCE_MS, async () =>
      (await service.incidents()).find(({ history }) => history.some(({ text }) => text.includes('kernel killed it'))),
    )
    expect(incident.actions).toEqual([])
    expect(incident.history.some(({ text }) => text.includes('dockerpulse.ignore forbids it'))).toBe(true)
  })

  test('a crash loop is an incident, and is not restarted once more', async () => {
    const fault: Fault = {
      kind: 'crash-loop',
      container: 'shop',
      startSeconds: 5,
      everySeconds: 4,
      exitCode: 1,
      durationSeconds: 60,
    }
    await using engine = await openSimulatedEngine({
      socketPath: socketPath(),
      speed: SPEED,
      containers: [shop()],
      faults: [fault],
    })
    await using service = await openTestService({
      dockerHost: engine.dockerHost,
      clock: engine.clock,
      env: { DOCKERPULSE_MODE: 'auto' },
    })
    const incident = await eventually('the crash loop', PATIENCE_MS, async () =>
      (await service.incidents()).find(({ cause }) => cause === 'crash-loop'),
    )
    expect(incident.actions).toEqual([])
  })

  test("an operator's stop and a re-creation by compose open nothing", async () => {
    const spec = shop({
      'com.docker.compose.project': 'web',
      'com.docker.compose.service': 'shop',
      'com.docker.compose.container-number': '1',
    })
    await using engine = await openSimulatedEngine({
      socketPath: socketPath(),
      speed: SPEED,
      containers: [spec],
      faults: 'none',
    })
    await using service = await openTestService({
      dockerHost: engine.dockerHost,
      clock: engine.clock,
      env: { DOCKERPULSE_MODE: 'auto' },
    })
    await eventually('the first sample', PATIENCE_MS, async () => (await service.containers())[0]?.freshness === 'live')
    const first = engine.idOf('shop')
    await engine.removeContainer('shop')
    const second = await engine.createContainer(spec)
    expect(second).not.toBe(first)
    const view = await eventually('the new container live', PATIENCE_MS, async () =>
      (await service.containers()).find(({ id, freshness }) => id === second && freshness === 'live'),
    )
    expect(view.key).toBe('web/shop/1')
    expect(await service.incidents()).toEqual([])
  })

  test('an engine that is not there at the start is a state, and found when it comes', async () => {
    const path = socketPath()
    await using service = await openTestService({ dockerHost: `unix://${path}` })
    const down = await eventually('the engine reported down', PATIENCE_MS, async () => {
      const { engine } = await service.status()
      return engine.detail.includes('no Docker engine answers') && engine
    })
    expect(down).toMatchObject({ state: 'down', version: null })
    expect((await fetch(`${service.url}/api/ready`)).status).toBe(503)
    await using _engine = await openSimulatedEngine({ socketPath: path, faults: 'none' })
    await eventually('the engine found', PATIENCE_MS, async () => (await service.status()).engine.state === 'ok')
    await eventually('all containers live', PATIENCE_MS, async () => {
      const containers = await service.containers()
      return containers.length === 12 && containers.every(({ freshness }) => freshness === 'live')
    })
    expect((await fetch(`${service.url}/api/ready`)).status).toBe(200)
  })

  test('an engine whose connections break is found again, and nobody is taken for failed meanwhile', async () => {
    await using engine = await openSimulatedEngine({ socketPath: socketPath(), faults: 'none' })
    await using service = await openTestService({ dockerHost: engine.dockerHost, env: { DOCKERPULSE_MODE: 'auto' } })
    const live = async () => (await service.containers()).filter(({ freshness }) => freshness === 'live').length === 12
    await eventually('all containers live', PATIENCE_MS, live)
    engine.misbehave('refuse')
    engine.breakConnections()
    const refused = await eventually('the refusal shown', PATIENCE_MS, async () => {
      const { engine: part } = await service.status()
      return part.detail.includes('socket proxy') && part
    })
    expect(refused.state).toBe('down')
    await eventually('stale, not low', PATIENCE_MS, async () => {
      const containers = await service.containers()
      return containers.every(({ freshness, probability }) => freshness === 'stale' && probability === null)
    })
    engine.misbehave('none')
    await eventually('all containers live again', PATIENCE_MS, live)
    expect(await service.incidents()).toEqual([])
  })

  test.for(['html', 'garbage-stats'] as const)(
    'an engine that answers %s is a state or a counted skip; the loop goes on',
    async (mode, { expect: check }) => {
      await using engine = await openSimulatedEngine({ socketPath: socketPath(), faults: 'none' })
      await using service = await openTestService({ dockerHost: engine.dockerHost, env: { DOCKERPULSE_MODE: 'auto' } })
      await eventually('samples', PATIENCE_MS, async () =>
        (await service.containers()).some(({ freshness }) => freshness === 'live'),
      )
      engine.misbehave(mode)
      if (mode === 'html') engine.breakConnections()
      await new Promise((resolve) => setTimeout(resolve, 6_000))
      for (const { cpuCores, workingSetBytes, probability } of await service.containers()) {
        for (const value of [cpuCores, workingSetBytes, probability])
          check(value === null || Number.isFinite(value)).toBe(true)
      }
      if (mode === 'html')
        check((await service.status()).engine).toMatchObject({
          state: 'down',
          detail: expect.stringContaining('DOCKER_HOST'),
        })
      engine.misbehave('none')
      await eventually('all containers live again', PATIENCE_MS, async () =>
        (await service.containers()).every(({ freshness }) => freshness === 'live'),
      )
      check(await service.incidents()).toEqual([])
    },
  )

  test('what was open when the service stopped is taken up again, with its history and its charts', async () => {
    const { engine, service } = await openLeakingShop('approve')
    await using _engine = engine
    await using _service = service
    const before = await eventually('a proposal', PATIENCE_MS, async () =>
      (await service.incidents()).find(({ phase }) => phase === 'awaiting-approval'),
    )
    await service.restart()
    const after = (await service.incidents()).find(({ id }) => id === before.id)
    expect(after?.actions[0]?.id).toBe(before.actions[0]?.id)
    const columns = await service.get<{ at: number[]; workingSetBytes: number[] }>(
      `/api/containers/${before.containerId}/samples`,
    )
    expect(columns.at.length).toBeGreaterThan(5)
    expect(verifyLog(join(service.dataFolder, 'audit')).ok).toBe(true)
  })
})
