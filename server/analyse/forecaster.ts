import { createMixture, type Mixture, mix, scoreExperts } from './expert-mixture.ts'
import { copyRecent, createHistory, type History, RECENT, remember } from './forecast-history.ts'
import {
  createPastErrors,
  learnCoverage,
  type PastErrors,
  rememberError,
  shareReaching,
  writeBounds,
} from './past-errors.ts'
import { learnSign, weightedSum } from './sign-regression.ts'
import { createSeasons, type Seasons, SIMILAR_FORECASTS, updateSeasons, writeSimilarForecasts } from './similar-past.ts'
import {
  createSimpleState,
  SIMPLE_FORECASTS,
  type SimpleState,
  updateSimple,
  writeSimpleForecasts,
} from './simple-forecasts.ts'

/** The horizon, in steps of the series. */
export const STEPS_AHEAD = 10

/** Values before the first prediction: twenty forecasts have been scored then. */
export const WARM_UP_VALUES = 30

/** Experts by formula; two regressions learnt online, on lags and on those, come on top. */
const FORMULAS = SIMPLE_FORECASTS + SIMILAR_FORECASTS
const EXPERTS = FORMULAS + 2

/** Ages of the values that the regression on lags sees. */
const LAGS = [1, 2, 3, 4, 5, 7, 9, 12, 15, 20, 30, 40, 50, 60, 90, 110] as const

/** Mixture and last value are compared over about 200 steps. */
const RIVAL_SHARE = 0.005

/** Part that the last minute's own share above a threshold has in the probability to reach it. */
const RECENT_SHARE_WEIGHT = 0.2
const RECENT_VALUES = 60

/** Beyond this, single precision would overflow. */
const LARGEST = 1e30

/** One series at one pace, forecast ten steps ahead. Values inside are relative to the first one. */
export type Forecaster = {
  origin: number
  lastValue: number
  readonly history: History
  readonly simple: SimpleState
  readonly seasons: Seasons
  readonly lagWeights: Float32Array
  readonly expertWeights: Float32Array
  readonly mixture: Mixture
  readonly pastErrors: PastErrors
  /** A ring of ten: what the experts said, then what the mixture and the forecaster said. */
  readonly pending: Float32Array
  /** A ring of ten: lower80, upper80, lower95, upper95. */
  readonly pendingBounds: Float32Array
  mixtureError: number
  lastValueError: number
}

export type Prediction = { value: number; lower80: number; upper80: number; lower95: number; upper95: number }

const PENDING = EXPERTS + 2
const MIXED = EXPERTS
const SAID = EXPERTS + 1
const BOUNDS = 4

/** A forecaster that has seen nothing yet. */
export function createForecaster(): Forecaster {
  return {
    origin: 0,
    lastValue: 0,
    history: createHistory(),
    simple: createSimpleState(),
    seasons: createSeasons(),
    lagWeights: new Float32Array(LAGS.length),
    expertWeights: new Float32Array(FORMULAS - 1),
    mixture: createMixture(EXPERTS),
    pastErrors: createPastErrors(),
    pending: new Float32Array(PENDING * STEPS_AHEAD),
    pendingBounds: new Float32Array(BOUNDS * STEPS_AHEAD),
    mixtureError: 0,
    lastValueError: 0,
  }
}

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
function learnOutcome(forecaster: Forecaster, slot: number): void {
  const { mixture, pending, pastErrors } = forecaster
  const value = recent[0]!
  for (let index = 0; index < PENDING; index++) forecasts[index] = pending[slot * PENDING + index]!
  scoreExperts(mixture, forecasts, value)
  readLags(STEPS_AHEAD)
  learnSign(forecaster.lagWeights, features, 0, value - forecasts[FORMULAS]!, mixture.scored)
  readExperts()
  learnSign(forecaster.expertWeights, features, 1, value - forecasts[FORMULAS + 1]!, mixture.scored)
  const share = Math.max(RIVAL_SHARE, 1 / mixture.scored)
  forecaster.mixtureError += share * (Math.abs(value - forecasts[MIXED]!) - forecaster.mixtureError)
  forecaster.lastValueError += share * (Math.abs(value - forecasts[0]!) - forecaster.lastValueError)
  rememberError(pastErrors, value - forecasts[SAID]!)
  if (forecaster.history.count >= WARM_UP_VALUES + STEPS_AHEAD) {
    learnCoverage(pastErrors, forecaster.pendingBounds, slot * BOUNDS, value)
  }
}

