import { anomalyScore, createAnomalyDetector } from '../../server/analyse/anomaly.ts'
import { createForecaster, exceedance, learn, predict } from '../../server/analyse/forecaster.ts'

/** The threshold whose exceedance is foretold is the 95th percentile of this share of a series' rows, the first ones. */
const THRESHOLD_SHARE_OF_ROWS = 0.3

/**
 * What the production functions said in each row, made from it and earlier rows only; NaN where they said nothing.
 * Forecasts, bounds and probability in row i are for row i + STEPS_AHEAD; the anomaly score is of row i.
 */
export type SeriesRun = {
  forecast: Float64Array
  lower80: Float64Array
  upper80: Float64Array
  lower95: Float64Array
  upper95: Float64Array
  exceedance: Float64Array
  anomaly: Float64Array
  /** The first row with an exceedance probability: the threshold is known from here on. */
  thresholdFrom: number
  /** NaN where the rows before hold no value. */
  threshold: number
  forecastMs: number
  anomalyMs: number
}

/** The 95th percentile by linear interpolation between order statistics (type 7 of Hyndman and Fan); NaN for none. */
export function percentile95(values: Float64Array): number {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort()
  if (sorted.length === 0) return Number.NaN
  const place = 0.95 * (sorted.length - 1)
  const below = Math.floor(place)
  const from = sorted[below]!
  return from + (place - below) * ((sorted[below + 1] ?? from) - from)
}

/** Lets a forecaster and an anomaly detector see a series once, row after row. Rows before the first value are not seen. */
export function runSeries(values: Float64Array): SeriesRun {
  const column = () => new Float64Array(values.length).fill(Number.NaN)
  const thresholdFrom = Math.floor(THRESHOLD_SHARE_OF_ROWS * values.length)
  const threshold = percentile95(values.subarray(0, thresholdFrom))
  const run: SeriesRun = {
    forecast: column(),
    lower80: column(),
    upper80: column(),
    lower95: column(),
    upper95: column(),
    exceedance: column(),
    anomaly: column(),
    thresholdFrom,
    threshold,
    forecastMs: 0,
    anomalyMs: 0,
  }
  const forecaster = createForecaster()
  let startedAt = performance.now()
  for (let row = 0; row < values.length; row++) {
    if (Number.isNaN(values[row]!)) continue
    learn(forecaster, values[row]!)
    const prediction = predict(forecaster)
    if (prediction !== null) {
      run.forecast[row] = prediction.value
      run.lower80[row] = prediction.lower80
      run.upper80[row] = prediction.upper80
      run.lower95[row] = prediction.lower95
      run.upper95[row] = prediction.upper95
    }
    if (row >= thresholdFrom && !Number.isNaN(threshold))
      run.exceedance[row] = exceedance(forecaster, threshold, true) ?? Number.NaN
  }
  run.forecastMs = performance.now() - startedAt
  const detector = createAnomalyDetector()
  startedAt = performance.now()
  for (let row = 0; row < values.length; row++)
    if (!Number.isNaN(values[row]!)) run.anomaly[row] = anomalyScore(detector, values[row]!)
  run.anomalyMs = performance.now() - startedAt
  return run
}
