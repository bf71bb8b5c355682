import { indexOfAge, type Series, timeAt } from './series.ts'

/** A straight line through a series. Times in seconds relative to the newest value; slope per second. */
export type Line = {
  /** Fitted value at the time of the newest value. */
  level: number
  slopePerSecond: number
  /** Standard error of the residuals, n − 2 degrees of freedom. */
  residualError: number
  meanSeconds: number
  /** Sum of squared deviations of the times from their mean, s². */
  spreadSeconds2: number
  count: number
}

/**
 * Ordinary least squares over the newest `count` values of a series (all by default); `null` for fewer than three,
 * where all have the same time, or where the squares are beyond what a number can hold.
 */
export function fitLine(series: Series, count = series.length): Line | null {
  const n = Math.min(count, series.length)
  if (n < 3) return null
  const newestMs = series.newestAtMs
  let sumT = 0
  let sumY = 0
  for (let age = 0; age < n; age++) {
    const index = indexOfAge(series, age)
    sumT += (timeAt(series, index) - newestMs) / 1000
    sumY += series.values[index]!
  }
  const meanT = sumT / n
  const meanY = sumY / n
  let spread = 0
  let covariance = 0
  let variance = 0
  for (let age = 0; age < n; age++) {
    const index = indexOfAge(series, age)
    const t = (timeAt(series, index) - newestMs) / 1000 - meanT
    const y = series.values[index]! - meanY
    spread += t * t
    covariance += t * y
    variance += y * y
  }
  if (spread === 0 || !Number.isFinite(spread + variance)) return null
  const slope = covariance / spread
  const residual = Math.max(0, variance - slope * covariance)
  return {
    level: meanY - slope * meanT,
    slopePerSecond: slope,
    residualError: Math.sqrt(residual / (n - 2)),
    meanSeconds: meanT,
    spreadSeconds2: spread,
    count: n,
  }
}

/** Standard error of a new value `seconds` after the newest one: noise of the value and uncertainty of the line. */
export function predictionError(line: Line, seconds: number): number {
  const distance = seconds - line.meanSeconds
  return line.residualError * Math.sqrt(1 + 1 / line.count + (distance * distance) / line.spreadSeconds2)
}

/** Two-sided 95 % point of the standard normal distribution. */
const Z95 = 1.959964

/**
 * Two-sided 95 % point of Student's t with `degrees` of freedom by the Cornish-Fisher expansion (Abramowitz and Stegun
 * 26.7.5); within 1 % from 4 degrees on.
 */
export function studentT95(degrees: number): number {
  const z = Z95
  const first = (z ** 3 + z) / 4
  const second = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96
  const third = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384
  return z + first / degrees + second / degrees ** 2 + third / degrees ** 3
}

/**
 * How many standard deviations the newest value lies from the mean of the ones before it (sample deviation, n − 1);
 * `null` for fewer than `minimum` earlier values, 0 where the value equals a constant past.
 */
export function zScore(series: Series, minimum: number): number | null {
  const n = series.length - 1
  if (n < minimum) return null
  let sum = 0
  for (let age = 1; age <= n; age++) sum += series.values[indexOfAge(series, age)]!
  const mean = sum / n
  let squares = 0
  for (let age = 1; age <= n; age++) squares += (series.values[indexOfAge(series, age)]! - mean) ** 2
  const deviation = Math.sqrt(squares / (n - 1))
  const difference = series.values[indexOfAge(series, 0)]! - mean
  // Below this the past is constant but for rounding; a finite, large score says "never seen" without an infinity.
  const floor = Math.abs(mean) * 1e-6 + 1e-9
  return difference === 0 ? 0 : difference / Math.max(deviation, floor)
}