/** Says what will be in ten steps. The last value stands where the mixture has not been better lately. */
function forecastNext(forecaster: Forecaster, slot: number): void {
  const { history, mixture, pastErrors } = forecaster
  writeSimpleForecasts(forecaster.simple, recent, history.count, STEPS_AHEAD, forecasts)
  writeSimilarForecasts(forecaster.seasons, history, recent, STEPS_AHEAD, forecasts, SIMPLE_FORECASTS)
  readLags(0)
  forecasts[FORMULAS] = recent[0]! + weightedSum(forecaster.lagWeights, features, 0)
  readExperts()
  forecasts[FORMULAS + 1] = recent[0]! + weightedSum(forecaster.expertWeights, features, 1)
  const mixed = mix(mixture, forecasts)
  forecasts[MIXED] = mixed
  forecasts[SAID] = forecaster.mixtureError < forecaster.lastValueError ? mixed : recent[0]!
  for (let index = 0; index < PENDING; index++) forecaster.pending[slot * PENDING + index] = forecasts[index]!
  if (pastErrors.count > 0) {
    writeBounds(pastErrors, forecasts[SAID]!, forecaster.pendingBounds, slot * BOUNDS)
  }
}

/**
 * Takes the next step's value. The caller carries the last value forward over gaps; a value that is not finite counts
 * as such a gap.
 */
export function learn(forecaster: Forecaster, value: number): void {
  const { history } = forecaster
  if (!Number.isFinite(value)) {
    if (history.count === 0) return
    value = forecaster.lastValue
  }
  if (history.count === 0) forecaster.origin = value
  forecaster.lastValue = value
  remember(history, Math.max(-LARGEST, Math.min(LARGEST, value - forecaster.origin)))
  copyRecent(history, recent)
  updateSimple(forecaster.simple, recent, history.count)
  updateSeasons(forecaster.seasons, history, recent)
  const slot = history.count % STEPS_AHEAD
  if (history.count > STEPS_AHEAD) learnOutcome(forecaster, slot)
  forecastNext(forecaster, slot)
}

function newestRelative(forecaster: Forecaster): number {
  return forecaster.history.values[forecaster.history.newest]!
}

/**
 * The value ten steps after the last one learned, with the intervals in which it lies in 80 % and 95 % of cases;
 * `null` before 30 values. In the series' unit.
 */
export function predict(forecaster: Forecaster): Prediction | null {
  const { history, pending, pendingBounds, lastValue } = forecaster
  if (history.count < WARM_UP_VALUES) return null
  const slot = history.count % STEPS_AHEAD
  const newest = newestRelative(forecaster)
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
  const { history, pending, pastErrors, simple } = forecaster
  if (history.count < WARM_UP_VALUES) return null
  const relative = Math.fround(threshold - forecaster.origin)
  const said = pending[(history.count % STEPS_AHEAD) * PENDING + SAID]!
  const kept = Math.min(history.count, RECENT_VALUES)
  let below = 0
  while (below < kept && (simple.sorted[below]! < relative || (strictly && simple.sorted[below]! === relative))) below++
  const recently = (kept - below) / kept
  const byErrors = shareReaching(pastErrors, said, relative, strictly)
  return (1 - RECENT_SHARE_WEIGHT) * byErrors + RECENT_SHARE_WEIGHT * recently
}
