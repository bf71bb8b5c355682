import { createMixture, type Mixture } from './expert-mixture.ts'
import { createHistory, type Floats, type History } from './forecast-history.ts'
import { createPastErrors, type PastErrors } from './past-errors.ts'
import { createSeasons, type Seasons, SIMILAR_FORECASTS } from './similar-past.ts'
import { createSimpleState, SIMPLE_FORECASTS, type SimpleState } from './simple-forecasts.ts'

/** The horizon, in steps of the series. */
export const STEPS_AHEAD = 10

/** Experts by formula; two regressions learnt online, on lags and on those, come on top. */
export const FORMULAS = SIMPLE_FORECASTS + SIMILAR_FORECASTS
export const EXPERTS = FORMULAS + 2

/** Ages of the values that the regression on lags sees. */
export const LAGS = [1, 2, 3, 4, 5, 7, 9, 12, 15, 20, 30, 40, 50, 60, 90, 110] as const

/** Of each pending forecast: what every expert said, then the mixture, then the forecaster. */
export const MIXED = EXPERTS
export const SAID = EXPERTS + 1
export const PENDING = EXPERTS + 2

/** Of each pending forecast: lower80, upper80, lower95, upper95. */
export const BOUNDS = 4

/** What one forecaster knows. Values are relative to `origin`, the first one. */
export type ForecasterState = {
  origin: number
  lastValue: number
  mixtureError: number
  lastValueError: number
  readonly history: History
  readonly simple: SimpleState
  readonly seasons: Seasons
  readonly mixture: Mixture
  readonly pastErrors: PastErrors
  readonly lagWeights: Float32Array
  readonly expertWeights: Float32Array
  /** Rings of ten. */
  readonly pending: Float32Array
  readonly pendingBounds: Float32Array
}

/** A forecaster at rest: one array, since a dozen small ones would weigh half as much again. */
export type Forecaster = { readonly packed: Float64Array }

const SCALARS = 10
const FLOATS_FROM = SCALARS * Float64Array.BYTES_PER_ELEMENT

/** What the parts below ask for, 4.8 KiB. */
const BYTES = 4928

/** All forecasters are worked on in the same place, one after the other. */
const bench = new Float64Array(BYTES / Float64Array.BYTES_PER_ELEMENT)

let placed = FLOATS_FROM
const floats: Floats = (length) => {
  const place = new Float32Array(bench.buffer, placed, length)
  placed += length * Float32Array.BYTES_PER_ELEMENT
  return place
}

const state: ForecasterState = {
  origin: 0,
  lastValue: 0,
  mixtureError: 0,
  lastValueError: 0,
  history: createHistory(floats),
  simple: createSimpleState(floats),
  seasons: createSeasons(floats),
  mixture: createMixture(EXPERTS, floats),
  pastErrors: createPastErrors(floats),
  lagWeights: floats(LAGS.length),
  expertWeights: floats(FORMULAS - 1),
  pending: floats(PENDING * STEPS_AHEAD),
  pendingBounds: floats(BOUNDS * STEPS_AHEAD),
}

/** Writes the bench back into the forecaster it was unpacked from. */
export function pack(forecaster: Forecaster): void {
  bench[0] = state.origin
  bench[1] = state.lastValue
  bench[2] = state.mixtureError
  bench[3] = state.lastValueError
  bench[4] = state.history.newest
  bench[5] = state.history.count
  bench[6] = state.simple.level
  bench[7] = state.simple.slope
  bench[8] = state.mixture.scored
  bench[9] = state.pastErrors.count
  forecaster.packed.set(bench)
}

/** Lays a forecaster on the bench. What is returned is good until the next one is unpacked. */
export function unpack(forecaster: Forecaster): ForecasterState {
  bench.set(forecaster.packed)
  state.origin = bench[0]!
  state.lastValue = bench[1]!
  state.mixtureError = bench[2]!
  state.lastValueError = bench[3]!
  state.history.newest = bench[4]!
  state.history.count = bench[5]!
  state.simple.level = bench[6]!
  state.simple.slope = bench[7]!
  state.mixture.scored = bench[8]!
  state.pastErrors.count = bench[9]!
  return state
}

const unused: Forecaster = { packed: new Float64Array(bench.length) }
pack(unused)

/** A forecaster that has seen nothing yet. */
export function createForecaster(): Forecaster {
  return { packed: unused.packed.slice() }
}
