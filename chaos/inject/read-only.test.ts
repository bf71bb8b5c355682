import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../../server/fixtures/needs.ts'
import type { Victim } from '../injector.ts'
import type { DockerInjector } from './docker-injector.ts'
import { FOLDER_PREFIX } from './helper.ts'
import { markedProcesses, processesOf } from './host-processes.ts'
import { kernel, type Lab, openLab, rootOf, until } from './lab.ts'

const SOON_MS = 20_000
const MiB = 2 ** 20

const lab = await openLab()

const runnable = lab !== null && process.getuid?.() === 0
describe.skipIf(!needs('root on the host of a Docker engine', runnable))(
  'victims with a read-only file system and no rights',
  { timeout: 60_000 },
  () => {
    const { openInjector, victim, engine, scope } = lab as Lab
    let injector: DockerInjector
    beforeAll(async () => {
      injector = await openInjector()
    })
    afterAll(async () => {
      await lab![Symbol.asyncDispose]()
    })

    const plain = { readOnly: true, user: '65534:65534', memoryBytes: 64 * MiB, cpuCores: 0.2, pidsLimit: 40 }
    const folders = ({ id }: Victim) =>
      readdirSync(`${rootOf(id)}/dev/shm`).filter((name) => name.startsWith(FOLDER_PREFIX))
    const expectClean = async (one: Victim) => {
      await until('only the main process', SOON_MS, () => kernel.states(one.id).join('') === 'S')
      expect(folders(one)).toEqual([])
      expect(markedProcesses(`${scope}-`)).toEqual([])
    }

    test('memory leaks until the kernel ends the container', async () => {
      const one = await victim(plain)
      const fault = await injector.inject({ kind: 'memory-leak', shareOfLimitPerSecond: 0.2, shape: 'steady' }, one)
      await until('the leak', SOON_MS, () => kernel.anonymousBytes(one.id) > 20 * MiB)
      const helpers = markedProcesses(`${scope}-`)
      expect(helpers.length).toBeGreaterThan(0)
      for (const { pid } of helpers) expect(readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(/^Uid:\s+65534/m)
      const ended = await until('the end', SOON_MS, async () => {
        const { State } = await engine.docker.getContainer(one.id).inspect()
        return State.Running ? null : State
      })
      expect(ended).toMatchObject({ ExitCode: 137, OOMKilled: true })
      await until('no helper', SOON_MS, () => markedProcesses(`${scope}-`).length === 0)
      await fault.takeBack()
    })

    test('memory is given back, and a restart ends the helper, too', async () => {
      const one = await victim(plain)
      const leak = { kind: 'memory-leak', shareOfLimitPerSecond: 0.05, shape: 'steady' } as const
      const fault = await injector.inject(leak, one)
      await until('the leak', SOON_MS, () => kernel.anonymousBytes(one.id) > 5 * MiB)
      await fault.takeBack()
      await expectClean(one)
      expect(kernel.anonymousBytes(one.id)).toBeLessThan(2 * MiB)
      await injector.inject(leak, one)
      await engine.docker.getContainer(one.id).restart({ t: 0 })
      await expectClean(one)
    })

    test('the CPU is burnt in its cgroup', async () => {
      const one = await victim(plain)
      const fault = await injector.inject({ kind: 'cpu-burn', shareOfLimit: 2 }, one)
      await until('throttling', SOON_MS, () => kernel.throttledPeriods(one.id) > 5)
      await fault.takeBack()
      await expectClean(one)
    })

    test('all its processes are taken', async () => {
      const one = await victim(plain)
      const fault = await injector.inject({ kind: 'pid-exhaustion', shareOfLimit: 1 }, one)
      await until('a full house', SOON_MS, () => kernel.pids(one.id) === 40 && kernel.refusedForks(one.id) > 0)
      await fault.takeBack()
      await expectClean(one)
      expect(processesOf(one.id)).toHaveLength(1)
    })

    test('what needs a file is refused', async () => {
      const one = await victim(plain)
      expect(await injector.objection({ kind: 'disk-fill', bytes: MiB }, one)).toContain('read-only')
      expect(existsSync(`${rootOf(one.id)}/proc/1`)).toBe(true)
    })
  },
)
