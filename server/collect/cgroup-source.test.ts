import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { workingSetBytes } from '../analyse/metrics.ts'
import type { KernelCounters } from './cgroup-fields.ts'
import { RESTING_ROUNDS, SELDOM_ROUNDS } from './cgroup-files.ts'
import { type CgroupHandle, createCgroupSource } from './cgroup-source.ts'
import { descriptorsOfProcess, ownTree, RECORDED, type RecordedTree, recordedTree } from './cgroup-stand-in.ts'
import { parseStats } from './docker-replies.ts'

const READ_AT = 1_795_157_120_585
const now = () => READ_AT

type Roots = { cgroupRoot: string; procRoot: string }

function opened(roots: Roots, { id, pid }: { id: string; pid: number | null }) {
  const source = createCgroupSource({ cgroupRoot: roots.cgroupRoot, procRoot: roots.procRoot, now })
  const result = source.open(id, pid)
  if (!result.ok) throw new Error(result.reason)
  return { source, handle: result.handle }
}

/** One reading of a tree; null where the container is gone. */
function reading(roots: Roots, container: { id: string; pid: number | null }): KernelCounters | null {
  const { handle } = opened(roots, container)
  const alive = handle.read()
  handle.close()
  return alive ? handle.counters : null
}

const ofRecorded = (name: RecordedTree) => reading(recordedTree(name), RECORDED[name])

describe('recorded trees', () => {
  test('cgroup v1: the kernel’s files and the engine’s reply of the same paused container say the same', () => {
    const reply = JSON.parse(readFileSync(join(recordedTree('hybrid').folder, 'stats.json'), 'utf8'))
    const counters = ofRecorded('hybrid')!
    const told = Object.entries(parseStats(reply)!).filter(([, value]) => value !== null)
    expect(told.length).toBeGreaterThan(12)
    expect(counters).toMatchObject(Object.fromEntries(told))
    expect(counters).toMatchObject({
      throttledTimeNs: 0,
      anonBytes: 155_648,
      fileBytes: 21_008_384,
      kernelBytes: 1_007_616,
      swapBytes: 0,
      oomKills: 0,
      // From the unified mount.
      cpuPressureSomeUs: 8_504_184,
      memoryPressureFullUs: 0,
      ioPressureFullUs: 1_551_792,
    })
  })

  test('cgroup v2 under systemd: limits, throttling, an OOM kill, two devices', () => {
    const counters = ofRecorded('systemd')!
    expect(counters).toEqual({
      readAt: READ_AT,
      cpuUsageNs: 48_213_907_000,
      cfsPeriods: 1841,
      throttledPeriods: 312,
      throttledTimeNs: 9_120_433_000,
      memoryUsageBytes: 412_352_512,
      memoryLimitBytes: 536_870_912,
      inactiveFileBytes: 79_691_776,
      activeFileBytes: 33_554_432,
      // 12582912 + 260046848 anonymous, 4194304 + 1310720 + 3145728 + 65536 kernel, 1048576 + 135168 not written yet
      unreclaimableBytes: 282_529_792,
      anonBytes: 268_435_456,
      fileBytes: 117_440_512,
      shmemBytes: 4_194_304,
      unevictableBytes: 0,
      dirtyBytes: 1_048_576,
      writebackBytes: 135_168,
      kernelBytes: 22_020_096,
      swapBytes: 8_388_608,
      oomKills: 1,
      pids: 37,
      pidsLimit: 200,
      networkReceiveBytes: 982_451,
      networkTransmitBytes: 10_244_518,
      blockReadBytes: 73_400_320 + 4096,
      blockWriteBytes: 12_582_912 + 8192,
      cpuPressureSomeUs: 30_117_455,
      cpuPressureFullUs: 8_120_311,
      memoryPressureSomeUs: 911_204,
      memoryPressureFullUs: 520_011,
      ioPressureSomeUs: 4_410_922,
      ioPressureFullUs: 3_990_718,
      logErrorLines: null,
    })
    expect(workingSetBytes(counters)).toBe(412_352_512 - 79_691_776)
  })

  test('the same lists give the same unreclaimable memory as in an engine’s reply on cgroup v2', () => {
    const text = readFileSync(
      join(recordedTree('systemd').cgroupRoot, `system.slice/docker-${RECORDED.systemd.id}.scope/memory.stat`),
      'utf8',
    )
    const stats = Object.fromEntries(text.split('\n').map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]))
    const reply = { read: new Date(READ_AT).toISOString(), memory_stats: { usage: 1, stats } }
    const { unreclaimableBytes, inactiveFileBytes } = parseStats(reply)!
    expect(ofRecorded('systemd')).toMatchObject({ unreclaimableBytes, inactiveFileBytes })
  })

  test('cgroup v2 of an older kernel: what it does not tell is unknown, the rest is there', () => {
    expect(ofRecorded('cgroupfs')).toMatchObject({
      cpuUsageNs: 7_310_022_000,
      memoryLimitBytes: null,
      pidsLimit: null,
      // slab 999424 + kernel stack 147456 + sockets 4096
      kernelBytes: 1_150_976,
      blockReadBytes: null,
      cpuPressureSomeUs: 120_433,
      cpuPressureFullUs: null,
      networkReceiveBytes: 51_022,
    })
  })

  test('without the engine’s word on its process one is found among its own', () => {
    expect(reading(recordedTree('systemd'), { id: RECORDED.systemd.id, pid: null })).toEqual(ofRecorded('systemd'))
  })
})

