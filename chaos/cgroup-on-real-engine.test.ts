import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../server/clock.ts'
import type { KernelCounters } from '../server/collect/cgroup-fields.ts'
import { createCgroupSource } from '../server/collect/cgroup-source.ts'
import { descriptorsOfProcess } from '../server/collect/cgroup-stand-in.ts'
import { createDockerEngine } from '../server/collect/docker-engine.ts'
import { parseStats } from '../server/collect/docker-replies.ts'
import { createLogWatches } from '../server/collect/log-watch.ts'
import { createLog } from '../server/log.ts'
import { MIB } from './container-spec.ts'
import { openRealEngine } from './real-engine.ts'
import { eventually } from './service-harness.ts'

const real = await openRealEngine()
afterAll(async () => {
  await real?.[Symbol.asyncDispose]()
})

const now = () => performance.timeOrigin + performance.now()
/** Between two looks at the files while the engine is asked. */
const LOOK_MS = 20
/** The engine writes its time beside the numbers, not in the same instant. */
const ENGINE_STAMP_MS = 100
/** The kernel books memory in batches of 64 pages a core. */
const BOOKED_AHEAD_BYTES = 4 * 64 * 4096

const visible = real !== null && existsSync('/sys/fs/cgroup')

describe.skipIf(!visible)('the kernel’s files on a real engine', { timeout: 60_000 }, () => {
  const source = createCgroupSource({ now })

  async function opened(id: string) {
    const { State } = await real!.docker.getContainer(id).inspect()
    const result = source.open(id, State.Pid)
    if (!result.ok) throw new Error(result.reason)
    return result.handle
  }

  /** The engine's reply, and what the files said all the while. */
  async function sideBySide(id: string) {
    const handle = await opened(id)
    const looks: KernelCounters[] = []
    let waiting = true
    const reply = real!.docker
      .getContainer(id)
      .stats({ stream: false })
      .finally(() => {
        waiting = false
      })
    while (waiting) {
      expect(handle.read()).toBe(true)
      looks.push(handle.counters)
      await sleep(LOOK_MS)
    }
    handle.close()
    return { looks, engine: parseStats(await reply)! }
  }

  test('say what the engine says, within the difference of the read times', async () => {
    const command = ['sh', '-c', 'dd if=/dev/zero of=/x bs=1M count=20 2>/dev/null; while :; do :; done']
    const id = await real!.run({ command, memoryBytes: 64 * MIB, cpuCores: 0.5 })
    await sleep(1000)
    const { looks, engine } = await sideBySide(id)

    const distance = ({ readAt }: KernelCounters) => Math.abs(readAt - engine.readAt)
    const nearest = looks.reduce((best, look) => (distance(look) < distance(best) ? look : best))
    const mostApartNs = (distance(nearest) + ENGINE_STAMP_MS) * 1e6
    expect(Math.abs(nearest.cpuUsageNs! - engine.cpuUsageNs!)).toBeLessThan(mostApartNs)
    // A period is 100 ms long.
    expect(Math.abs(nearest.cfsPeriods! - engine.cfsPeriods!)).toBeLessThanOrEqual(2 + distance(nearest) / 100)

    for (const field of ['memoryUsageBytes', 'unreclaimableBytes', 'inactiveFileBytes'] as const) {
      const seen = looks.map((look) => look[field]!)
      expect(engine[field]).toBeGreaterThanOrEqual(Math.min(...seen) - BOOKED_AHEAD_BYTES)
      expect(engine[field]).toBeLessThanOrEqual(Math.max(...seen) + BOOKED_AHEAD_BYTES)
    }
    const { pids, pidsLimit, memoryLimitBytes } = engine
    expect(nearest).toMatchObject({ pids, pidsLimit, memoryLimitBytes })
    expect(nearest.networkReceiveBytes).toBeLessThanOrEqual(engine.networkReceiveBytes! + 4096)
  })

  test('of a container with the host’s network do not count the host’s traffic as its own', async () => {
    const id = await real!.run({ command: ['sleep', '1000'], network: 'host' })
    const handle = await opened(id)
    expect(handle.read()).toBe(true)
    expect(handle.counters.networkReceiveBytes).toBeNull()
    // The runtime's own process may not have left yet.
    expect(handle.counters.pids).toBeGreaterThanOrEqual(1)
    handle.close()
  })

  test('errors in its log count alike in the engine’s file and in its stream', async () => {
    const engine = createDockerEngine({ dockerHost: real!.dockerHost })
    const script = `sleep 3; for n in $(seq 12); do echo '{"level":"error","n":'$n'}' >&2; echo fine; sleep 0.2; done; sleep 1000`
    const id = await real!.run({ command: ['sh', '-c', script], stopTimeoutSeconds: 0 })
    const container = (await engine.inspect(id))!
    const parts = { engine, clock: systemClock, log: createLog('silent') }
    const byFile = createLogWatches({ ...parts, files: true, streams: false })(container)!
    const byStream = createLogWatches({ ...parts, files: false, streams: true })(container)!
    await eventually('all twelve in both', 20_000, async () => {
      byFile.read()
      return byFile.errorLines === 12 && byStream.errorLines === 12
    })
    await Promise.all([byFile.close(), byStream.close()])
    await real!.remove(id)
  })

  test('are gone with the container, and those of its next life are new', async () => {
    const before = descriptorsOfProcess()
    const id = await real!.run({ command: ['sleep', '1000'], stopTimeoutSeconds: 0 })
    const handle = await opened(id)
    expect(handle.read()).toBe(true)
    await real!.docker.getContainer(id).restart({ t: 0 })
    expect(handle.read()).toBe(false)
    const next = await opened(id)
    expect(next.read()).toBe(true)
    // The runtime's own processes leave a moment later.
    await eventually('its one process', 10_000, async () => next.read() && next.counters.pids === 1)
    await real!.remove(id)
    expect(next.read()).toBe(false)
    expect(source.openDescriptors).toBe(0)
    // The engine's client keeps connections of its own.
    expect(descriptorsOfProcess()).toBeLessThan(before + 10)
    expect(source.open(id, null)).toMatchObject({ ok: false, reason: expect.stringContaining('no cgroup of it') })
  })
})
