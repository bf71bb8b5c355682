import type { Forecast } from '../contracts/assessment.ts'
import { type AnomalyDetector, anomalyScore, createAnomalyDetector } from './anomaly.ts'
import { createForecaster, type Forecaster, learn, predict, STEPS_AHEAD } from './forecaster.ts'

/** A forecaster looks ten of its steps ahead: so these look 10 s, 60 s and 15 min ahead. */
const STEPS_MS = [1_000, 6_000, 90_000] as const

/** At the pace of samples a calm service has a false alarm in most first hours; at this one hardly any. */
const ANOMALY_STEP_MS = 10_000

/** A longer gap is filled by so many repeats of the last value and no more. */
const MOST_STEPS_CARRIED = 60

/** The mean of a quantity over one step, until the step is over, and who is told of it then. */
type Pace<Told> = {
  readonly stepMs: number
  readonly told: Told
  step: number
  sum: number
  count: number
  last: number
}

/** What is to come of one quantity, at three paces, and how unusual it is. Fixed memory. */
export type Outlook = {
  readonly forecasts: readonly Pace<Forecaster>[]
  readonly anomalies: Pace<AnomalyDetector>
  anomalyScore: number | null
  /** The far forecasts as they were after so many steps of their two paces. */
  far: Forecast[]
  farSteps: number
}

const NO_STEP = -(2 ** 30)

const createPace = <Told>(stepMs: number, told: Told): Pace<Told> => ({
  stepMs,
  told,
  step: NO_STEP,
  sum: 0,
  count: 0,
  last: 0,
})

/** An outlook that has seen nothing yet. */
export function createOutlook(): Outlook {
  return {
    forecasts: STEPS_MS.map((stepMs) => createPace(stepMs, createForecaster())),
    anomalies: createPace(ANOMALY_STEP_MS, createAnomalyDetector()),
    anomalyScore: null,
    far: [],
    farSteps: 0,
  }
}

/**
 * Takes a value into its step, and gives how many steps are over by it: their mean is `pace.last`, for steps without a
 * value as for the one before. A value of a step that is over is not taken.
 */
function advance(pace: Pace<unknown>, atMs: number, value: number): number {
  const step = Math.floor(atMs / pace.stepMs)
  if (step < pace.step) return 0
  let over = 0
  if (step > pace.step && pace.count > 0) {
    over = Math.min(MOST_STEPS_CARRIED, step - pace.step)
    pace.last = pace.sum / pace.count
    pace.sum = 0
    pace.count = 0
  }
  pace.step = step
  pace.sum += value
  pace.count += 1
  return over
}

/** Takes the next value of the quantity, at `atMs` (epoch milliseconds). O(1). */
export function look(outlook: Outlook, atMs: number, value: number): void {
  for (const pace of outlook.forecasts) {
    // A sample a second is a step of its own; waiting for its end would make each forecast a second older.
    if (pace.stepMs === STEPS_MS[0]) lookAtOnce(pace, atMs, value)
    else for (let over = advance(pace, atMs, value); over > 0; over--) learn(pace.told, pace.last)
  }
  const { anomalies } = outlook
  for (let over = advance(anomalies, atMs, value); over > 0; over--)
    outlook.anomalyScore = anomalyScore(anomalies.told, anomalies.last)
}

function lookAtOnce(pace: Pace<Forecaster>, atMs: number, value: number): void {
  const step = Math.round(atMs / pace.stepMs)
  if (step <= pace.step) return
  const carried = pace.step === NO_STEP ? 0 : Math.min(MOST_STEPS_CARRIED, step - pace.step - 1)
  for (let count = 0; count < carried; count++) learn(pace.told, pace.last)
  learn(pace.told, value)
  pace.step = step
  pace.last = value
}

const atLeastZero = (amount: number) => Math.max(0, amount)

/** The forecast of one horizon, by its place among 10 s, 60 s and 15 min; not below zero, for all quantities are amounts. */
function forecastOf({ forecasts }: Outlook, index: number): Forecast | null {
  const prediction = predict(forecasts[index]!.told)
  if (prediction === null) return null
  return {
    horizonMs: STEPS_MS[index]! * STEPS_AHEAD,
    value: atLeastZero(prediction.value),
    lower: atLeastZero(prediction.lower95),
    upper: atLeastZero(prediction.upper95),
    lower80: atLeastZero(prediction.lower80),
    upper80: atLeastZero(prediction.upper80),
  }
}

/** The forecast ten seconds ahead; `null` while warming up (half a minute). */
export const nearForecast = (outlook: Outlook): Forecast | null => forecastOf(outlook, 0)

/** The forecasts 60 s and 15 min ahead, those that have warmed up (after 3 and 45 minutes). */
export function farForecasts(outlook: Outlook): Forecast[] {
  const steps = outlook.forecasts[1]!.told.count + outlook.forecasts[2]!.told.count
  if (steps !== outlook.farSteps) {
    outlook.far = [forecastOf(outlook, 1), forecastOf(outlook, 2)].filter((forecast) => forecast !== null)
    outlook.farSteps = steps
  }
  return outlook.far
}
