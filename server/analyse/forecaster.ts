import { mix, scoreExperts } from './expert-mixture.ts'
import { copyRecent, RECENT, remember } from './forecast-history.ts'
import {
  BOUNDS,
  createForecaster,
  FORMULAS,
  type Forecaster,
  type ForecasterState,
  LAGS,
  MIXED,
  PENDING,
  pack,
  SAID,
  STEPS_AHEAD,
  unpack,
} from './forecaster-state.ts'
import { learnCoverage, rememberError, shareReaching, writeBounds } from './past-errors.ts'
import { learnSign, weightedSum } from './sign-regression.ts'
import { updateSeasons, writeSimilarForecasts } from './similar-past.ts'
import { SIMPLE_FORECASTS, updateSimple, writeSimpleForecasts } from './simple-forecasts.ts'

export { createForecaster, type Forecaster, STEPS_AHEAD }

/** Values before the first prediction: twenty forecasts have been scored then. */
export const WARM_UP_VALUES = 30

/** Mixture and last value are compared over about 200 steps. */
const RIVAL_SHARE = 0.005

/** Part that the last minute's own share above a threshold has in the probability to reach it. */
const RECENT_SHARE_WEIGHT = 0.2
const RECENT_VALUES = 60

/** Beyond this, single precision would overflow. */
const LARGEST = 1e30

export type Prediction = { value: number; lower80: number; upper80: number; lower95: number; upper95: number }

const recent = new Float64Array(RECENT)
const forecasts = new Float64Array(PENDING)
const features = new Float64Array(FORMULAS)

function readLags(age: number): void {
  for (let index = 0; index < LAGS.length; index++) features[index] = recent[age + LAGS[index]!]! - recent[age]!
}

function readExperts(): void {
  for (let index = 0; index < FORMULAS; index++) features[index] = forecasts[index]! - forecasts[0]!
}

/** Scores what was said ten steps ago now that its value is here. */
function learnOutcome(state: ForecasterState, slot: number): void {
  const { mixture, pending, pastErrors } = state
  const value = recent[0]!
  for (let index = 0; index < PENDING; index++) forecasts[index] = pending[slot * PENDING + index]!
  scoreExperts(mixture, forecasts, value)
  readLags(STEPS_AHEAD)
  learnSign(state.lagWeights, features, 0, value - forecasts[FORMULAS]!, mixture.scored)
  readExperts()
  learnSign(state.expertWeights, features, 1, value - forecasts[FORMULAS + 1]!, mixture.scored)
  const share = Math.max(RIVAL_SHARE, 1 / mixture.scored)
  state.mixtureError += share * (Math.abs(value - forecasts[MIXED]!) - state.mixtureError)
  state.lastValueError += share * (Math.abs(value - forecasts[0]!) - state.lastValueError)
  rememberError(pastErrors, value - forecasts[SAID]!)
  if (state.history.count >= WARM_UP_VALUES + STEPS_AHEAD) {
    learnCoverage(pastErrors, state.pendingBounds, slot * BOUNDS, value)
  }
}

/** Says what will be in ten steps. The last value stands where the mixture has not been better lately. */
function forecastNext(state: ForecasterState, slot: number): void {
  const { history, mixture, pastErrors } = state
  writeSimpleForecasts(state.simple, recent, history.count, STEPS_AHEAD, forecasts)
  writeSimilarForecasts(state.seasons, history, recent, STEPS_AHEAD, forecasts, SIMPLE_FORECASTS)
  readLags(0)
  forecasts[FORMULAS] = recent[0]! + weightedSum(state.lagWeights, features, 0)
  readExperts()
  forecasts[FORMULAS + 1] = recent[0]! + weightedSum(state.expertWeights, features, 1)
  const mixed = mix(mixture, forecasts)
  forecasts[MIXED] = mixed
  forecasts[SAID] = state.mixtureError < state.lastValueError ? mixed : recent[0]!
  for (let index = 0; index < PENDING; index++) state.pending[slot * PENDING + index] = forecasts[index]!
  if (pastErrors.count > 0) {
    writeBounds(pastErrors, forecasts[SAID]!, state.pendingBounds, slot * BOUNDS)
  }
}

/**
 * Takes the next step's value. The caller carries the last value forward over gaps; a value that is not finite counts
 * as such a gap.
 */
export function learn(forecaster: Forecaster, value: number): void {
  const state = unpack(forecaster)
  const { history } = state
  const known = Number.isFinite(value) ? value : state.lastValue
  if (history.count === 0) {
    if (known !== value) return
    state.origin = value
  }
  state.lastValue = known
  remember(history, Math.max(-LARGEST, Math.min(LARGEST, known - state.origin)))
  copyRecent(history, recent)
  updateSimple(state.simple, recent, history.count)
  updateSeasons(state.seasons, history, recent)
  const slot = history.count % STEPS_AHEAD
  if (history.count > STEPS_AHEAD) learnOutcome(state, slot)
  forecastNext(state, slot)
  pack(forecaster)
}

/**
 * The value ten steps after the last one learned, with the intervals in which it lies in 80 % and 95 % of cases;
 * `null` before 30 values. In the series' unit.
 */
export function predict(forecaster: Forecaster): Prediction | null {
  const { history, pending, pendingBounds, lastValue } = unpack(forecaster)
  if (history.count < WARM_UP_VALUES) return null
  const slot = history.count % STEPS_AHEAD
  const newest = history.values[history.newest]!
  return {
    value: lastValue + (pending[slot * PENDING + SAID]! - newest),
    lower80: lastValue + (pendingBounds[slot * BOUNDS]! - newest),
    upper80: lastValue + (pendingBounds[slot * BOUNDS + 1]! - newest),
    lower95: lastValue + (pendingBounds[slot * BOUNDS + 2]! - newest),
    upper95: lastValue + (pendingBounds[slot * BOUNDS + 3]! - newest),
  }
}

/**
 * P(value ten steps ahead ≥ `threshold`), or > it where `strictly` is asked for: the share of the forecaster's own past
 * errors that would bring it there, mixed with the share of the last 60 values that were there; `null` before 30 values.
 */
export function exceedance(forecaster: Forecaster, threshold: number, strictly = false): number | null {
  const { origin, history, pending, pastErrors, simple } = unpack(forecaster)
  if (history.count < WARM_UP_VALUES) return null
  const relative = Math.fround(threshold - origin)
  const said = pending[(history.count % STEPS_AHEAD) * PENDING + SAID]!
  const kept = Math.min(history.count, RECENT_VALUES)
  let below = 0
  while (below < kept && (simple.sorted[below]! < relative || (strictly && simple.sorted[below]! === relative))) below++
  const recently = (kept - below) / kept
  const byErrors = shareReaching(pastErrors, said, relative, strictly)
  return (1 - RECENT_SHARE_WEIGHT) * byErrors + RECENT_SHARE_WEIGHT * recently
}
