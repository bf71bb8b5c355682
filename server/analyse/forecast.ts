import { cumulativeStdNormalProbability } from 'simple-statistics'
import type { Forecast } from '../contracts/assessment.ts'
import { indexOfAge, type Series } from './series.ts'
import { fitLine, predictionError, studentT95 } from './statistics.ts'

/** Fewer points make a slope of noise. */
export const MIN_POINTS = 10

/** How far ahead the page shows a forecast. */
export const FORECAST_HORIZON_MS = 10_000

/** Beyond this a straight line says nothing any more. */
const MAX_TIME_TO_LIMIT_MS = 3_600_000

/** A slope below this many of its own standard errors is noise. */
const SIGNIFICANT_SLOPE = 3

/**
 * Least-squares forecast `horizonMs` after the newest value with its 95 % prediction interval, not below zero (all our
 * quantities are amounts); `null` below ten points. Source of the interval: Draper and Smith, Applied Regression
 * Analysis, 1.4.
 */
export function forecast(series: Series, horizonMs = FORECAST_HORIZON_MS): Forecast | null {
  const line = series.length < MIN_POINTS ? null : fitLine(series)
  if (line === null) return null
  const seconds = horizonMs / 1000
  const value = Math.max(0, line.level + line.slopePerSecond * seconds)
  const margin = studentT95(line.count - 2) * predictionError(line, seconds)
  return { horizonMs, value, lower: Math.max(0, value - margin), upper: value + margin }
}

/** P(value `horizonMs` ahead is at or above `threshold`) if the line goes on with normal errors; `null` below ten points. */
export function exceedanceProbability(series: Series, threshold: number, horizonMs: number): number | null {
  const line = series.length < MIN_POINTS ? null : fitLine(series)
  if (line === null) return null
  const seconds = horizonMs / 1000
  const gap = line.level + line.slopePerSecond * seconds - threshold
  const error = predictionError(line, seconds)
  if (error === 0) return gap >= 0 ? 1 : 0
  return cumulativeStdNormalProbability(Math.max(-8, Math.min(8, gap / error)))
}

/**
 * Whether a series still climbs: the slope of the whole and of the newest quarter are both upward, the latter at least
 * a quarter as steep. Warm-up that flattens and a sawtooth just past its fall are told apart so.
 */
export function isClimbing(series: Series): boolean {
  const whole = series.length < MIN_POINTS ? null : fitLine(series)
  const quarter = fitLine(series, Math.max(5, Math.ceil(series.length / 4)))
  if (whole === null || quarter === null) return false
  return whole.slopePerSecond > 0 && quarter.slopePerSecond >= whole.slopePerSecond / 4
}

/**
 * The newest ten values where all of them lie above all before: a rise that began after a calm minute, and that a line
 * through both would not see. `null` where there is no such break.
 */
export function freshRise(series: Series): Series | null {
  if (series.length < 2 * MIN_POINTS) return null
  let lowest = Number.POSITIVE_INFINITY
  for (let age = 0; age < MIN_POINTS; age++) lowest = Math.min(lowest, series.values[indexOfAge(series, age)]!)
  for (let age = MIN_POINTS; age < series.length; age++) {
    if (series.values[indexOfAge(series, age)]! >= lowest) return null
  }
  return { ...series, length: MIN_POINTS }
}

/**
 * Milliseconds until a rising series reaches `limit` if the line goes on: 0 where it is there, `null` where nothing
 * points at it (no clear rise, or more than an hour).
 */
export function timeToLimitMs(series: Series, limit: number): number | null {
  if (series.length < MIN_POINTS) return null
  const newest = series.values[indexOfAge(series, 0)]!
  if (newest >= limit) return 0
  const line = fitLine(series)
  if (line === null || line.slopePerSecond <= 0) return null
  const slopeError = line.residualError / Math.sqrt(line.spreadSeconds2)
  if (line.slopePerSecond < SIGNIFICANT_SLOPE * slopeError) return null
  const ms = ((limit - newest) / line.slopePerSecond) * 1000
  return ms > MAX_TIME_TO_LIMIT_MS ? null : ms
}
