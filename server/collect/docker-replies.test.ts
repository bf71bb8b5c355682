import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { toSample, workingSetBytes } from '../analyse/metrics.ts'
import type { Counters } from '../contracts/telemetry.ts'
import { recording } from '../fixtures/recording.ts'
import {
  containerKey,
  isStoppedReply,
  ListReply,
  limitUpdate,
  parseDescription,
  parseEvent,
  parseInspect,
  parseStats,
  parseTime,
  TopReply,
} from './docker-replies.ts'

type Reply = Record<string, unknown>
type PrintedStats = { CPUPerc: string; MemUsage: string; PIDs: string }

const MIB = 2 ** 20
const HOST = { hostCores: 2, hostMemoryBytes: 25_276_510_208 }
const ID = 'a'.repeat(64)

const readings = (name: string): Counters[] => recording<Reply[]>(name).map((reply) => parseStats(reply)!)
const numbersOf = (counters: Counters): (number | null)[] => Object.values(counters)

describe('a stats reply of a real engine', () => {
  test('gives every counter of a limited, busy container', () => {
    expect(readings('stats-busy')[1]).toEqual({
      readAt: Date.parse('2026-11-20T06:02:41.469Z'),
      cpuUsageNs: 6_259_909_102,
      cfsPeriods: 125,
      throttledPeriods: 124,
      throttledTimeNs: 5_539_508_361,
      memoryUsageBytes: 12_931_072,
      inactiveFileBytes: 0,
      // total_active_anon 4096 + total_inactive_anon 49152; nothing locked, dirty or in write-back
      unreclaimableBytes: 53_248,
      anonBytes: 77_824,
      fileBytes: 8_396_800,
      kernelBytes: null,
      swapBytes: null,
      oomKills: null,
      memoryLimitBytes: 64 * MIB,
      pids: 2,
      pidsLimit: 50,
      networkReceiveBytes: 586,
      networkTransmitBytes: 0,
      blockReadBytes: null,
      blockWriteBytes: null,
      cpuPressureSomeUs: null,
      cpuPressureFullUs: null,
      memoryPressureSomeUs: null,
      memoryPressureFullUs: null,
      ioPressureSomeUs: null,
      ioPressureFullUs: null,
      logErrorLines: null,
    })
  })

  test('of a container without limits has no limit of processes, and the memory of the host', () => {
    expect(readings('stats-idle')[0]).toMatchObject({
      pidsLimit: null,
      memoryLimitBytes: 25_276_510_208,
      cfsPeriods: 0,
    })
  })

  test('of a stopped container is no reading', () => {
    for (const reply of recording<Reply[]>('stats-stopped')) {
      expect(isStoppedReply(reply)).toBe(true)
      expect(parseStats(reply)).toBeNull()
    }
    expect(recording<Reply[]>('stats-busy').some(isStoppedReply)).toBe(false)
  })

  test('gives the working set that docker stats prints', () => {
    // 22331392 usage - 20971520 inactive file = 1359872 bytes = 1.297 MiB
    expect(workingSetBytes(readings('stats-cached')[0]!)).toBe(1_359_872)
    for (const name of ['busy', 'cached']) {
      const printed = recording<PrintedStats[]>(`docker-stats-${name}`)
      for (const [index, { MemUsage, PIDs }] of printed.entries()) {
        const reading = readings(`stats-${name}`)[index]!
        const mebibytes = Number((workingSetBytes(reading)! / MIB).toPrecision(4))
        expect(`${mebibytes}MiB / ${reading.memoryLimitBytes! / MIB}MiB`).toBe(MemUsage)
        expect(String(reading.pids)).toBe(PIDs)
      }
    }
  })

  test('gives the CPU that docker stats prints, but for its clock of 10 ms ticks', () => {
    const busy = readings('stats-busy')
    const printed = recording<PrintedStats[]>('docker-stats-busy')
    for (let index = 1; index < busy.length; index++) {
      const { cpuCores, throttledShare } = toSample(ID, busy[index - 1]!, busy[index]!, {
        ...HOST,
        cpuLimitCores: 0.5,
        memoryLimitBytes: 64 * MIB,
      })
      // docker stats divides by the host's ticks, we by the engine's read times: 505737295 / 1006693000 ns = 0.5024 cores
      expect(Math.abs(cpuCores! - Number.parseFloat(printed[index]!.CPUPerc) / 100)).toBeLessThan(0.02)
      expect(throttledShare).toBe(1)
    }
  })
})

