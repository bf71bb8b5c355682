import { type KernelField, SLOT } from './cgroup-fields.ts'
import {
  createBlkioParser,
  createIoStatParser,
  createKeyedParser,
  createNetworkParser,
  createNumberParser,
  createPressureParser,
  type Parser,
} from './cgroup-parsers.ts'
import type { CgroupDirectory } from './cgroup-paths.ts'

/** A file that is kept open for every container. */
export type KernelFile = {
  /** `process`: /proc/<pid> of one of its processes. */
  in: CgroupDirectory | 'process'
  /** The first that exists: kernels differ. */
  names: readonly string[]
  parser: Parser
  /** Read every `SELDOM_ROUNDS` only: limits, and what nothing is decided on within seconds. */
  seldom?: true
  /** Any other file of a living cgroup says something; io.stat is empty until the first device is used. */
  mayBeEmpty?: true
}

/** How many rounds a limit may be old; also spreads those reads over the rounds. */
export const SELDOM_ROUNDS = 10

/**
 * Where nothing that is read of a container has changed for so many rounds it rests: of its files only the CPU time is read
 * each round, and the others once in so many. As soon as it runs again all are. What others do to it meanwhile (packets that
 * nobody waits for, cache that is written back or reclaimed) is seen that much later, and then ends the rest, too. Divides
 * `SELDOM_ROUNDS`.
 */
export const RESTING_ROUNDS = 5

const number = (field: KernelField): Parser => createNumberParser(SLOT[field])
const pressure = (some: KernelField, full: KernelField): Parser => createPressureParser(SLOT[some], SLOT[full])
const keyed = (fields: Record<string, KernelField | [KernelField, unit: number]>): Parser =>
  createKeyedParser(
    Object.entries(fields).map(([key, field]) =>
      typeof field === 'string' ? { key, slot: SLOT[field] } : { key, slot: SLOT[field[0]], unit: field[1] },
    ),
  )

const NS_PER_US = 1000

const networkFile = (): KernelFile => ({
  in: 'process',
  names: ['net/dev'],
  parser: createNetworkParser(SLOT.networkReceiveBytes, SLOT.networkTransmitBytes),
  mayBeEmpty: true,
})

/** Under cgroup v2, and beside v1 where the unified mount is there too. */
const pressureFiles = (): KernelFile[] => [
  { in: 'unified', names: ['cpu.pressure'], parser: pressure('cpuPressureSomeUs', 'cpuPressureFullUs') },
  { in: 'unified', names: ['memory.pressure'], parser: pressure('memoryPressureSomeUs', 'memoryPressureFullUs') },
  { in: 'unified', names: ['io.pressure'], parser: pressure('ioPressureSomeUs', 'ioPressureFullUs') },
]

/** cgroup v2. CPU time comes first, the time of a reading is taken beside it; seldom ones come last. */
export const filesOfV2 = (): KernelFile[] => [
  {
    in: 'unified',
    names: ['cpu.stat'],
    parser: keyed({
      usage_usec: ['cpuUsageNs', NS_PER_US],
      nr_periods: 'cfsPeriods',
      nr_throttled: 'throttledPeriods',
      throttled_usec: ['throttledTimeNs', NS_PER_US],
    }),
  },
  { in: 'unified', names: ['memory.current'], parser: number('memoryUsageBytes') },
  {
    in: 'unified',
    names: ['memory.stat'],
    parser: keyed({
      anon: 'anonBytes',
      file: 'fileBytes',
      kernel: 'kernelBytes',
      kernel_stack: 'kernelStackBytes',
      pagetables: 'pageTableBytes',
      sock: 'socketBytes',
      shmem: 'shmemBytes',
      file_dirty: 'dirtyBytes',
      file_writeback: 'writebackBytes',
      inactive_anon: 'inactiveAnonBytes',
      active_anon: 'activeAnonBytes',
      inactive_file: 'inactiveFileBytes',
      active_file: 'activeFileBytes',
      unevictable: 'unevictableBytes',
      slab_unreclaimable: 'unreclaimableSlabBytes',
      slab: 'slabBytes',
    }),
  },
  { in: 'unified', names: ['memory.swap.current'], parser: number('swapBytes') },
  { in: 'unified', names: ['memory.events'], parser: keyed({ oom_kill: 'oomKills' }) },
  { in: 'unified', names: ['pids.current'], parser: number('pids') },
  {
    in: 'unified',
    names: ['io.stat'],
    parser: createIoStatParser(SLOT.blockReadBytes, SLOT.blockWriteBytes),
    mayBeEmpty: true,
  },
  ...pressureFiles(),
  networkFile(),
  { in: 'unified', names: ['memory.max'], parser: number('memoryLimitBytes'), seldom: true },
  { in: 'unified', names: ['pids.max'], parser: number('pidsLimit'), seldom: true },
]

/**
 * cgroup v1, with the pressure files of the unified mount where there is one. memory.stat's `total_` lines count nested
 * groups too, as usage does; its "hierarchical_memory_limit" is the limit that holds, the parents' included.
 */
export const filesOfV1 = (): KernelFile[] => [
  { in: 'cpuacct', names: ['cpuacct.usage'], parser: number('cpuUsageNs') },
  {
    in: 'cpu',
    names: ['cpu.stat'],
    parser: keyed({ nr_periods: 'cfsPeriods', nr_throttled: 'throttledPeriods', throttled_time: 'throttledTimeNs' }),
  },
  { in: 'memory', names: ['memory.usage_in_bytes'], parser: number('memoryUsageBytes') },
  {
    in: 'memory',
    names: ['memory.stat'],
    parser: keyed({
      hierarchical_memory_limit: 'memoryLimitBytes',
      total_cache: 'fileBytes',
      total_rss: 'anonBytes',
      total_shmem: 'shmemBytes',
      total_dirty: 'dirtyBytes',
      total_writeback: 'writebackBytes',
      total_swap: 'swapBytes',
      total_inactive_anon: 'inactiveAnonBytes',
      total_active_anon: 'activeAnonBytes',
      total_inactive_file: 'inactiveFileBytes',
      total_active_file: 'activeFileBytes',
      total_unevictable: 'unevictableBytes',
    }),
  },
  { in: 'memory', names: ['memory.oom_control'], parser: keyed({ oom_kill: 'oomKills' }) },
  { in: 'pids', names: ['pids.current'], parser: number('pids') },
  {
    in: 'blkio',
    names: [
      'blkio.throttle.io_service_bytes_recursive',
      'blkio.throttle.io_service_bytes',
      'blkio.io_service_bytes_recursive',
    ],
    parser: createBlkioParser(SLOT.blockReadBytes, SLOT.blockWriteBytes),
    mayBeEmpty: true,
  },
  ...pressureFiles(),
  networkFile(),
  { in: 'memory', names: ['memory.kmem.usage_in_bytes'], parser: number('kernelBytes'), seldom: true },
  { in: 'pids', names: ['pids.max'], parser: number('pidsLimit'), seldom: true },
]