describe('missing and changing files', () => {
  const V2 = `cgroup/system.slice/docker-${RECORDED.systemd.id}.scope`

  test('a kernel without the memory controller and without pressure: only those are unknown', () => {
    using tree = ownTree({}, 'systemd')
    for (const name of ['memory.current', 'memory.stat', 'memory.max', 'memory.events', 'memory.swap.current'])
      tree.remove(`${V2}/${name}`)
    for (const name of ['cpu.pressure', 'memory.pressure', 'io.pressure']) tree.remove(`${V2}/${name}`)
    const { cpuUsageNs, pids, ...rest } = reading(tree, RECORDED.systemd)!
    expect({ cpuUsageNs, pids }).toEqual({ cpuUsageNs: 48_213_907_000, pids: 37 })
    for (const name of [
      'memoryUsageBytes',
      'unreclaimableBytes',
      'oomKills',
      'swapBytes',
      'cpuPressureSomeUs',
    ] as const)
      expect(rest[name]).toBeNull()
  })

  test('without its CPU time it is not opened, and nothing stays open', () => {
    using tree = ownTree({}, 'systemd')
    tree.remove(`${V2}/cpu.stat`)
    const before = descriptorsOfProcess()
    const source = createCgroupSource({ ...tree, now })
    expect(source.open(RECORDED.systemd.id, null)).toEqual({
      ok: false,
      reason: 'the kernel does not let its CPU time be read: no such file, or no permission',
    })
    expect(descriptorsOfProcess()).toBe(before)
    expect(source.openDescriptors).toBe(0)
  })

  describe('a container that rests', () => {
    const CPU = `${V2}/cpu.stat`
    const settle = (handle: CgroupHandle) => {
      for (let round = 0; round <= RESTING_ROUNDS + 1; round++) handle.read()
    }
    /** What each of the next rounds tells. */
    const following = (handle: CgroupHandle, field: 'pids' | 'blockReadBytes', rounds = 2 * RESTING_ROUNDS) =>
      Array.from({ length: rounds }, () => {
        handle.read()
        return handle.counters[field]
      })

    test('is read whole once in five rounds, and each round for a while after something has changed', () => {
      using tree = ownTree({}, 'systemd')
      const { handle } = opened(tree, RECORDED.systemd)
      settle(handle)
      expect(handle.resting).toBe(true)
      tree.write(`${V2}/pids.current`, '2\n')
      const told = following(handle, 'pids', RESTING_ROUNDS)
      expect(told.filter((pids) => pids === 37).length).toBeGreaterThan(0)
      expect(told.at(-1)).toBe(2)
      // It is awake now: what comes next is seen at once.
      tree.write(`${V2}/io.stat`, '8:0 rbytes=7 wbytes=0\n')
      expect(following(handle, 'blockReadBytes', 1)).toEqual([7])
      settle(handle)
      expect(handle.resting).toBe(true)
      handle.close()
    })

    test('is read whole at once when it has run', () => {
      using tree = ownTree({}, 'systemd')
      const { handle } = opened(tree, RECORDED.systemd)
      settle(handle)
      tree.write(`${V2}/memory.current`, '3\n')
      tree.write(CPU, 'usage_usec 48213908\n')
      handle.read()
      expect(handle.resting).toBe(false)
      expect(handle.counters).toMatchObject({ memoryUsageBytes: 3, cpuUsageNs: 48_213_908_000 })
      handle.close()
    })

    test('does not rest while packets come that nobody waits for', () => {
      using tree = ownTree({}, 'systemd')
      const { handle } = opened(tree, RECORDED.systemd)
      for (let round = 1; round <= 3 * RESTING_ROUNDS; round++) {
        tree.write(`${V2}/io.stat`, `8:0 rbytes=${round} wbytes=0\n`)
        expect(following(handle, 'blockReadBytes', 1)).toEqual([round])
      }
      handle.close()
    })

    test('many of them are not read whole in the same round', () => {
      using tree = ownTree({}, 'systemd')
      const source = createCgroupSource({ ...tree, now })
      const handles = Array.from({ length: RESTING_ROUNDS }, () => {
        const result = source.open(RECORDED.systemd.id, RECORDED.systemd.pid)
        if (!result.ok) throw new Error(result.reason)
        return result.handle
      })
      for (const handle of handles) settle(handle)
      for (let round = 0; round < RESTING_ROUNDS; round++) {
        for (const handle of handles) handle.read()
        expect(handles.filter(({ resting }) => !resting)).toHaveLength(1)
      }
      for (const handle of handles) handle.close()
    })

    test('that has vanished is gone', () => {
      using tree = ownTree({}, 'systemd')
      const { handle } = opened(tree, RECORDED.systemd)
      settle(handle)
      tree.write(CPU, '')
      expect(handle.read()).toBe(false)
    })
  })

  test('gauges follow each round in which it runs, limits every tenth, and an earlier reading stays as it was', () => {
    using tree = ownTree({}, 'systemd')
    const { handle } = opened(tree, RECORDED.systemd)
    expect(handle.read()).toBe(true)
    const first = handle.counters
    tree.write(`${V2}/cpu.stat`, 'usage_usec 48213908\n')
    tree.write(`${V2}/memory.current`, '1\n')
    tree.write(`${V2}/memory.max`, '2\n')
    tree.write(`${V2}/io.stat`, '')
    expect(handle.read()).toBe(true)
    expect(handle.counters).toMatchObject({ memoryUsageBytes: 1, memoryLimitBytes: 536_870_912, blockReadBytes: null })
    for (let round = 0; round < SELDOM_ROUNDS; round++) handle.read()
    expect(handle.counters.memoryLimitBytes).toBe(2)
    expect(first).toMatchObject({ memoryUsageBytes: 412_352_512, blockReadBytes: 73_404_416 })
    handle.close()
  })

  test('a cgroup that vanishes between two reads is gone, not a failure, and everything of it is closed', () => {
    using tree = ownTree({}, 'systemd')
    const before = descriptorsOfProcess()
    const { source, handle } = opened(tree, RECORDED.systemd)
    expect(handle.read()).toBe(true)
    tree.write(`${V2}/cpu.stat`, '')
    expect(handle.read()).toBe(false)
    expect(handle.read()).toBe(false)
    expect([source.openDescriptors, source.openContainers, descriptorsOfProcess()]).toEqual([0, 0, before])
    handle.close()
  })

  test('network counters longer than a page are read to their end', () => {
    using tree = ownTree({}, 'systemd')
    const head = 'Inter-|   Receive  |  Transmit\n face |bytes    packets errs\n'
    const lines = Array.from({ length: 300 }, (_, index) => `eth${index}: 10 ${'0 '.repeat(7)}1 ${'0 '.repeat(7)}\n`)
    tree.write(`proc/${RECORDED.systemd.pid}/net/dev`, head + lines.join(''))
    expect(reading(tree, RECORDED.systemd)).toMatchObject({ networkReceiveBytes: 3000, networkTransmitBytes: 300 })
  })
})