/** Written by hand after the engine's API reference: no engine with cgroup v2 was at hand. */
const CGROUP_V2 = {
  read: '2026-11-20T06:00:00.5Z',
  pids_stats: { current: 7, limit: 2 ** 64 },
  networks: { eth0: { rx_bytes: 100, tx_bytes: 10 }, eth1: { rx_bytes: 23, tx_bytes: 4 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { major: 8, minor: 0, op: 'read', value: 4096 },
      { major: 8, minor: 0, op: 'write', value: 8192 },
      { major: 8, minor: 16, op: 'read', value: 1 },
    ],
  },
  cpu_stats: {
    cpu_usage: { total_usage: 5_000_000, usage_in_kernelmode: 1, usage_in_usermode: 2 },
    online_cpus: 2,
    throttling_data: { periods: 9, throttled_periods: 3, throttled_time: 77 },
  },
  memory_stats: {
    usage: 50_000,
    limit: 1_000_000,
    stats: {
      anon: 20_000,
      active_anon: 5_000,
      inactive_anon: 15_000,
      inactive_file: 10_000,
      active_file: 3_000,
      unevictable: 100,
      slab_unreclaimable: 200,
      kernel_stack: 30,
      pagetables: 4,
      sock: 5,
      file_dirty: 600,
      file_writeback: 70,
    },
  },
}

test('a stats reply of cgroup v2 (written by hand) is read as one of v1', () => {
  expect(parseStats(CGROUP_V2)).toEqual({
    readAt: Date.parse('2026-11-20T06:00:00.500Z'),
    cpuUsageNs: 5_000_000,
    cfsPeriods: 9,
    throttledPeriods: 3,
    throttledTimeNs: 77,
    memoryUsageBytes: 50_000,
    inactiveFileBytes: 10_000,
    // 5000 + 15000 anonymous, 100 locked, 200 + 30 + 4 + 5 kernel, 600 + 70 not yet written
    unreclaimableBytes: 21_009,
    anonBytes: 20_000,
    fileBytes: null,
    kernelBytes: 39,
    swapBytes: null,
    oomKills: null,
    memoryLimitBytes: 1_000_000,
    pids: 7,
    pidsLimit: null,
    networkReceiveBytes: 123,
    networkTransmitBytes: 14,
    blockReadBytes: 4097,
    blockWriteBytes: 8192,
    cpuPressureSomeUs: null,
    cpuPressureFullUs: null,
    memoryPressureSomeUs: null,
    memoryPressureFullUs: null,
    ioPressureSomeUs: null,
    ioPressureFullUs: null,
    logErrorLines: null,
  })
})

test('block operations count in the upper case of cgroup v1 too', () => {
  const entries = [
    { op: 'Read', value: 1 },
    { op: 'Write', value: 2 },
    { op: 'Total', value: 3 },
    { op: 7, value: 4 },
    null,
  ]
  const counters = parseStats({ ...CGROUP_V2, blkio_stats: { io_service_bytes_recursive: entries } })
  expect(counters).toMatchObject({ blockReadBytes: 1, blockWriteBytes: 2 })
})

describe('a number that makes no sense', () => {
  const withUsage = (usage: unknown, limit: unknown = 1e6) =>
    parseStats({ ...CGROUP_V2, memory_stats: { usage, limit } })!

  test.each([
    [-1],
    [1e308],
    [2 ** 64],
    [Number.POSITIVE_INFINITY],
    [Number.NaN],
    ['12'],
    ['NaN'],
    [null],
    [[]],
    [{}],
    ['<html>'],
  ])('is unknown: %s', (value) =>
    expect(withUsage(value)).toMatchObject({ memoryUsageBytes: null, unreclaimableBytes: null }),
  )

  test('but zero is a count', () => expect(withUsage(0).memoryUsageBytes).toBe(0))

  test.each([[0], [-1], [2 ** 63], [2 ** 63 - 4096], [1e308], ['64m'], [null]])('is no limit: %s', (value) =>
    expect(withUsage(1, value).memoryLimitBytes).toBeNull(),
  )
})

