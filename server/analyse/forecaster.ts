import { mix, scoreExactForecasts, scoreExperts } from './expert-mixture.ts'
import { CAPACITY, copyRecent, RECENT, remember, rememberSame, valueAt } from './forecast-history.ts'
import {
  BOUNDS,
  createPacked,
  FORMULAS,
  type ForecasterState,
  forecastFrom,
  LAGS,
  MIXED,
  originOf,
  type Packed,
  PENDING,
  pack,
  STEPS_AHEAD,
  unpack,
} from './forecaster-state.ts'
import { fromHalf, toHalf } from './half-precision.ts'
import {
  KEPT,
  learnCoverage,
  learnHits,
  rememberError,
  rememberNoErrors,
  shareReaching,
  writeBounds,
} from './past-errors.ts'
import { learnSign, weightedSum } from './sign-regression.ts'
import { updateSeasons, updateSeasonsSame, writeSimilarForecasts } from './similar-past.ts'
import { SIMPLE_FORECASTS, updateSimple, writeSimpleForecasts } from './simple-forecasts.ts'

export { STEPS_AHEAD }

/** Values before the first prediction: twenty forecasts have been scored then. */
export const WARM_UP_VALUES = 30

/** Mixture and last value are compared over about 200 steps. */
const RIVAL_SHARE = 0.005

/** Part that the last minute's own share above a threshold has in the probability to reach it. */
const RECENT_SHARE_WEIGHT = 0.2
const RECENT_VALUES = 60

/** Beyond this, single precision would overflow. */
const LARGEST = 1e30

/** After so many values that are the same nothing that forecasts are made from, nor any error kept, is another. */
const STEADY_AFTER = CAPACITY + STEPS_AHEAD + KEPT

/** From so many values on what was said is scored against its bounds, too. */
const COVERAGE_FROM = WARM_UP_VALUES + STEPS_AHEAD

/** What is known of a series. It has little until there is enough to forecast from, and while all values are the same. */
export type Forecaster = {
  lastValue: number
  count: number
  /** So many of the newest values are the same. */
  run: number
  /** The values themselves while they are too few to forecast from. */
  few: Float64Array | null
  /** Behind by some values where those are no other than the ones before. */
  packed: Packed | null
}

/** A forecaster that has seen nothing yet. */
export function createForecaster(): Forecaster {
  return { lastValue: 0, count: 0, run: 0, few: null, packed: null }
}

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
  const then = recent[STEPS_AHEAD]!
  for (let index = 0; index < PENDING; index++) forecasts[index] = then + fromHalf(pending[slot * PENDING + index]!)
  scoreExperts(mixture, forecasts, value)
  readLags(STEPS_AHEAD)
  learnSign(state.lagWeights, features, 0, value - forecasts[FORMULAS]!, mixture.scored)
  readExperts()
  learnSign(state.expertWeights, features, 1, value - forecasts[FORMULAS + 1]!, mixture.scored)
  const share = Math.max(RIVAL_SHARE, 1 / mixture.scored)
  state.mixtureError += share * (Math.abs(value - forecasts[MIXED]!) - state.mixtureError)
  state.lastValueError += share * (Math.abs(value - forecasts[0]!) - state.lastValueError)
  rememberError(pastErrors, value - state.said[slot]!)
  if (state.history.count >= COVERAGE_FROM) {
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
  for (let index = 0; index < PENDING; index++)
    state.pending[slot * PENDING + index] = toHalf(forecasts[index]! - recent[0]!)
  const said = state.mixtureError < state.lastValueError ? mixed : recent[0]!
  state.said[slot] = said
  if (pastErrors.count > 0) {
    writeBounds(pastErrors, said, state.pendingBounds, slot * BOUNDS)
  }
}

/** Takes a value into the state on the bench. */
function step(state: ForecasterState, value: number): void {
  const { history } = state
  remember(history, Math.max(-LARGEST, Math.min(LARGEST, value - state.origin)))
  copyRecent(history, recent)
  updateSimple(state.simple, recent, history.count)
  updateSeasons(state.seasons, history, recent)
  const slot = history.count % STEPS_AHEAD
  if (history.count > STEPS_AHEAD) learnOutcome(state, slot)
  forecastNext(state, slot)
}

