import { cumulativeStdNormalProbability } from 'simple-statistics'
import type { TimeToLimit } from '../contracts/assessment.ts'
import type { Series } from './series.ts'
import { fitLine, type Line, predictionError, studentT95 } from './statistics.ts'

/** Fewer points make a slope of noise. */
export const MIN_POINTS = 10

/** How far ahead the page shows a forecast. */
export const FORECAST_HORIZON_MS = 10_000

/** Beyond this a straight line through a minute says nothing any more. */
const FARTHEST_MS = 3_600_000

/** Over so many of the newest values a rise is looked for. */
const STRETCHES = [60, 30, 12] as const

/** Errors of neighbouring values are alike and leaks change their pace, so that a slope is this much less sure than it looks. */
const SLOPES_WANDER = 4

/**
 * A pace changes: of the last minute before the kernel killed, these factors hold 90 % over the families to fit, and
 * three quarters or more in each of them.
 */
export const SOONEST_SHARE = 0.5
export const LATEST_SHARE = 2

/** A slope below this many of its own standard errors is noise. */
const SIGNIFICANT_SLOPE = 3

/** P(value `horizonMs` ahead is at or above `threshold`) if the line goes on with normal errors. */
export function exceedanceOfLine(line: Line, threshold: number, horizonMs: number): number {
  const seconds = horizonMs / 1000
  const gap = line.level + line.slopePerSecond * seconds - threshold
  const error = predictionError(line, seconds)
  if (error === 0) return gap >= 0 ? 1 : 0
  return cumulativeStdNormalProbability(Math.max(-8, Math.min(8, gap / error)))
}

const slopeError = (line: Line) => line.residualError / Math.sqrt(line.spreadSeconds2)

/**
 * The line through the newest 12, 30 or 60 values whose slope is surest (least standard error in relation to the slope), where
 * it rises: long where a rise is even, short where it has just begun or gathers pace. `null` where nothing rises.
 */
export function surestRise(series: Series): Line | null {
  let surest: Line | null = null
  for (const count of STRETCHES) {
    if (series.length < Math.min(count, MIN_POINTS)) continue
    const line = fitLine(series, count)
    if (line === null || line.slopePerSecond <= 0) continue
    if (surest === null || slopeError(line) / line.slopePerSecond < slopeError(surest) / surest.slopePerSecond)
      surest = line
  }
  return surest
}

/**
 * Milliseconds until a rising line reaches `limit`, with the bounds between which it does so in about 80 % of cases, by its
 * slope's error and by how paces have changed: all 0 where it is there, `null` where nothing points at it (no clear rise, or
 * more than `farthestMs`).
 */
export function timeToLimit(line: Line, limit: number, farthestMs = FARTHEST_MS): TimeToLimit | null {
  if (line.level >= limit) return { ms: 0, lowerMs: 0, upperMs: 0 }
  const error = slopeError(line)
  if (line.slopePerSecond <= 0 || line.slopePerSecond < SIGNIFICANT_SLOPE * error) return null
  const at = (slope: number) => ((limit - line.level) / slope) * 1000
  const ms = at(line.slopePerSecond)
  if (ms > farthestMs) return null
  const margin = SLOPES_WANDER * studentT95(line.count - 2) * error
  const slowest = line.slopePerSecond - margin
  return {
    ms,
    lowerMs: Math.min(SOONEST_SHARE * ms, at(line.slopePerSecond + margin)),
    upperMs: slowest <= 0 ? null : Math.max(LATEST_SHARE * ms, at(slowest)),
  }
}
