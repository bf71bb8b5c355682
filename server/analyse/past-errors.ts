import type { Floats } from './forecast-history.ts'

/** So many past errors are kept. Fewer make ragged tails, more forget too slowly. */
export const KEPT = 128

/** Shares below and above the intervals: two of 80 %, two of 95 %. */
const TAILS = [0.1, 0.1, 0.025, 0.025] as const

/** How far one miss moves the level it missed, as part of the tail it belongs to: a twentieth. */
const LEVEL_RATE = 0.05
const MIN_LEVEL = 0.002
const MAX_LEVEL_TAILS = 3

/** A forecaster's own past errors (value minus forecast), and the levels at which they would have covered. */
export type PastErrors = {
  readonly errors: Float32Array
  /** Indices into `errors` by ascending error. */
  readonly order: Uint8Array
  count: number
  /** Levels of lower80, upper80, lower95, upper95, each counted from its own end. */
  readonly levels: Float32Array
}

export function createPastErrors(floats: Floats): PastErrors {
  const errors = floats(KEPT)
  const orderBytes = floats(KEPT / Float32Array.BYTES_PER_ELEMENT)
  const order = new Uint8Array(orderBytes.buffer, orderBytes.byteOffset, KEPT)
  const levels = floats(TAILS.length)
  levels.set(TAILS)
  return { errors, order, count: 0, levels }
}

export function keptErrors(past: PastErrors): number {
  return Math.min(past.count, KEPT)
}

/** Takes one more error in place of the oldest. */
export function rememberError(past: PastErrors, error: number): void {
  const { errors, order } = past
  const slot = past.count % KEPT
  const full = past.count >= KEPT
  const last = full ? KEPT - 1 : past.count
  let place = full ? order.indexOf(slot) : last
  errors[slot] = error
  const rounded = errors[slot]!
  while (place < last && errors[order[place + 1]!]! < rounded) {
    order[place] = order[place + 1]!
    place++
  }
  while (place > 0 && errors[order[place - 1]!]! > rounded) {
    order[place] = order[place - 1]!
    place--
  }
  order[place] = slot
  past.count++
}

/** Takes `times` errors of 0 where all those kept are 0. */
export function rememberNoErrors(past: PastErrors, times: number): void {
  const kept = keptErrors(past)
  past.count += times
  for (let slot = kept; slot < keptErrors(past); slot++) past.order[slot] = slot
}

/** Quantile of the kept errors, linear between neighbours (R type 7). */
export function errorQuantile(past: PastErrors, share: number): number {
  const length = keptErrors(past)
  const place = share * (length - 1)
  const below = Math.floor(place)
  const low = past.errors[past.order[below]!]!
  return below + 1 < length ? low + (place - below) * (past.errors[past.order[below + 1]!]! - low) : low
}

/**
 * Writes lower80, upper80, lower95, upper95 around `forecast` into `bounds` from index `from`. Each lies where the
 * tracked level of past errors says, never on the wrong side of the forecast, and 95 % never within 80 %.
 */
export function writeBounds(past: PastErrors, forecast: number, bounds: Float32Array, from: number): void {
  const { levels } = past
  const lower80 = Math.min(0, errorQuantile(past, levels[0]!))
  const upper80 = Math.max(0, errorQuantile(past, 1 - levels[1]!))
  bounds[from] = forecast + lower80
  bounds[from + 1] = forecast + upper80
  bounds[from + 2] = forecast + Math.min(lower80, errorQuantile(past, levels[2]!))
  bounds[from + 3] = forecast + Math.max(upper80, errorQuantile(past, 1 - levels[3]!))
}

/**
 * Moves the levels by what came of the bounds: wider after a miss, a little narrower after a hit, so that the share
 * missed tends to the tail asked for (adaptive conformal inference, Gibbs and Candès 2021, each tail by itself).
 */
export function learnCoverage(past: PastErrors, bounds: Float32Array, from: number, value: number): void {
  for (let index = 0; index < TAILS.length; index++) {
    const tail = TAILS[index]!
    const bound = bounds[from + index]!
    const missed = index % 2 === 0 ? value < bound : value > bound
    const level = past.levels[index]! + LEVEL_RATE * tail * (tail - (missed ? 1 : 0))
    past.levels[index] = Math.max(MIN_LEVEL, Math.min(MAX_LEVEL_TAILS * tail, level))
  }
}

/** Moves the levels by `times` hits. */
export function learnHits(past: PastErrors, times: number): void {
  for (let index = 0; index < TAILS.length; index++) {
    const tail = TAILS[index]!
    past.levels[index] = Math.min(MAX_LEVEL_TAILS * tail, past.levels[index]! + times * LEVEL_RATE * tail * tail)
  }
}

/** Share of the kept errors that, added to `forecast`, reach `threshold`, or with `strictly` pass it. */
export function shareReaching(past: PastErrors, forecast: number, threshold: number, strictly = false): number {
  const length = keptErrors(past)
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >> 1
    const value = Math.fround(forecast + past.errors[past.order[middle]!]!)
    if (value > threshold || (value === threshold && !strictly)) high = middle
    else low = middle + 1
  }
  return (length - low) / length
}