describe('whose network it is', () => {
  const { pid, id } = RECORDED.systemd

  test('not the container’s when it shares the host’s', () => {
    using tree = ownTree({}, 'systemd')
    tree.remove('proc/1')
    // The host's first process and this one have the same files where the container has the host's network.
    tree.link(`proc/${pid}`, 'proc/1')
    expect(reading(tree, { id, pid })).toMatchObject({ networkReceiveBytes: null, pids: 37 })
  })

  test('not the container’s when its number was given to a process of another', () => {
    using tree = ownTree({ [`proc/${pid}/cgroup`]: `0::/system.slice/docker-${'a'.repeat(64)}.scope\n` }, 'systemd')
    expect(reading(tree, { id, pid })).toMatchObject({ networkReceiveBytes: null, pids: 37 })
  })

  test('a number of an earlier life does not matter where its present process is known', () => {
    using tree = ownTree({ 'proc/99/cgroup': '0::/init.scope\n' }, 'systemd')
    expect(reading(tree, { id, pid: 99 })).toMatchObject({ networkReceiveBytes: 982_451 })
  })

  test('unknown when no process of it is visible', () => {
    using tree = ownTree({}, 'systemd')
    tree.remove(`proc/${pid}`)
    expect(reading(tree, { id, pid })).toMatchObject({ networkReceiveBytes: null, pids: 37 })
  })
})

