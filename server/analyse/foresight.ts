import type { Forecast } from '../contracts/assessment.ts'
import { type AnomalyDetector, anomalyScore, createAnomalyDetector } from './anomaly.ts'
import { createForecaster, type Forecaster, learn, predict, STEPS_AHEAD } from './forecaster.ts'

/** A forecaster at one pace: its steps are means of so many seconds. */
type Pace = { readonly stepSeconds: number; readonly forecaster: Forecaster; sum: number; count: number }

/** What is expected of one quantity 10 s, 60 s and 15 min ahead, and how unusual it is now. */
export type Foresight = {
  readonly paces: readonly Pace[]
  readonly detector: AnomalyDetector
  score: number | null
  lastAtMs: number
  lastValue: number
}

const STEP_SECONDS = [1, 6, 90] as const
/** Over a longer gap the last value is not carried forward: it would be most of what is known. */
const MOST_STEPS = 60

/** Knows nothing yet; a restart begins with a new one. */
export function createForesight(): Foresight {
  return {
    paces: STEP_SECONDS.map((stepSeconds) => ({ stepSeconds, forecaster: createForecaster(), sum: 0, count: 0 })),
    detector: createAnomalyDetector(),
    score: null,
    lastAtMs: Number.NaN,
    lastValue: Number.NaN,
  }
}

function step(foresight: Foresight, value: number): void {
  for (const pace of foresight.paces) {
    pace.sum += value
    pace.count += 1
    if (pace.count < pace.stepSeconds) continue
    learn(pace.forecaster, pace.sum / pace.count)
    pace.sum = 0
    pace.count = 0
  }
  foresight.score = anomalyScore(foresight.detector, value)
}

/** Takes a value; seconds without one since the last carry that one forward. Time must go forward: older values are ignored. */
export function foresee(foresight: Foresight, atMs: number, value: number): void {
  const { lastAtMs, lastValue } = foresight
  if (atMs <= lastAtMs) return
  const seconds = Number.isNaN(lastAtMs) ? 1 : Math.max(1, Math.round((atMs - lastAtMs) / 1000))
  for (let gap = Math.min(MOST_STEPS, seconds) - 1; gap > 0; gap--) step(foresight, lastValue)
  step(foresight, value)
  foresight.lastAtMs = atMs
  foresight.lastValue = value
}

/** The forecasts for which enough is known, the nearest first. Our quantities are amounts: nothing is below zero. */
export function forecastsOf(foresight: Foresight): Forecast[] {
  const amount = (value: number) => Math.max(0, value)
  return foresight.paces.flatMap(({ stepSeconds, forecaster }): Forecast[] => {
    const predicted = predict(forecaster)
    if (predicted === null) return []
    return [
      {
        horizonMs: stepSeconds * STEPS_AHEAD * 1000,
        value: amount(predicted.value),
        lower: amount(predicted.lower95),
        upper: amount(predicted.upper95),
        lower80: amount(predicted.lower80),
        upper80: amount(predicted.upper80),
      },
    ]
  })
}
