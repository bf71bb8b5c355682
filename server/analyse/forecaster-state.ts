import { createMixture, type Mixture } from './expert-mixture.ts'
import { createHistory, type Floats, type History } from './forecast-history.ts'
import { createPastErrors, type PastErrors } from './past-errors.ts'
import { createSeasons, type Seasons, SIMILAR_FORECASTS } from './similar-past.ts'
import { SIMPLE_FORECASTS, type SimpleState } from './simple-forecasts.ts'

/** The horizon, in steps of the series. */
export const STEPS_AHEAD = 10

/** Experts by formula; two regressions learnt online, on lags and on those, come on top. */
export const FORMULAS = SIMPLE_FORECASTS + SIMILAR_FORECASTS
export const EXPERTS = FORMULAS + 2

/** Ages of the values that the regression on lags sees. */
export const LAGS = [1, 2, 3, 4, 5, 7, 9, 12, 15, 20, 30, 40, 50, 60, 90, 110] as const

/** Of each pending forecast: what every expert said, then the mixture. */
export const MIXED = EXPERTS
export const PENDING = EXPERTS + 1

/** Of each pending forecast: lower80, upper80, lower95, upper95. */
export const BOUNDS = 4

/** What one forecaster knows. Values are relative to `origin`, the first one. */
export type ForecasterState = {
  origin: number
  mixtureError: number
  lastValueError: number
  readonly history: History
  readonly simple: SimpleState
  readonly seasons: Seasons
  readonly mixture: Mixture
  readonly pastErrors: PastErrors
  readonly lagWeights: Float32Array
  readonly expertWeights: Float32Array
  /** Rings of ten. What experts and mixture said is kept as the change from the value then, in half precision. */
  readonly pending: Uint16Array
  /** What the forecaster said. */
  readonly said: Float32Array
  readonly pendingBounds: Float32Array
}

/** A forecaster's state at rest: one array, since a dozen small ones would weigh half as much again. */
export type Packed = Float64Array

const SCALARS = 14
const FLOATS_FROM = SCALARS * Float64Array.BYTES_PER_ELEMENT

/** Where a packed state has its newest forecast and the bounds of it, relative to the newest value. */
const FORECAST_AT = 9

/** What the parts below ask for, 3.5 KiB. */
const BYTES = 3624

/** All forecasters are worked on in the same place, one after the other. */
const bench = new Float64Array(BYTES / Float64Array.BYTES_PER_ELEMENT)

let placed = FLOATS_FROM
const floats: Floats = (length) => {
  const place = new Float32Array(bench.buffer, placed, length)
  placed += length * Float32Array.BYTES_PER_ELEMENT
  return place
}

const halves = (length: number) => {
  const place = floats(Math.ceil(length / 2))
  return new Uint16Array(place.buffer, place.byteOffset, length)
}

const state: ForecasterState = {
  origin: 0,
  mixtureError: 0,
  lastValueError: 0,
  history: createHistory(floats),
  simple: { level: 0, slope: 0 },
  seasons: createSeasons(floats),
  mixture: createMixture(EXPERTS, floats),
  pastErrors: createPastErrors(floats),
  lagWeights: floats(LAGS.length),
  expertWeights: floats(FORMULAS - 1),
  pending: halves(PENDING * STEPS_AHEAD),
  said: floats(STEPS_AHEAD),
  pendingBounds: floats(BOUNDS * STEPS_AHEAD),
}

/** Writes the bench back to where it was unpacked from. */
export function pack(packed: Packed): void {
  const { history, said, pendingBounds } = state
  bench[0] = state.origin
  bench[1] = state.mixtureError
  bench[2] = state.lastValueError
  bench[3] = history.newest
  bench[4] = history.count
  bench[5] = state.simple.level
  bench[6] = state.simple.slope
  bench[7] = state.mixture.scored
  bench[8] = state.pastErrors.count
  const slot = history.count % STEPS_AHEAD
  const newest = history.values[history.newest] ?? 0
  bench[FORECAST_AT] = said[slot]! - newest
  for (let index = 0; index < BOUNDS; index++)
    bench[FORECAST_AT + 1 + index] = pendingBounds[slot * BOUNDS + index]! - newest
  packed.set(bench)
}

/** Lays a state on the bench. What is returned is good until the next one is unpacked. */
export function unpack(packed: Packed): ForecasterState {
  bench.set(packed)
  state.origin = bench[0]!
  state.mixtureError = bench[1]!
  state.lastValueError = bench[2]!
  state.history.newest = bench[3]!
  state.history.count = bench[4]!
  state.simple.level = bench[5]!
  state.simple.slope = bench[6]!
  state.mixture.scored = bench[7]!
  state.pastErrors.count = bench[8]!
  return state
}

/** The first value of a packed state. */
export function originOf(packed: Packed): number {
  return packed[0]!
}

/** The newest forecast of a packed state (`index` 0) or one of its bounds (1 to 4), relative to the newest value. */
export function forecastFrom(packed: Packed, index: number): number {
  return packed[FORECAST_AT + index]!
}

const unused: Packed = new Float64Array(bench.length)
pack(unused)

/** A state that has seen nothing yet, packed. */
export function createPacked(): Packed {
  return unused.slice()
}
