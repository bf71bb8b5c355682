import { linearRegression, linearRegressionLine } from 'simple-statistics'
import type { Reading } from './recording.ts'

/** When a rule raises its alarm, in seconds from the begin of watching; `null` where it does not. */
export type AlarmRule = (readings: readonly (Reading | null)[]) => number | null

/** As long as the guard's own light must stand before it acts. */
const HOLD_SECONDS = 3
const THRESHOLD_SHARE = 0.9
/** `predict_linear(memory[1m], 60) > limit`, as Prometheus users write it. */
const PREDICT_WINDOW_SECONDS = 60
const PREDICT_AHEAD_SECONDS = 60
const PREDICT_MIN_POINTS = 10

/** Whether a rule's condition holds in a second. */
export type AlarmCondition = (readings: readonly (AlarmReading | null)[], second: number) => boolean
export type AlarmReading = Pick<Reading, 'memoryShareOfLimit' | 'cpuShareOfLimit' | 'freshness'>

/** For each second whether a condition has held for `HOLD_SECONDS`. */
export function heldSeconds(readings: readonly (AlarmReading | null)[], holds: AlarmCondition): boolean[] {
  let held = 0
  return readings.map((_, second) => {
    held = holds(readings, second) ? held + 1 : 0
    return held >= HOLD_SECONDS
  })
}

const firstHeld = (readings: readonly (AlarmReading | null)[], holds: AlarmCondition): number | null => {
  const second = heldSeconds(readings, holds).indexOf(true)
  return second < 0 ? null : second
}

/** Memory or CPU at 90 % of the limit. */
export const isAboveThreshold: AlarmCondition = (readings, second) => {
  const reading = readings[second]
  return Math.max(reading?.memoryShareOfLimit ?? 0, reading?.cpuShareOfLimit ?? 0) >= THRESHOLD_SHARE
}

/** Least squares over the last minute of memory is at the limit a minute ahead. */
export const isPredictedLinearly: AlarmCondition = (readings, second) => {
  const points = readings
    .slice(Math.max(0, second + 1 - PREDICT_WINDOW_SECONDS), second + 1)
    .flatMap((reading, index): [number, number][] =>
      reading?.memoryShareOfLimit == null || reading.freshness !== 'live' ? [] : [[index, reading.memoryShareOfLimit]],
    )
  const newest = points.at(-1)
  if (newest === undefined || points.length < PREDICT_MIN_POINTS) return false
  return linearRegressionLine(linearRegression(points))(newest[0] + PREDICT_AHEAD_SECONDS) >= 1
}

/** The plain threshold of most monitors. */
export const plainThreshold: AlarmRule = (readings) => firstHeld(readings, isAboveThreshold)

/** Prometheus' `predict_linear` on memory. */
export const predictLinear: AlarmRule = (readings) => firstHeld(readings, isPredictedLinearly)
