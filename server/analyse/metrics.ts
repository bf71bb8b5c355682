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

/** Growth of a counter; unknown where either end is, or where it went backwards (a new baseline). */
function growth(previous: number | null | undefined, current: number | null): number | null {
  return previous == null || current === null || current < previous ? null : current - previous
}

/** Growth a second; a counter that stands still has none, however short the time. */
function rate(previous: number | null | undefined, current: number | null, elapsedSeconds: number): number | null {
  const grown = elapsedSeconds > 0 ? growth(previous, current) : null
  return grown === null || grown === 0 ? grown : grown / elapsedSeconds
}

/** Time waited, in microseconds, as a share of the time that went by. */
function share(previous: number | null | undefined, current: number | null, elapsedSeconds: number): number | null {
  const microseconds = rate(previous, current, elapsedSeconds)
  return microseconds === null ? null : Math.min(1, microseconds / 1e6)
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
  const seconds = previous === null ? 0 : (current.readAt - previous.readAt) / 1000
  const cpuNsPerSecond = rate(previous?.cpuUsageNs, current.cpuUsageNs, seconds)
  const cores = cpuNsPerSecond === null ? null : cpuNsPerSecond / 1e9
  const cpuCores = cores !== null && cores > capacity.hostCores * MAX_OVER_HOST ? null : cores
  const periods = growth(previous?.cfsPeriods, current.cfsPeriods)
  const throttled = growth(previous?.throttledPeriods, current.throttledPeriods)
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
    oomKills: growth(previous?.oomKills, current.oomKills),
    memoryLimitBytes,
    memoryShareOfLimit: used === null ? null : used / (memoryLimitBytes ?? capacity.hostMemoryBytes),
    pids: current.pids,
    pidsLimit: current.pidsLimit,
    networkReceiveBytesPerSecond: rate(previous?.networkReceiveBytes, current.networkReceiveBytes, seconds),
    networkTransmitBytesPerSecond: rate(previous?.networkTransmitBytes, current.networkTransmitBytes, seconds),
    blockReadBytesPerSecond: rate(previous?.blockReadBytes, current.blockReadBytes, seconds),
    blockWriteBytesPerSecond: rate(previous?.blockWriteBytes, current.blockWriteBytes, seconds),
    cpuPressureSomeShare: share(previous?.cpuPressureSomeUs, current.cpuPressureSomeUs, seconds),
    cpuPressureFullShare: share(previous?.cpuPressureFullUs, current.cpuPressureFullUs, seconds),
    memoryPressureSomeShare: share(previous?.memoryPressureSomeUs, current.memoryPressureSomeUs, seconds),
    memoryPressureFullShare: share(previous?.memoryPressureFullUs, current.memoryPressureFullUs, seconds),
    ioPressureSomeShare: share(previous?.ioPressureSomeUs, current.ioPressureSomeUs, seconds),
    ioPressureFullShare: share(previous?.ioPressureFullUs, current.ioPressureFullUs, seconds),
    logErrorsPerSecond: rate(previous?.logErrorLines, current.logErrorLines, seconds),
  }
}
