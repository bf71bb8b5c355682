import type { Counters } from '../contracts/telemetry.ts'

/** One reading of a container from the kernel's own files: all that the engine tells, and what only the kernel does. */
export type KernelCounters = Counters & {
  activeFileBytes: number | null
  shmemBytes: number | null
  unevictableBytes: number | null
  dirtyBytes: number | null
  writebackBytes: number | null
}

/** What the files say, each with its place in the array that they are read into. NaN there is unknown. */
const FIELDS = [
  'cpuUsageNs',
  'cfsPeriods',
  'throttledPeriods',
  'throttledTimeNs',
  'memoryUsageBytes',
  'memoryLimitBytes',
  'activeAnonBytes',
  'inactiveAnonBytes',
  'activeFileBytes',
  'inactiveFileBytes',
  'unevictableBytes',
  'anonBytes',
  'fileBytes',
  'shmemBytes',
  'dirtyBytes',
  'writebackBytes',
  'kernelBytes',
  'unreclaimableSlabBytes',
  'slabBytes',
  'kernelStackBytes',
  'pageTableBytes',
  'socketBytes',
  'swapBytes',
  'oomKills',
  'pids',
  'pidsLimit',
  'blockReadBytes',
  'blockWriteBytes',
  'networkReceiveBytes',
  'networkTransmitBytes',
  'cpuPressureSomeUs',
  'cpuPressureFullUs',
  'memoryPressureSomeUs',
  'memoryPressureFullUs',
  'ioPressureSomeUs',
  'ioPressureFullUs',
] as const
export type KernelField = (typeof FIELDS)[number]

export const SLOT = Object.fromEntries(FIELDS.map((field, index) => [field, index])) as Record<KernelField, number>

export function createValues(): Float64Array {
  return new Float64Array(FIELDS.length).fill(Number.NaN)
}

/** How the kernel writes "no limit" on cgroup v1 is almost 2^63; no machine has so much. */
export const NO_LIMIT = 2 ** 60

const {
  activeAnonBytes: ACTIVE_ANON,
  inactiveAnonBytes: INACTIVE_ANON,
  unevictableBytes: UNEVICTABLE,
  unreclaimableSlabBytes: UNRECLAIMABLE_SLAB,
  slabBytes: SLAB,
  kernelStackBytes: KERNEL_STACK,
  pageTableBytes: PAGE_TABLES,
  socketBytes: SOCKETS,
  dirtyBytes: DIRTY,
  writebackBytes: WRITEBACK,
} = SLOT

/**
 * Small whole numbers are told as such: V8 would find out field by field that they are, and compile all that reads a
 * reading anew each time, for half an hour.
 */
const known = (value: number): number | null => {
  const small = value | 0
  return small === value ? small : Number.isNaN(value) ? null : value
}
const limit = (value: number): number | null => (value > 0 && value < NO_LIMIT ? value : null)
const orZero = (value: number): number => (Number.isNaN(value) ? 0 : value)

/** Sum of the known ones, or unknown where none is. */
function total(first: number, second: number): number {
  return Number.isNaN(first) ? second : Number.isNaN(second) ? first : first + second
}

/**
 * Memory that reclaim cannot free: the same lists as for the engine's replies (docker-replies.ts), where the reason
 * stands. cgroup v1 shows no kernel memory in memory.stat, so there it has no part.
 */
function unreclaimableBytes(values: Float64Array): number | null {
  const anonymous = total(values[ACTIVE_ANON]!, values[INACTIVE_ANON]!)
  if (Number.isNaN(anonymous)) return null
  const kernel =
    orZero(values[UNRECLAIMABLE_SLAB]!) +
    orZero(values[KERNEL_STACK]!) +
    orZero(values[PAGE_TABLES]!) +
    orZero(values[SOCKETS]!)
  return anonymous + orZero(values[UNEVICTABLE]!) + kernel + orZero(values[DIRTY]!) + orZero(values[WRITEBACK]!)
}

/** Kernel memory as the kernel sums it; before Linux 5.18 cgroup v2 tells only its greater parts. */
function kernelBytes(values: Float64Array): number | null {
  const told = values[SLOT.kernelBytes]!
  if (!Number.isNaN(told)) return told
  const parts = total(values[SLAB]!, total(values[KERNEL_STACK]!, values[PAGE_TABLES]!))
  return known(total(parts, values[SOCKETS]!))
}

/** One reading as an object of its own, unknown as `null`. */
export function toCounters(values: Float64Array, readAt: number): KernelCounters {
  return {
    readAt,
    cpuUsageNs: known(values[SLOT.cpuUsageNs]!),
    cfsPeriods: known(values[SLOT.cfsPeriods]!),
    throttledPeriods: known(values[SLOT.throttledPeriods]!),
    throttledTimeNs: known(values[SLOT.throttledTimeNs]!),
    memoryUsageBytes: known(values[SLOT.memoryUsageBytes]!),
    memoryLimitBytes: limit(values[SLOT.memoryLimitBytes]!),
    inactiveFileBytes: known(values[SLOT.inactiveFileBytes]!),
    activeFileBytes: known(values[SLOT.activeFileBytes]!),
    unreclaimableBytes: unreclaimableBytes(values),
    anonBytes: known(values[SLOT.anonBytes]!),
    fileBytes: known(values[SLOT.fileBytes]!),
    shmemBytes: known(values[SLOT.shmemBytes]!),
    unevictableBytes: known(values[UNEVICTABLE]!),
    dirtyBytes: known(values[DIRTY]!),
    writebackBytes: known(values[WRITEBACK]!),
    kernelBytes: kernelBytes(values),
    swapBytes: known(values[SLOT.swapBytes]!),
    oomKills: known(values[SLOT.oomKills]!),
    pids: known(values[SLOT.pids]!),
    pidsLimit: limit(values[SLOT.pidsLimit]!),
    networkReceiveBytes: known(values[SLOT.networkReceiveBytes]!),
    networkTransmitBytes: known(values[SLOT.networkTransmitBytes]!),
    blockReadBytes: known(values[SLOT.blockReadBytes]!),
    blockWriteBytes: known(values[SLOT.blockWriteBytes]!),
    cpuPressureSomeUs: known(values[SLOT.cpuPressureSomeUs]!),
    cpuPressureFullUs: known(values[SLOT.cpuPressureFullUs]!),
    memoryPressureSomeUs: known(values[SLOT.memoryPressureSomeUs]!),
    memoryPressureFullUs: known(values[SLOT.memoryPressureFullUs]!),
    ioPressureSomeUs: known(values[SLOT.ioPressureSomeUs]!),
    ioPressureFullUs: known(values[SLOT.ioPressureFullUs]!),
    logErrorLines: null,
  }
}