/** Takes `times` more of the value that all before were, or that was the last one so long that it is all that is kept. */
function stepSame(state: ForecasterState, times: number): void {
  const { history, mixture, pastErrors } = state
  const since = (from: number) => Math.max(0, history.count - from + 1)
  const covered = since(COVERAGE_FROM)
  const scored = since(STEPS_AHEAD + 1)
  rememberSame(history, times)
  updateSeasonsSame(state.seasons, times)
  const outcomes = since(STEPS_AHEAD + 1) - scored
  scoreExactForecasts(mixture, outcomes)
  rememberNoErrors(pastErrors, outcomes)
  learnHits(pastErrors, since(COVERAGE_FROM) - covered)
  state.mixtureError *= (1 - RIVAL_SHARE) ** outcomes
  state.lastValueError *= (1 - RIVAL_SHARE) ** outcomes
}

const isSteady = ({ run, count }: Forecaster) => run === count || run > STEADY_AFTER

/**
 * Takes the next step's value. The caller carries the last value forward over gaps; a value that is not finite counts
 * as such a gap.
 */
export function learn(forecaster: Forecaster, value: number): void {
  const { lastValue: before } = forecaster
  const known = Number.isFinite(value) ? value : before
  if (forecaster.count === 0 && known !== value) return
  forecaster.run = known === before ? forecaster.run + 1 : 1
  forecaster.count++
  forecaster.lastValue = known
  if (isSteady(forecaster)) return
  if (forecaster.packed === null && forecaster.count < WARM_UP_VALUES) {
    forecaster.few ??= new Float64Array(WARM_UP_VALUES).fill(before)
    forecaster.few[forecaster.count - 1] = known
    return
  }
  forecaster.packed ??= createPacked()
  const state = unpack(forecaster.packed)
  if (state.history.count === 0) state.origin = forecaster.few?.[0] ?? before
  if (forecaster.few !== null) {
    for (let index = 0; index < forecaster.count - 1; index++) step(state, forecaster.few[index]!)
    forecaster.few = null
  }
  const missed = forecaster.count - 1 - state.history.count
  if (missed > 0) stepSame(state, missed)
  step(state, known)
  pack(forecaster.packed)
}

/**
 * The value ten steps after the last one learned, with the intervals in which it lies in 80 % and 95 % of cases;
 * `null` before 30 values. In the series' unit.
 */
export function predict(forecaster: Forecaster): Prediction | null {
  const { lastValue, count, packed } = forecaster
  if (count < WARM_UP_VALUES) return null
  const ahead = (index: number) => (packed === null ? lastValue : lastValue + forecastFrom(packed, index))
  return { value: ahead(0), lower80: ahead(1), upper80: ahead(2), lower95: ahead(3), upper95: ahead(4) }
}

/**
 * P(value ten steps ahead ≥ `threshold`), or > it where `strictly` is asked for: the share of the forecaster's own past
 * errors that would bring it there, mixed with the share of the last 60 values that were there; `null` before 30 values.
 */
export function exceedance(forecaster: Forecaster, threshold: number, strictly = false): number | null {
  if (forecaster.count < WARM_UP_VALUES) return null
  if (isSteady(forecaster)) return steadyExceedance(forecaster, threshold, strictly)
  const { origin, history, said, pastErrors } = unpack(forecaster.packed!)
  const relative = Math.fround(threshold - origin)
  const kept = Math.min(history.count, RECENT_VALUES)
  let reached = 0
  for (let age = 0; age < kept; age++) {
    const value = valueAt(history, age)
    if (value > relative || (value === relative && !strictly)) reached++
  }
  const recently = reached / kept
  const byErrors = shareReaching(pastErrors, said[history.count % STEPS_AHEAD]!, relative, strictly)
  return (1 - RECENT_SHARE_WEIGHT) * byErrors + RECENT_SHARE_WEIGHT * recently
}

/** In single precision, as all else is. */
function steadyExceedance({ lastValue, packed }: Forecaster, threshold: number, strictly: boolean): number {
  const origin = packed === null ? lastValue : originOf(packed)
  const value = Math.fround(lastValue - origin)
  const relative = Math.fround(threshold - origin)
  return value > relative || (value === relative && !strictly) ? 1 : 0
}
