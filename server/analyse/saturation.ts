/** How long a CPU has been at its limit. One rule for what is foreseen and for what counts as a failure. */
export type Saturation = { smoothShare: number; ms: number }

/** So long at the limit is a failure: everybody who waits for it has given up. */
export const SATURATION_FAILS_MS = 300_000
const SATURATED_SHARE = 0.95
/** The kernel deals CPU out by periods of 100 ms, so that one second at the limit is a tenth more or less; five are not. */
const SMOOTHING = 0.2
/** A failure is over only after so much rest: single low seconds do not make two of one. */
const OVER_AFTER_MS = 60_000
/** A sample speaks for no more time than this. */
const LONGEST_STEP_MS = 60_000

export function createSaturation(): Saturation {
  return { smoothShare: 0, ms: 0 }
}

/** Takes what share of its CPU limit was used over the last `stepMs`; below the limit the time runs back. */
export function saturate(saturation: Saturation, share: number, stepMs: number): void {
  const step = Math.min(LONGEST_STEP_MS, Math.max(0, stepMs))
  // Longer steps are means of more seconds already.
  saturation.smoothShare += (share - saturation.smoothShare) * (1 - (1 - SMOOTHING) ** (step / 1000))
  const time = saturation.ms + (saturation.smoothShare >= SATURATED_SHARE ? step : -step)
  saturation.ms = Math.max(0, Math.min(SATURATION_FAILS_MS + OVER_AFTER_MS, time))
}