test('what is no stats reply at all gives null', () => {
  for (const junk of [null, undefined, '', '<html>', 5, [], {}, [[]], { read: 5 }, { read: 'now' }, { read: '<p> 5' }])
    expect(parseStats(junk)).toBeNull()
})

test('a time is ISO 8601 or unknown, whatever else Date.parse would guess', () => {
  expect(parseTime('2026-11-20T06:02:41.469079215Z')).toBe(Date.parse('2026-11-20T06:02:41.469Z'))
  expect(parseTime('2026-11-20T08:02:41+02:00')).toBe(Date.parse('2026-11-20T06:02:41Z'))
  for (const junk of ['0001-01-01T00:00:00Z', 'error 5', '1', '', '2026-13-45T00:00:00Z', 'NaN', null, 17, []])
    expect(parseTime(junk)).toBeNull()
})

/** Replies with any of their parts exchanged for anything that JSON can say, deep junk and absurd numbers among them. */
const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.double(),
  fc.constantFrom(1e308, 2 ** 63, -1, Number.POSITIVE_INFINITY, Number.NaN, '<html>', 'NaN', null),
)
const spoilt = (original: object): fc.Arbitrary<Reply> => {
  const paths = pathsOf(original)
  return fc.array(fc.tuple(fc.constantFrom(...paths), junk), { maxLength: 5 }).map((changes) => {
    const copy = structuredClone(original) as Reply
    for (const [path, value] of changes) {
      let target: unknown = copy
      for (const key of path.slice(0, -1)) target = (target as Reply | null)?.[key]
      const key = path.at(-1)!
      // What is not there is not added: beyond the end of an array that leaves a hole, which JSON does not have.
      if (typeof target === 'object' && target !== null && Object.hasOwn(target, key))
        (target as Reply)[key] = structuredClone(value)
    }
    return copy
  })
}
function pathsOf(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => [[key], ...pathsOf(inner).map((rest) => [key, ...rest])])
}

