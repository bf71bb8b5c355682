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

/** The second in which a condition has held for `HOLD_SECONDS`. */
function heldAt(length: number, holds: (second: number) => boolean): number | null {
  let held = 0
  for (let second = 0; second < length; second++) {
    held = holds(second) ? held + 1 : 0
    if (held >= HOLD_SECONDS) return second
  }
  return null
}

/** The plain threshold of most monitors: memory or CPU at 90 % of the limit. */
export const plainThreshold: AlarmRule = (readings) =>
  heldAt(readings.length, (second) => {
    const reading = readings[second]
    return Math.max(reading?.memoryShareOfLimit ?? 0, reading?.cpuShareOfLimit ?? 0) >= THRESHOLD_SHARE
  })

/** Prometheus' `predict_linear` on memory: least squares over the last minute, a minute ahead. */
export const predictLinear: AlarmRule = (readings) =>
  heldAt(readings.length, (second) => {
    const points = readings
      .slice(Math.max(0, second + 1 - PREDICT_WINDOW_SECONDS), second + 1)
      .flatMap((reading, index): [number, number][] =>
        reading?.memoryShareOfLimit == null || reading.freshness !== 'live'
          ? []
          : [[index, reading.memoryShareOfLimit]],
      )
    const newest = points.at(-1)
    if (newest === undefined || points.length < PREDICT_MIN_POINTS) return false
    return linearRegressionLine(linearRegression(points))(newest[0] + PREDICT_AHEAD_SECONDS) >= 1
  })
