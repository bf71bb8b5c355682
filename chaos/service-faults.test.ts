import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { descriptorsOfProcess } from '../server/collect/cgroup-stand-in.ts'
import type { IncidentView } from '../server/contracts/api.ts'
import { containerSpec, MIB } from './container-spec.ts'
import { countRounds, createMemoryLog, eventually, openTestService } from './service-harness.ts'
import { openSimulatedEngine } from './simulated-engine.ts'

const PATIENCE_MS = 30_000
const HOUR_MS = 3_600_000
const CROWD = 500

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-sim-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let sockets = 0
const socketPath = () => join(folder, `engine-${++sockets}.sock`)
const AUTO = { DOCKERPULSE_MODE: 'auto' }

// By itself: it counts the descriptors of the process.
test('500 containers started within 10 s are all sampled, and leave nothing behind when they are gone', {
  timeout: PATIENCE_MS * 3,
}, async () => {
  const log = createMemoryLog()
  await using engine = await openSimulatedEngine({ socketPath: socketPath(), containers: 12, faults: 'none' })
  await using service = await openTestService({ dockerHost: engine.dockerHost, env: AUTO, log })
  const areLive = (count: number) =>
    eventually(`${count} live`, PATIENCE_MS, async () => {
      const containers = await service.containers()
      return containers.length === count && containers.every(({ freshness }) => freshness === 'live')
    })
  await areLive(12)
  const descriptors = descriptorsOfProcess()
  const rounds = countRounds(service, 10_000)
  const ids = await Promise.all(
    Array.from({ length: CROWD }, async (_, index) => {
      await engine.clock.sleep((index * 8_000) / CROWD)
      return engine.createContainer(containerSpec({ name: `crowd-${index}`, memoryLimitBytes: 64 * MIB }))
    }),
  )
  await areLive(12 + CROWD)
  expect(await rounds).toBeGreaterThanOrEqual(5)
  expect((await service.status()).store).toMatchObject({ state: 'ok', droppedSamples: 0 })
  await Promise.all(ids.map((id) => engine.removeContainer(id)))
  await areLive(12)
  await eventually('descriptors as before', PATIENCE_MS, async () => descriptorsOfProcess() < descriptors + CROWD / 10)
  expect(await service.incidents()).toEqual([])
  expect(log.lines.filter(({ level }) => level === 'error')).toEqual([])
})

describe.concurrent('a clock that jumps', { timeout: PATIENCE_MS * 2 }, () => {
  test.for([
    ['back an hour before a leak', 'leak', -HOUR_MS],
    ['ahead a day before a leak', 'leak', 24 * HOUR_MS],
    ['back an hour after a restart', 'verifying', -HOUR_MS],
    ['ahead a day after a restart', 'verifying', 24 * HOUR_MS],
  ] as const)('%s changes nothing: one restart, which is verified', async ([, moment, jumpMs], { expect: check }) => {
    const spec = containerSpec({ name: 'shop', memoryLimitBytes: 256 * MIB })
    await using engine = await openSimulatedEngine({
      socketPath: socketPath(),
      speed: 8,
      containers: [spec],
      faults: [{ kind: 'leak', container: 'shop', startSeconds: 20, bytesPerSecond: 5 * MIB }],
    })
    const restarts = vi.spyOn(engine.host, 'restart')
    let offsetMs = 0
    const clock = { ...engine.clock, now: () => engine.clock.now() + offsetMs }
    await using service = await openTestService({ dockerHost: engine.dockerHost, env: AUTO, clock })
    const incidentWhere = (what: string, wanted: (incident: IncidentView) => boolean) =>
      eventually(what, PATIENCE_MS, async () => (await service.incidents()).find(wanted))
    await eventually('live', PATIENCE_MS, async () => (await service.containers())[0]?.freshness === 'live')
    if (moment === 'verifying') await incidentWhere('the restart', ({ phase }) => phase === 'verifying')
    offsetMs = jumpMs
    const closed = await incidentWhere('the end', ({ phase }) => phase === 'resolved' || phase === 'escalated')
    check(closed).toMatchObject({ phase: 'resolved', actions: [{ state: 'verified' }] })
    check(restarts).toHaveBeenCalledTimes(1)
    check(await service.incidents()).toHaveLength(1)
  })
})
