import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../../server/fixtures/needs.ts'
import type { Victim } from '../injector.ts'
import type { DockerInjector } from './docker-injector.ts'
import { FOLDER_PREFIX } from './helper.ts'
import { processesOf } from './host-processes.ts'
import { kernel, type Lab, mostCores, openLab, rootOf, until } from './lab.ts'

const MiB = 2 ** 20
const SOON_MS = 15_000
/** Cores that a burner may use above its share while it makes up for what it missed. */
const CAUGHT_UP = 0.09
const lab = await openLab()
const runnable = lab !== null && process.getuid?.() === 0

describe.skipIf(!needs('root on the host of a Docker engine', runnable))(
  'on a real engine, by the kernel’s figures,',
  () => {
    let injector: DockerInjector
    const { engine, victim } = lab as Lab
    beforeAll(async () => {
      injector = await lab!.openInjector()
    })
    afterAll(() => lab?.[Symbol.asyncDispose]())

    const main = (id: string) => processesOf(id).filter(({ state }) => state !== 'Z')
    const folders = (id: string) => readdirSync(rootOf(id)).filter((name) => name.startsWith(FOLDER_PREFIX))
    /** Only the main process is left, and no file, and it is as killable as before. */
    const expectClean = async ({ id }: Victim) => {
      await until('only the main process', 2_000, () => kernel.states(id).join('') === 'S')
      expect(folders(id)).toEqual([])
      expect(readFileSync(`/proc/${main(id)[0]?.pid}/oom_score_adj`, 'utf8').trim()).toBe('0')
    }
    /** Growth per second between two looks. */
    const rateOf = async (figure: (id: string) => number, id: string, seconds: number) => {
      const [before, beforeMs] = [figure(id), Date.now()]
      await sleep(seconds * 1000)
      return ((figure(id) - before) / (Date.now() - beforeMs)) * 1000
    }

    describe.concurrent('a fault bites and is taken back without a trace:', { timeout: 60_000 }, () => {
      test('memory leaks at the asked rate and is given back', async () => {
        const one = await victim({ memoryBytes: 64 * MiB })
        const fault = await injector.inject({ kind: 'memory-leak', shareOfLimitPerSecond: 0.05, shape: 'steady' }, one)
        await sleep(1000)
        const rate = await rateOf(kernel.anonymousBytes, one.id, 6)
        expect(rate).toBeGreaterThan(3.2 * MiB * 0.8)
        expect(rate).toBeLessThan(3.2 * MiB * 1.2)
        await fault.takeBack()
        await expectClean(one)
        expect(kernel.anonymousBytes(one.id)).toBeLessThan(2 * MiB)
      })

      test('a leak that goes on ends the container by the kernel’s OOM killer', async () => {
        const one = await victim({ memoryBytes: 32 * MiB })
        const fault = await injector.inject({ kind: 'memory-leak', shareOfLimitPerSecond: 0.2, shape: 'steady' }, one)
        const ended = await until('the end', SOON_MS, async () => {
          const { State } = await engine.docker.getContainer(one.id).inspect()
          return State.Running ? null : State
        })
        expect(ended).toMatchObject({ ExitCode: 137, OOMKilled: true })
        await fault.takeBack()
        await engine.docker.getContainer(one.id).start()
        await expectClean(one)
      })

      test('a sawtooth gives everything back and begins again', async () => {
        const one = await victim({ memoryBytes: 32 * MiB })
        const leak = { kind: 'memory-leak', shareOfLimitPerSecond: 0.3, shape: 'sawtooth', untilShare: 0.7 } as const
        const fault = await injector.inject(leak, one)
        let [top, falls, last] = [0, 0, 0]
        await until('two falls', SOON_MS, () => {
          const now = kernel.anonymousBytes(one.id)
          if (now < last / 2 && last > 8 * MiB) falls++
          top = Math.max(top, now)
          last = now
          return falls === 2
        })
        expect(top).toBeGreaterThan(32 * MiB * 0.5)
        expect(top).toBeLessThan(32 * MiB * 0.8)
        await fault.takeBack()
        await expectClean(one)
      })

      test('steps take a tenth of the limit at once', async () => {
        const one = await victim({ memoryBytes: 64 * MiB })
        const fault = await injector.inject({ kind: 'memory-leak', shareOfLimitPerSecond: 0.1, shape: 'steps' }, one)
        const held: number[] = []
        const endMs = Date.now() + 4_500
        while (Date.now() < endMs) {
          held.push(kernel.anonymousBytes(one.id) / (6.4 * MiB))
          await sleep(100)
        }
        const between = held.filter((steps) => Math.abs(steps - Math.round(steps)) > 0.2)
        expect(Math.max(...held)).toBeGreaterThan(2.8)
        // Of a steady leak it would be three in five.
        expect(between.length).toBeLessThan(held.length * 0.4)
        await fault.takeBack()
        await expectClean(one)
      })

      test('a bomb ends the container at once', async () => {
        const one = await victim({ memoryBytes: 64 * MiB })
        const fault = await injector.inject({ kind: 'memory-bomb' }, one)
        await until('the end', SOON_MS, async () => {
          const { State } = await engine.docker.getContainer(one.id).inspect()
          return State.OOMKilled && !State.Running
        })
        await fault.takeBack()
        await engine.docker.getContainer(one.id).start()
        await expectClean(one)
      })

      test('the page cache fills the limit, and nothing dies', async () => {
        const one = await victim({ memoryBytes: 32 * MiB })
        const fault = await injector.inject({ kind: 'page-cache' }, one)
        await until('a full cache', 15_000, () => kernel.memoryBytes(one.id) > 0.95 * 32 * MiB)
        expect(kernel.cacheBytes(one.id)).toBeGreaterThan(0.8 * 32 * MiB)
        await sleep(1000)
        expect(processesOf(one.id).length).toBeGreaterThan(1)
        await fault.takeBack()
        await expectClean(one)
        expect(kernel.cacheBytes(one.id)).toBeLessThan(8 * MiB)
      })

      test('all processes that the limit allows are started, and no more can be', async () => {
        const one = await victim({ memoryBytes: 64 * MiB, pidsLimit: 40 })
        const fault = await injector.inject({ kind: 'pid-exhaustion', shareOfLimit: 1 }, one)
        await until('a full house', SOON_MS, () => kernel.pids(one.id) === 40 && kernel.refusedForks(one.id) > 0)
        await fault.takeBack()
        await expectClean(one)
        expect(kernel.pids(one.id)).toBe(1)
      })

      test('half of the processes that the limit allows are started', async () => {
        const one = await victim({ memoryBytes: 64 * MiB, pidsLimit: 40 })
        const fault = await injector.inject({ kind: 'pid-exhaustion', shareOfLimit: 0.5 }, one)
        await until('twenty', SOON_MS, () => kernel.pids(one.id) === 20)
        await sleep(1200)
        expect(kernel.pids(one.id)).toBe(20)
        expect(kernel.refusedForks(one.id)).toBe(0)
        await fault.takeBack()
        await expectClean(one)
      })

      test('a health check that runs when it begins does not save room for the next', async () => {
        const command = 'sleep 0.4 & sleep 0.4 & sleep 0.4 & sleep 0.4 & wait'
        const health = { command, intervalMs: 1_000, retries: 3 }
        const one = await victim({ memoryBytes: 64 * MiB, pidsLimit: 40, health })
        await until('a check', SOON_MS, () => kernel.pids(one.id) > 3)
        const fault = await injector.inject({ kind: 'pid-exhaustion', shareOfLimit: 0.98 }, one)
        await until('failed checks', SOON_MS, async () => {
          const { State } = await engine.docker.getContainer(one.id).inspect()
          return State.Health?.Status === 'unhealthy'
        })
        await fault.takeBack()
        expect(kernel.pids(one.id)).toBeLessThan(10)
      })

      test('a file of the asked size fills the disk', async () => {
        const one = await victim({ memoryBytes: 64 * MiB })
        const fault = await injector.inject({ kind: 'disk-fill', bytes: 20 * MiB }, one)
        const [folder] = folders(one.id)
        const path = join(rootOf(one.id), folder!, 'fill')
        await until('the file', SOON_MS, () => statSync(path, { throwIfNoEntry: false })?.size === 20 * MiB)
        expect(statSync(path).blocks * 512).toBeGreaterThan(19 * MiB)
        await fault.takeBack()
        await expectClean(one)
      })

      test('a helper ends by itself when its time is over', async () => {
        const one = await victim({ cpuCores: 0.2, memoryBytes: 32 * MiB })
        const other = await victim({ memoryBytes: 64 * MiB })
        await injector.inject({ kind: 'cpu-burn', shareOfLimit: 0.1 }, one, { seconds: 2 })
        await injector.inject({ kind: 'memory-leak', shareOfLimitPerSecond: 0.01, shape: 'steady' }, other, {
          seconds: 2,
        })
        await until(
          'the end of the first',
          SOON_MS,
          () => processesOf(one.id).length === 1 && folders(one.id).length === 0,
        )
        await until(
          'the end of the other',
          SOON_MS,
          () => processesOf(other.id).length === 1 && folders(other.id).length === 0,
        )
        await sleep(200)
        await expectClean(one)
        await expectClean(other)
      })

      test('half of the CPU limit is burnt', { timeout: 40_000 }, async () => {
        const one = await victim({ cpuCores: 0.5, memoryBytes: 32 * MiB })
        const fault = await injector.inject({ kind: 'cpu-burn', shareOfLimit: 0.5 }, one)
        const cores = await mostCores(one.id, 0.25 * 0.8)
        expect(cores).toBeGreaterThan(0.25 * 0.8)
        expect(cores).toBeLessThan(0.25 * 1.2 + CAUGHT_UP)
        await fault.takeBack()
        await expectClean(one)
        expect(await rateOf(kernel.cpuSeconds, one.id, 1)).toBeLessThan(0.02)
      })

      test('more than the CPU limit is asked for, and the kernel throttles', { timeout: 40_000 }, async () => {
        const one = await victim({ cpuCores: 0.2, memoryBytes: 32 * MiB })
        const fault = await injector.inject({ kind: 'cpu-burn', shareOfLimit: 2 }, one)
        const cores = await mostCores(one.id, 0.2 * 0.8)
        expect(cores).toBeGreaterThan(0.2 * 0.8)
        expect(cores).toBeLessThan(0.2 * 1.2)
        expect(kernel.throttledPeriods(one.id)).toBeGreaterThan(10)
        await fault.takeBack()
        await expectClean(one)
      })
    })
  },
)
