import type { Counters, Sample } from '../contracts/telemetry.ts'

/** What a share is a share of: the container's own limits, else the host's size. Cores and bytes. */
export type Capacity = {
  cpuLimitCores: number | null
  memoryLimitBytes: number | null
  hostCores: number
  hostMemoryBytes: number
}

/** A container can be accounted slightly more than its cores within one second; more than this is a clock that jumped. */
const MAX_OVER_HOST = 1.2

/**
 * Memory a container cannot give back at once: usage less inactive page cache, in bytes; `null` where usage is unknown.
 * The rule of the `docker stats` command line, so that the numbers agree.
 */
export function workingSetBytes(counters: Pick<Counters, 'memoryUsageBytes' | 'inactiveFileBytes'>): number | null {
  const { memoryUsageBytes: usage, inactiveFileBytes } = counters
  if (usage === null) return null
  const inactive = inactiveFileBytes ?? 0
  return inactive < usage ? usage - inactive : usage
}

type CounterName = Exclude<keyof Counters, 'readAt'>

/** Growth of a counter; unknown where either end is, or where it went backwards (a new baseline). */
function growth(previous: number | null, current: number | null): number | null {
  return previous === null || current === null || current < previous ? null : current - previous
}

/**
 * Two readings of one container as a sample: rates over the engine's own read times, CPU in cores (1 = one core busy).
 * Without an earlier reading, or where time did not go forward, there is no rate: `null`, not zero.
 */
export function toSample(
  containerId: string,
  previous: Counters | null,
  current: Counters,
  capacity: Capacity,
): Sample {
  const elapsedSeconds = previous === null ? 0 : (current.readAt - previous.readAt) / 1000
  const grown = (name: CounterName) => (previous === null ? null : growth(previous[name], current[name]))
  const rate = (name: CounterName) => {
    const amount = elapsedSeconds > 0 ? grown(name) : null
    return amount === null ? null : amount / elapsedSeconds
  }
  /** Time waited, in microseconds, as a share of the time that went by. */
  const share = (name: CounterName) => {
    const microseconds = rate(name)
    return microseconds === null ? null : Math.min(1, microseconds / 1e6)
  }
  const cpuNsPerSecond = rate('cpuUsageNs')
  const cores = cpuNsPerSecond === null ? null : cpuNsPerSecond / 1e9
  const cpuCores = cores !== null && cores > capacity.hostCores * MAX_OVER_HOST ? null : cores
  const periods = grown('cfsPeriods')
  const throttled = grown('throttledPeriods')
  const used = workingSetBytes(current)
  // The engine reports the host's memory as the limit of a container that has none.
  const memoryLimitBytes = capacity.memoryLimitBytes
  return {
    containerId,
    at: current.readAt,
    cpuCores,
    cpuShareOfLimit: cpuCores === null ? null : cpuCores / (capacity.cpuLimitCores ?? capacity.hostCores),
    throttledShare:
      periods === null || throttled === null ? null : periods === 0 ? 0 : Math.min(1, throttled / periods),
    throttledPeriods: throttled,
    memoryUsageBytes: current.memoryUsageBytes,
    workingSetBytes: used,
    unreclaimableBytes: current.unreclaimableBytes,
    anonBytes: current.anonBytes,
    fileBytes: current.fileBytes,
    kernelBytes: current.kernelBytes,
    swapBytes: current.swapBytes,
    oomKills: grown('oomKills'),
    memoryLimitBytes,
    memoryShareOfLimit: used === null ? null : used / (memoryLimitBytes ?? capacity.hostMemoryBytes),
    pids: current.pids,
    pidsLimit: current.pidsLimit,
    networkReceiveBytesPerSecond: rate('networkReceiveBytes'),
    networkTransmitBytesPerSecond: rate('networkTransmitBytes'),
    blockReadBytesPerSecond: rate('blockReadBytes'),
    blockWriteBytesPerSecond: rate('blockWriteBytes'),
    cpuPressureSomeShare: share('cpuPressureSomeUs'),
    cpuPressureFullShare: share('cpuPressureFullUs'),
    memoryPressureSomeShare: share('memoryPressureSomeUs'),
    memoryPressureFullShare: share('memoryPressureFullUs'),
    ioPressureSomeShare: share('ioPressureSomeUs'),
    ioPressureFullShare: share('ioPressureFullUs'),
    logErrorsPerSecond: rate('logErrorLines'),
  }
}
