import { RECENT } from './forecast-history.ts'

/** Forecasts `writeSimpleForecasts` makes; the first one is the last value. */
export const SIMPLE_FORECASTS = 17

const WINDOW = 60

/** Smoothing of level and slope, and how fast a trend dies away per step: Gardner and McKenzie 1985, usual values. */
const LEVEL_SHARE = 0.5
const SLOPE_SHARE = 0.1
const DAMPING = 0.9

/** Memory of the two regressions on the last value: about 50 and 500 steps. */
const REGRESSION_SHARES = [0.02, 0.002] as const
const REGRESSION_FIELDS = 5

/** A slope of the regression on the last value beyond these would be an explosion. */
const MIN_SLOPE = -1
const MAX_SLOPE = 1.5

/** What the simple forecasts keep from step to step. */
export type SimpleState = {
  /** The newest 60 values in ascending order. */
  readonly sorted: Float32Array
  /** Per regression: mean x, mean y, variance of x, covariance, steps taken; x is the value ten steps before y. */
  readonly regressions: Float64Array
  level: number
  slope: number
}

export function createSimpleState(): SimpleState {
  const regressions = new Float64Array(REGRESSION_FIELDS * REGRESSION_SHARES.length)
  return { sorted: new Float32Array(WINDOW), regressions, level: 0, slope: 0 }
}

/** Quantile of the first `length` ascending values, linear between neighbours (R type 7). */
export function quantileOfSorted(sorted: ArrayLike<number>, length: number, share: number): number {
  const place = share * (length - 1)
  const below = Math.floor(place)
  const low = sorted[below]!
  return below + 1 < length ? low + (place - below) * (sorted[below + 1]! - low) : low
}

/** Puts `value` in its place among the first `length` ascending values, which become one more. */
export function insertSorted(sorted: Float32Array | Float64Array, length: number, value: number): void {
  let place = length
  while (place > 0 && sorted[place - 1]! > value) {
    sorted[place] = sorted[place - 1]!
    place--
  }
  sorted[place] = value
}

function replaceSorted(sorted: Float32Array, leaving: number, entering: number): void {
  let place = 0
  while (sorted[place]! !== leaving) place++
  while (place + 1 < WINDOW && sorted[place + 1]! < entering) {
    sorted[place] = sorted[place + 1]!
    place++
  }
  while (place > 0 && sorted[place - 1]! > entering) {
    sorted[place] = sorted[place - 1]!
    place--
  }
  sorted[place] = entering
}

const few = new Float64Array(21)

/** Median of the newest `length` values, at most 21. */
export function medianOfRecent(recent: Float64Array, length: number): number {
  for (let age = 0; age < length; age++) insertSorted(few, age, recent[age]!)
  return quantileOfSorted(few, length, 0.5)
}

const fitted = { level: 0, slope: 0 }

/** Least squares through the newest `length` values: level at the newest one and slope per step. The result is reused. */
export function lineThroughRecent(recent: Float64Array, length: number): { readonly level: number; slope: number } {
  let sum = 0
  let weighted = 0
  const middle = (length - 1) / 2
  for (let age = 0; age < length; age++) {
    sum += recent[age]! - recent[0]!
    weighted += (middle - age) * (recent[age]! - recent[0]!)
  }
  fitted.slope = length < 3 ? 0 : (12 * weighted) / (length * (length * length - 1))
  fitted.level = recent[0]! + sum / length + middle * fitted.slope
  return fitted
}

/** Takes the newest value (`recent[0]`) of `count` so far. Exponentially weighted moments as West 1979. */
export function updateSimple(state: SimpleState, recent: Float64Array, count: number, stepsAhead: number): void {
  const value = recent[0]!
  if (count <= WINDOW) insertSorted(state.sorted, count - 1, value)
  else replaceSorted(state.sorted, recent[WINDOW]!, value)

  const expected = state.level + DAMPING * state.slope
  const level = count === 1 ? value : expected + LEVEL_SHARE * (value - expected)
  state.slope = count === 1 ? 0 : SLOPE_SHARE * (level - state.level) + (1 - SLOPE_SHARE) * DAMPING * state.slope
  state.level = level

  if (count <= stepsAhead) return
  for (let index = 0; index < REGRESSION_SHARES.length; index++) {
    const from = index * REGRESSION_FIELDS
    const fields = state.regressions
    const steps = ++fields[from + 4]!
    const share = Math.max(REGRESSION_SHARES[index]!, 1 / steps)
    const dx = recent[stepsAhead]! - fields[from]!
    const dy = value - fields[from + 1]!
    fields[from] = fields[from]! + share * dx
    fields[from + 1] = fields[from + 1]! + share * dy
    fields[from + 2] = (1 - share) * (fields[from + 2]! + share * dx * dx)
    fields[from + 3] = (1 - share) * (fields[from + 3]! + share * dx * dy)
  }
}

function regressionForecast(state: SimpleState, index: number, value: number): number {
  const from = index * REGRESSION_FIELDS
  const fields = state.regressions
  if (!(fields[from + 2]! > 0)) return value
  const slope = Math.max(MIN_SLOPE, Math.min(MAX_SLOPE, fields[from + 3]! / fields[from + 2]!))
  return fields[from + 1]! + slope * (value - fields[from]!)
}

/** What the damped trends of `stepsAhead` steps add up to, in slopes. */
function dampedSteps(stepsAhead: number): number {
  return (DAMPING * (1 - DAMPING ** stepsAhead)) / (1 - DAMPING)
}

/** Writes the 17 forecasts that need nothing but the last two minutes of values into `forecasts` from index 0. */
export function writeSimpleForecasts(
  state: SimpleState,
  recent: Float64Array,
  count: number,
  stepsAhead: number,
  forecasts: Float64Array,
): void {
  const value = recent[0]!
  const kept = Math.min(count, WINDOW)
  forecasts[0] = value
  forecasts[1] = medianOfRecent(recent, 3)
  forecasts[2] = medianOfRecent(recent, 5)
  forecasts[3] = medianOfRecent(recent, 11)
  forecasts[4] = medianOfRecent(recent, 21)
  forecasts[5] = quantileOfSorted(state.sorted, kept, 0.5)
  forecasts[6] = quantileOfSorted(state.sorted, kept, 0.1)
  forecasts[7] = quantileOfSorted(state.sorted, kept, 0.25)
  forecasts[8] = quantileOfSorted(state.sorted, kept, 0.75)
  forecasts[9] = quantileOfSorted(state.sorted, kept, 0.9)
  const short = lineThroughRecent(recent, Math.min(count, 20))
  forecasts[10] = short.level + stepsAhead * short.slope
  const middle = lineThroughRecent(recent, kept)
  forecasts[11] = middle.level + stepsAhead * middle.slope
  forecasts[12] = value + stepsAhead * middle.slope
  const long = lineThroughRecent(recent, Math.min(count, RECENT - 8))
  forecasts[13] = long.level + stepsAhead * long.slope
  forecasts[14] = state.level + dampedSteps(stepsAhead) * state.slope
  forecasts[15] = regressionForecast(state, 0, value)
  forecasts[16] = regressionForecast(state, 1, value)
}