describe('descriptors', () => {
  test('5,000 containers come and gone leave none', () => {
    const { id, pid } = RECORDED.hybrid
    const source = createCgroupSource({ ...recordedTree('hybrid'), now })
    const before = descriptorsOfProcess()
    for (let index = 0; index < 5000; index++) {
      const result = source.open(id, pid)
      if (!result.ok) throw new Error(result.reason)
      result.handle.read()
      result.handle.close()
      result.handle.close()
    }
    expect(descriptorsOfProcess()).toBe(before)
    expect([source.openDescriptors, source.openContainers]).toEqual([0, 0])
  })

  test('are counted, and a container more than may be open is refused in words', () => {
    const { id, pid } = RECORDED.hybrid
    const source = createCgroupSource({ ...recordedTree('hybrid'), now, maxDescriptors: 20 })
    const first = source.open(id, pid)
    expect(source.openDescriptors).toBe(13)
    expect(source.open(id, pid)).toEqual({
      ok: false,
      reason: '20 descriptors are the most that containers may take: raise the limit of open files (ulimit -n)',
    })
    if (first.ok) first.handle.close()
    expect(source.open(id, pid)).toMatchObject({ ok: true })
  })
})

test('a root without cgroups opens nothing and says why', () => {
  expect(existsSync('/nowhere')).toBe(false)
  const source = createCgroupSource({ cgroupRoot: '/nowhere', procRoot: '/nowhere', now })
  expect(source.layout.ok).toBe(false)
  expect(source.open('a'.repeat(64), 1)).toMatchObject({ ok: false, reason: expect.stringContaining('/nowhere') })
})
