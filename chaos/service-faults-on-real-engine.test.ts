import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../server/clock.ts'
import { descriptorsOfProcess } from '../server/collect/cgroup-stand-in.ts'
import type { Clock } from '../server/contracts/ports.ts'
import { hasProgram, needs } from '../server/fixtures/needs.ts'
import { MIB } from './container-spec.ts'
import { type DockerDaemon, openDockerDaemon } from './docker-daemon.ts'
import { openRealEngine, type RealContainer, type RealEngine } from './real-engine.ts'
import { countRounds, createMemoryLog, eventually, openTestService, type TestService } from './service-harness.ts'

const PATIENCE_MS = 40_000
const HOUR_MS = 3_600_000

const runnable = process.getuid?.() === 0 && hasProgram('sh', '-c', 'PATH=$PATH:/usr/sbin dockerd --version')
const present = needs('root and dockerd', runnable)

type Host = AsyncDisposable & {
  daemon: DockerDaemon
  engine: RealEngine
  run(wanted?: Partial<RealContainer>): Promise<string>
}

/** An engine that nobody else uses: it may be killed. */
async function openHost(): Promise<Host> {
  await using parts = new AsyncDisposableStack()
  const daemon = parts.use(await openDockerDaemon())
  const engine = parts.use((await openRealEngine({ DOCKER_HOST: daemon.dockerHost, DOCKERPULSE_TEST_REQUIRE: 'all' }))!)
  const disposal = parts.move()
  return {
    daemon,
    engine,
    run: (wanted) => engine.run({ command: ['sleep', '1000'], network: 'none', stopTimeoutSeconds: 0, ...wanted }),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}

async function openService(host: Host, options: { clock?: Clock; source?: string } = {}) {
  const { clock = systemClock, source = 'auto' } = options
  const log = createMemoryLog()
  const env = { DOCKERPULSE_MODE: 'auto', DOCKERPULSE_SOURCE: source }
  return { service: await openTestService({ dockerHost: host.daemon.dockerHost, env, log, clock }), log }
}

const isLive = async (service: TestService, id: string) =>
  (await service.containers()).some((one) => one.id === id && one.freshness === 'live')
const becomesLive = (service: TestService, id: string) => eventually('live', PATIENCE_MS, () => isLive(service, id))
const becomes = (service: TestService, state: 'ok' | 'down') =>
  eventually(`the engine ${state}`, PATIENCE_MS, async () => (await service.status()).engine.state === state)

/** Times of the stored samples between two moments. */
async function storedBetween(service: TestService, id: string, fromMs: number, toMs: number): Promise<number[]> {
  const [from, to] = [fromMs, toMs].map((at) => new Date(at).toISOString())
  const answer = await service.get<{ at?: number[] }>(`/api/containers/${id}/samples?from=${from}&to=${to}&step=1000`)
  return answer.at ?? []
}

describe.skipIf(!present).concurrent('the whole service, when', { timeout: PATIENCE_MS * 2 }, () => {
  test.for([
    ['its engine is killed', false],
    ['its engine is killed together with a container', true],
  ] as const)(
    '%s, three times over, finds it again by itself and takes no end for a crash',
    async ([, withContainer], { expect: check }) => {
      await using host = await openHost()
      const { service, log } = await openService(host)
      await using _service = service
      const [back, gone] = [await host.run({ restartPolicy: 'always' }), await host.run()]
      for (const id of [back, gone]) await becomesLive(service, id)
      for (let kill = 0; kill < 3; kill++) {
        const { State } = await host.engine.docker.getContainer(back).inspect()
        await host.daemon.kill()
        if (withContainer) process.kill(State.Pid, 'SIGKILL')
        await becomes(service, 'down')
        check((await fetch(`${service.url}/api/ready`)).status).toBe(503)
        await host.daemon.start()
        await becomes(service, 'ok')
        const okAtMs = Date.now()
        await becomesLive(service, back)
        await eventually('samples of its next life', PATIENCE_MS, async () => {
          return (await storedBetween(service, back, okAtMs, okAtMs + HOUR_MS)).length >= 2
        })
        const views = await service.containers()
        check(views.find(({ id }) => id === gone)).toMatchObject({ state: 'exited', probability: null })
      }
      check(await service.incidents()).toEqual([])
      check(log.lines.filter(({ level }) => level === 'error')).toEqual([])
    },
  )

  test('its engine hangs, goes on by the kernel’s files, takes the engine’s figures for old, and gets over it', async ({
    expect: check,
  }) => {
    await using host = await openHost()
    const { service: byFiles } = await openService(host)
    await using _byFiles = byFiles
    const { service: byEngine } = await openService(host, { source: 'docker' })
    await using _byEngine = byEngine
    const id = await host.run()
    for (const service of [byFiles, byEngine]) await becomesLive(service, id)
    check((await byFiles.status()).source).toMatchObject({ byFiles: 1, byEngine: 0 })
    const hungAtMs = Date.now()
    host.daemon.hang()
    await eventually('stale, not low', PATIENCE_MS, async () =>
      (await byEngine.containers()).every(
        ({ freshness, probability }) => freshness === 'stale' && probability === null,
      ),
    )
    await Promise.all([becomes(byFiles, 'down'), becomes(byEngine, 'down')])
    const downAtMs = Date.now()
    check(await isLive(byFiles, id)).toBe(true)
    const stored = await storedBetween(byFiles, id, hungAtMs, downAtMs)
    check(stored.length).toBeGreaterThan((downAtMs - hungAtMs) / 1000 / 2)
    host.daemon.goOn()
    for (const service of [byFiles, byEngine]) {
      await becomes(service, 'ok')
      await becomesLive(service, id)
      check(await service.incidents()).toEqual([])
    }
  })

  test.for([
    ['an hour back', -HOUR_MS],
    ['25 hours ahead', 25 * HOUR_MS],
  ] as const)(
    'the clock is set %s and later right again, goes on once a second and keeps all that it stored',
    async ([, jumpMs], { expect: check }) => {
      await using host = await openHost()
      let offsetMs = 0
      const clock = { ...systemClock, now: () => Date.now() + offsetMs }
      const { service, log } = await openService(host, { clock })
      await using _service = service
      const id = await host.run({ memoryBytes: 64 * MIB })
      const fromMs = clock.now()
      const before = await eventually('samples', PATIENCE_MS, async () => {
        const stored = await storedBetween(service, id, fromMs, clock.now())
        return stored.length >= 5 && stored
      })

      offsetMs = jumpMs
      const jumpedAtMs = clock.now()
      const rounds = await countRounds(service, 6_000)
      check(rounds).toBeGreaterThanOrEqual(3)
      check(rounds).toBeLessThanOrEqual(12)
      check(await isLive(service, id)).toBe(true)
      check((await storedBetween(service, id, jumpedAtMs, clock.now())).length).toBeGreaterThanOrEqual(3)
      // Shown in steps of 10 s where the clock says that single seconds are kept no longer.
      check((await storedBetween(service, id, fromMs - 10_000, fromMs + HOUR_MS)).length).toBeGreaterThan(0)

      offsetMs = 0
      await eventually('all from before, and more', PATIENCE_MS, async () => {
        const stored = await storedBetween(service, id, fromMs, clock.now())
        return before.every((at) => stored.includes(at)) && stored.length >= before.length + 3
      })
      await becomesLive(service, id)
      check((await storedBetween(service, id, jumpedAtMs, jumpedAtMs + HOUR_MS)).length).toBeGreaterThanOrEqual(3)
      check(await service.incidents()).toEqual([])
      check(log.lines).toEqual([])
    },
  )
})

// By itself: it counts the descriptors of the process.
describe.skipIf(!present)('the whole service', { timeout: PATIENCE_MS * 2 }, () => {
  test('whose containers end and are removed while it looks at them misses no round and keeps no file open', async () => {
    await using host = await openHost()
    const { service, log } = await openService(host)
    await using _service = service
    const steady = await host.run()
    await becomesLive(service, steady)
    const descriptors = descriptorsOfProcess()
    const fromMs = Date.now()
    const rounds = countRounds(service, 8_000)
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await sleep(index * 300)
        const id = await host.run({ command: ['sleep', `0.${index % 5}`] })
        await sleep((index % 7) * 100)
        await host.engine.remove(id)
      }),
    )
    expect(await rounds).toBeGreaterThanOrEqual(4)
    await eventually('only the steady one left', PATIENCE_MS, async () => (await service.containers()).length === 1)
    expect(await isLive(service, steady)).toBe(true)
    expect((await storedBetween(service, steady, fromMs, Date.now())).length).toBeGreaterThanOrEqual(4)
    // Fewer than one container would keep open; clients of the engine keep some connections.
    await eventually('descriptors as before', PATIENCE_MS, async () => descriptorsOfProcess() < descriptors + 10)
    expect(await service.incidents()).toEqual([])
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })
})
