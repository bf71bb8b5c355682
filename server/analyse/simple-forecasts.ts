/** Forecasts `writeSimpleForecasts` makes; the first one is the last value. */
export const SIMPLE_FORECASTS = 11

const WINDOW = 60
const LONG_WINDOW = 120

/** Smoothing of level and slope, and how fast a trend dies away per step: Gardner and McKenzie 1985, usual values. */
const LEVEL_SHARE = 0.5
const SLOPE_SHARE = 0.1
const DAMPING = 0.9

/** What the simple forecasts keep from step to step. */
export type SimpleState = { level: number; slope: number }

/** Quantile of the first `length` ascending values, linear between neighbours (R type 7). */
export function quantileOfSorted(sorted: ArrayLike<number>, length: number, share: number): number {
  const place = share * (length - 1)
  const below = Math.floor(place)
  const low = sorted[below]!
  return below + 1 < length ? low + (place - below) * (sorted[below + 1]! - low) : low
}

/** Puts `value` in its place among the first `length` ascending values, which become one more. */
export function insertSorted(sorted: Float64Array, length: number, value: number): void {
  let place = length
  while (place > 0 && sorted[place - 1]! > value) {
    sorted[place] = sorted[place - 1]!
    place--
  }
  sorted[place] = value
}

const few = new Float64Array(21)
const lastMinute = new Float64Array(WINDOW)

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

/** Takes the newest value (`recent[0]`) of `count` so far. */
export function updateSimple(state: SimpleState, recent: Float64Array, count: number): void {
  const value = recent[0]!
  const expected = state.level + DAMPING * state.slope
  const level = count === 1 ? value : expected + LEVEL_SHARE * (value - expected)
  state.slope = count === 1 ? 0 : SLOPE_SHARE * (level - state.level) + (1 - SLOPE_SHARE) * DAMPING * state.slope
  state.level = level
}

/** What the damped trends of `stepsAhead` steps add up to, in slopes. */
function dampedSteps(stepsAhead: number): number {
  return (DAMPING * (1 - DAMPING ** stepsAhead)) / (1 - DAMPING)
}

/** Writes the 11 forecasts that need nothing but the last two minutes of values into `forecasts` from index 0. */
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
  forecasts[2] = medianOfRecent(recent, 11)
  forecasts[3] = medianOfRecent(recent, 21)
  // Sorting them anew is cheaper than keeping them sorted for each of a thousand containers.
  for (let age = 0; age < kept; age++) insertSorted(lastMinute, age, recent[age]!)
  forecasts[4] = quantileOfSorted(lastMinute, kept, 0.25)
  forecasts[5] = quantileOfSorted(lastMinute, kept, 0.5)
  forecasts[6] = quantileOfSorted(lastMinute, kept, 0.75)
  forecasts[7] = state.level + dampedSteps(stepsAhead) * state.slope
  const line = lineThroughRecent(recent, kept)
  forecasts[8] = line.level + stepsAhead * line.slope
  forecasts[9] = value + stepsAhead * line.slope
  const longer = lineThroughRecent(recent, Math.min(count, LONG_WINDOW))
  forecasts[10] = longer.level + stepsAhead * longer.slope
}
