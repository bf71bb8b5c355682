import { createDiskOutlook, diskTimeToFull, observeDisk } from './analyse/disk.ts'
import type { HostCounters, HostReader } from './collect/host-reader.ts'
import type { HostFigures } from './contracts/status.ts'

/** A change of a counter over a change of another, or unknown. */
function ratio(
  part: number | null,
  partBefore: number | null,
  whole: number | null,
  wholeBefore: number | null,
): number | null {
  if (part === null || partBefore === null || whole === null || wholeBefore === null) return null
  return whole > wholeBefore && part >= partBefore ? Math.min(1, (part - partBefore) / (whole - wholeBefore)) : null
}

/** Two readings of the host as shares and amounts; what the kernel does not show is `null`. */
export function hostFigures(before: HostCounters | null, now: HostCounters): Omit<HostFigures, 'diskTimeToFull'> {
  const pressure = (name: 'cpuPressureSomeUs' | 'memoryPressureSomeUs' | 'ioPressureSomeUs') =>
    ratio(now[name], before?.[name] ?? null, now.readAt * 1000, (before?.readAt ?? now.readAt) * 1000)
  return {
    cpuBusyShare: ratio(
      now.cpuBusyTicks,
      before?.cpuBusyTicks ?? null,
      now.cpuTotalTicks,
      before?.cpuTotalTicks ?? null,
    ),
    memoryTotalBytes: now.memoryTotalBytes,
    memoryAvailableBytes: now.memoryAvailableBytes,
    swapTotalBytes: now.swapTotalBytes,
    swapFreeBytes: now.swapFreeBytes,
    load1: now.load1,
    cpuPressureSomeShare: pressure('cpuPressureSomeUs'),
    memoryPressureSomeShare: pressure('memoryPressureSomeUs'),
    ioPressureSomeShare: pressure('ioPressureSomeUs'),
    diskTotalBytes: now.diskTotalBytes,
    diskFreeBytes: now.diskFreeBytes,
  }
}

/** Looks at the host once a call and remembers the last figures. */
export function createHostWatch(reader: HostReader): { look(): void; readonly figures: HostFigures | null } {
  let last: HostCounters | null = null
  let figures: HostFigures | null = null
  const disk = createDiskOutlook()
  return {
    get figures() {
      return figures
    },
    look() {
      const now = reader.read()
      observeDisk(disk, now.readAt, now)
      figures = { ...hostFigures(last, now), diskTimeToFull: diskTimeToFull(disk) }
      last = now
    },
  }
}