describe('whatever the engine says', () => {
  const stats = fc.oneof(junk, spoilt(recording<object[]>('stats-busy')[1]!), spoilt(CGROUP_V2))
  test('a stats reply never throws and gives finite counters', () => {
    fc.assert(
      fc.property(stats, (reply) => {
        const counters = parseStats(reply)
        if (counters === null) return
        for (const value of numbersOf(counters))
          expect(value === null || (Number.isFinite(value) && value >= 0)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('an event never throws and gives a time that a clock can show', () => {
    fc.assert(
      fc.property(fc.oneof(junk, spoilt(recording<object[]>('events-oom')[3]!)), (reply) => {
        const event = parseEvent(reply)
        if (event === null) return
        expect(() => new Date(event.at).toISOString()).not.toThrow()
        expect(event.at).toBeGreaterThan(0)
        for (const value of [event.exitCode, event.signal]) expect(value === null || Number.isInteger(value)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('an inspect reply is refused as such or gives finite numbers', () => {
    fc.assert(
      fc.property(fc.oneof(junk, spoilt(recording<object>('inspect-limited'))), (reply) => {
        let container: Record<string, unknown>
        try {
          container = parseInspect(reply)
        } catch (error) {
          expect((error as Error).name).toBe('ZodError')
          return
        }
        for (const value of Object.values(container))
          if (typeof value === 'number') expect(value).toSatisfy(Number.isFinite)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('an inspect reply of a real engine', () => {
  test('gives the path of its log where it is its own file of JSON lines, and no other path', () => {
    const reply = recording<{ Id: string }>('inspect-limited')
    const own = `/var/lib/docker/containers/${reply.Id}/${reply.Id}-json.log`
    const other = 'e'.repeat(64)
    for (const [LogPath, logPath] of [
      [own, own],
      [`/srv${own}`, `/srv${own}`],
      ['', null],
      [undefined, null],
      [7, null],
      [own.slice(1), null],
      [`/var/lib/docker/containers/${other}/${other}-json.log`, null],
      [`/var/lib/../../etc/containers/${reply.Id}/${reply.Id}-json.log`, null],
      [`/var/lib/docker/containers/${reply.Id}/local-logs/container.log`, null],
      ['/etc/shadow', null],
    ])
      expect(parseInspect({ ...reply, LogPath }).logPath).toBe(logPath)
  })

  test('gives the limits', () => {
    expect(parseInspect(recording('inspect-limited'))).toMatchObject({
      name: 'rec-busy',
      key: 'rec-busy',
      image: 'bb',
      state: 'running',
      health: 'none',
      memoryLimitBytes: 64 * MIB,
      cpuLimitCores: 0.5,
      composeProject: null,
      startedAt: Date.parse('2026-11-20T06:02:29.037Z'),
      exitCode: 0,
      stopGraceSeconds: 10,
    })
  })

  test('gives the compose project, service and number, and the key made of them', () => {
    expect(parseInspect(recording('inspect-compose'))).toMatchObject({
      name: 'rec-compose',
      key: 'shop/web/2',
      composeProject: 'shop',
      composeService: 'web',
      composeNumber: 2,
      memoryLimitBytes: null,
      cpuLimitCores: null,
    })
  })

  test('gives the failing streak of an unhealthy container', () => {
    expect(parseInspect(recording('inspect-unhealthy'))).toMatchObject({ health: 'unhealthy', healthFailingStreak: 20 })
  })

  test('of a healthy container that was stopped says unhealthy: the state must be looked at first', () => {
    expect(parseInspect(recording('inspect-healthy-then-stopped'))).toMatchObject({
      state: 'exited',
      health: 'unhealthy',
      healthFailingStreak: 0,
    })
  })

  test('says OOM-killed after the kill, and still does so through the next run', () => {
    expect(parseInspect(recording('inspect-oom-killed'))).toMatchObject({
      state: 'exited',
      exitCode: 137,
      oomKilled: true,
    })
    expect(parseInspect(recording('inspect-oom-killed-started-again'))).toMatchObject({
      state: 'running',
      oomKilled: true,
    })
  })

  test('tells a container between two lives from a running one', () => {
    expect(parseInspect(recording('inspect-restarting'))).toMatchObject({
      state: 'restarting',
      exitCode: 3,
      restartCount: 8,
    })
  })
})

test('a quota is a share of its period, 100 ms where the engine writes none', () => {
  const limited = recording<Reply>('inspect-limited')
  const cores = (HostConfig: object) => parseInspect({ ...limited, HostConfig }).cpuLimitCores
  expect(cores({ CpuQuota: 150_000, CpuPeriod: 0 })).toBe(1.5)
  expect(cores({ CpuQuota: 25_000, CpuPeriod: 50_000 })).toBe(0.5)
  expect(cores({ CpuQuota: -1, CpuPeriod: 50_000 })).toBeNull()
  expect(cores({ NanoCpus: 2e9, CpuQuota: 1 })).toBe(2)
  expect(cores({})).toBeNull()
})

test('a container is the same one after its re-creation; a one-off job of its service is not', () => {
  const labels = {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'web',
    'com.docker.compose.container-number': '2',
  }
  expect(containerKey('shop-web-2', labels)).toBe('shop/web/2')
  expect(containerKey('shop-web-2', { ...labels, 'com.docker.compose.oneoff': 'False' })).toBe('shop/web/2')
  expect(containerKey('shop-web-run-1f', { ...labels, 'com.docker.compose.oneoff': 'True' })).toBe('shop-web-run-1f')
  expect(containerKey('alone', { 'com.docker.compose.project': 'shop' })).toBe('alone')
})

describe('new limits', () => {
  const GIB = 2 ** 30
  test.each([
    ['without swap, stay without', { Memory: GIB, MemorySwap: GIB }, { Memory: 2 * GIB, MemorySwap: 2 * GIB }],
    ['with some swap, keep it', { Memory: GIB, MemorySwap: 3 * GIB }, { Memory: 2 * GIB, MemorySwap: 4 * GIB }],
    ['with all swap, keep it', { Memory: GIB, MemorySwap: -1 }, { Memory: 2 * GIB, MemorySwap: -1 }],
    ['where swap is not counted, say nothing of it', { Memory: GIB, MemorySwap: 0 }, { Memory: 2 * GIB }],
  ])('of memory %s', (_, HostConfig, update) => {
    expect(limitUpdate({ HostConfig }, { memoryBytes: 2 * GIB })).toEqual(update)
  })

  test.each([
    [{ NanoCpus: 1e9, CpuQuota: 0 }, { NanoCpus: 1.5e9 }],
    [{ CpuQuota: 100_000 }, { CpuQuota: 150_000 }],
    [{ CpuQuota: 20_000, CpuPeriod: 20_000 }, { CpuQuota: 30_000 }],
  ])('of CPU are set in the way they were set: %j', (HostConfig, update) => {
    expect(limitUpdate({ HostConfig }, { cpuCores: 1.5 })).toEqual(update)
  })
})

describe('the events of a real engine', () => {
  const events = (name: string) => recording<Reply[]>(name).map((reply) => parseEvent(reply)!)

  test('tell a restart: both signals, the death, the stop, the start', () => {
    expect(events('events-restart').map(({ kind, signal, exitCode }) => [kind, signal, exitCode])).toEqual([
      ['kill', 15, null],
      ['kill', 9, null],
      ['die', null, 137],
      ['stop', null, null],
      ['start', null, null],
      ['restart', null, null],
    ])
  })

  test('tell an OOM kill before the death', () => {
    expect(events('events-oom').map(({ kind, exitCode }) => [kind, exitCode])).toEqual([
      ['create', null],
      ['start', null],
      ['oom', null],
      ['die', 137],
    ])
    expect(events('events-oom')[2]).toMatchObject({ name: 'rec-oom', at: 1_795_154_550_842 })
  })

  test('tell health with its word, and are not confused by the commands of health checks', () => {
    const unhealthy = events('events-unhealthy')
    expect(unhealthy.at(-1)).toMatchObject({ kind: 'health_status', health: 'unhealthy' })
    expect(unhealthy.filter(({ health }) => health !== null)).toHaveLength(1)
    expect(unhealthy.map(({ kind }) => kind)).toContain('exec_start')
  })

  test('tell each end of a crash loop with its exit code', () => {
    const ends = events('events-crash-loop').filter(({ kind }) => kind === 'die')
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([3, 3, 3])
  })
})

test('an event of a network, or without a time, or with an absurd one, is none', () => {
  const [event] = recording<Reply[]>('events-oom')
  expect(parseEvent({ ...event, Type: 'network' })).toBeNull()
  expect(parseEvent({ ...event, time: undefined, timeNano: undefined })).toBeNull()
  expect(parseEvent({ ...event, time: 1e308, timeNano: undefined })).toBeNull()
  expect(parseEvent({ ...event, timeNano: undefined })?.at).toBe(1_795_154_549_000)
})

test('an exit code that is not a number is unknown, not zero', () => {
  const [event] = recording<{ Actor: object }[]>('events-oom')
  const exitCode = (text: string) =>
    parseEvent({ ...event, Actor: { ...event!.Actor, Attributes: { exitCode: text } } })?.exitCode
  expect(exitCode('137')).toBe(137)
  for (const text of ['', ' ', 'NaN', '-1', '1e9', '0x10', 'Infinity']) expect(exitCode(text)).toBeNull()
})

test('the engine describes itself and its host', () => {
  expect(parseDescription(recording('info'), recording('version'))).toEqual({
    id: 'TLVV:BQUS:F524:GAOK:ZHKC:24IE:EUA5:TXIE:4CGY:UJUS:L7FN:IAE6',
    name: 'docker-host',
    version: '20.10.24+dfsg1',
    apiVersion: '1.41',
    ...HOST,
    cgroupVersion: '1',
    rootDirectory: '/var/lib/docker',
  })
  expect(() => parseDescription('<html>', {})).toThrow()
  expect(() => parseDescription({ ServerVersion: '1', NCPU: 0, MemTotal: 0 }, {})).toThrow()
})

test('the lists of containers and of processes are read', () => {
  expect(ListReply.parse(recording('list'))).toEqual([{ Id: expect.stringMatching(/^ac6455961fee/) }])
  expect(TopReply.parse(recording('top')).Processes[0]!.at(-1)).toMatch(/^sh -c dd/)
})
