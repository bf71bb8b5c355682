/** How often a container's log reports errors, per second: lately, and usually. `seenMs` is how long it has been looked at. */
export type LogErrors = { recentPerSecond: number; usualPerSecond: number; seenMs: number }

/** Time constants of the two means (exponential smoothing over time). */
const RECENT_MS = 30_000
const USUAL_MS = 300_000
/** What is usual is not known any sooner. */
const USUAL_FROM_MS = 20_000
/** So many times as often as usual is nothing new yet: errors come in crowds. */
const USUAL_CROWD = 2
/** So many more than usual count in full, per minute. */
const FULL_PER_MINUTE = 60
/** A sample speaks for no more time than this. */
const LONGEST_STEP_MS = 60_000

export function createLogErrors(): LogErrors {
  return { recentPerSecond: 0, usualPerSecond: 0, seenMs: 0 }
}

/** Takes how many errors a second the log reported over the last `stepMs`. */
export function takeLogErrors(errors: LogErrors, perSecond: number, stepMs: number): void {
  const step = Math.min(LONGEST_STEP_MS, Math.max(0, stepMs))
  errors.seenMs += step
  errors.recentPerSecond += (perSecond - errors.recentPerSecond) * (1 - Math.exp(-step / RECENT_MS))
  if (errors.seenMs === 0) return
  // The mean of all until there is more than the time constant.
  const share = Math.max(1 - Math.exp(-step / USUAL_MS), step / errors.seenMs)
  errors.usualPerSecond += (perSecond - errors.usualPerSecond) * share
}

/** A new life of the container: what was reported lately was of the one before. */
export function forgetRecentLogErrors(errors: LogErrors): void {
  errors.recentPerSecond = 0
}

/** How unusual the errors of the last seconds are, 0..1, on a logarithmic scale: one a second more than usual is 1, one in ten seconds 0.47. */
export function unusualLogErrors({ recentPerSecond, usualPerSecond, seenMs }: LogErrors): number {
  if (seenMs < USUAL_FROM_MS) return 0
  const surplusPerMinute = 60 * Math.max(0, recentPerSecond - USUAL_CROWD * usualPerSecond)
  return Math.min(1, Math.log1p(surplusPerMinute) / Math.log1p(FULL_PER_MINUTE))
}
