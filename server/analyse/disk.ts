import type { TimeToLimit } from '../contracts/assessment.ts'
import { surestRise, timeToLimit } from './forecast.ts'
import { append, createSeries, indexOfAge, type Series } from './series.ts'

/** A disk fills slowly: ten minutes to see a pace in, and five hours to see what comes back. */
const NEAR_STEP_MS = 10_000
const FAR_STEP_MS = 300_000

/** A pace of minutes says nothing of the day after. */
const FARTHEST_MS = 86_400_000

/** So far below where it was before, as a share of the disk, it has been given space back. */
const CAME_BACK_SHARE = 0.001

/** What is known of how full a disk was. Fixed memory. */
export type DiskOutlook = { readonly near: Series; readonly far: Series; totalBytes: number }

/** An outlook that has seen nothing yet. */
export const createDiskOutlook = (): DiskOutlook => ({ near: createSeries(), far: createSeries(), totalBytes: 0 })

/** Takes a reading at `atMs` (epoch milliseconds); what is not known is passed over, and more than one in ten seconds, too. */
export function observeDisk(
  outlook: DiskOutlook,
  atMs: number,
  { diskTotalBytes, diskFreeBytes }: { diskTotalBytes: number | null; diskFreeBytes: number | null },
): void {
  if (diskTotalBytes === null || diskFreeBytes === null) return
  outlook.totalBytes = diskTotalBytes
  const usedBytes = diskTotalBytes - diskFreeBytes
  for (const [series, stepMs] of [
    [outlook.near, NEAR_STEP_MS],
    [outlook.far, FAR_STEP_MS],
  ] as const) {
    const passedMs = atMs - series.newestAtMs
    // A clock that was set back would stop all readings until its old time is reached again.
    if (passedMs < 0) series.length = 0
    if (series.length === 0 || passedMs >= stepMs) append(series, atMs, usedBytes)
  }
}

/**
 * Time until the disk is full at the pace of the last minutes, with the bounds in which that lies in about 80 % of cases as
 * paces of memory change; `null` where nothing points at it: no clear rise, more than a day, or it was fuller within the
 * last five hours and space came back, as where logs are rotated.
 */
export function diskTimeToFull({ near, far, totalBytes }: DiskOutlook): TimeToLimit | null {
  const rise = surestRise(near)
  if (rise === null) return null
  const usedBytes = near.values[indexOfAge(near, 0)]!
  for (let age = 0; age < far.length; age++)
    if (far.values[indexOfAge(far, age)]! > usedBytes + CAME_BACK_SHARE * totalBytes) return null
  return timeToLimit(rise, totalBytes, FARTHEST_MS)
}
