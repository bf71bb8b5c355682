import { STEPS_AHEAD } from '../../server/analyse/forecaster.ts'
import { append, createSeries } from '../../server/analyse/series.ts'
import { fitLine } from '../../server/analyse/statistics.ts'
import type { SeriesRun } from './run-series.ts'

/** Forecasts are scored from this row on (counted from 0), the first with as many rows as the regression looks at. */
export const FIRST_ORIGIN = 59
const REGRESSION_ROWS = FIRST_ORIGIN + 1

/** Shorter series leave too few forecasts to say anything of. */
const LEAST_ROWS = 150

/** Errors below this share of the last value's count as that much, so that a perfect forecast has a logarithm. */
const LEAST_RELATIVE_ERROR = 1e-9

/** Sums over the scored forecasts of one series. */
export type ErrorSums = { absolute: number; squared: number }

export type SeriesScore = {
  forecasts: number
  forecast: ErrorSums
  lastValue: ErrorSums
  regression: ErrorSums
  inside80: number
  inside95: number
}

const sums = (): ErrorSums => ({ absolute: 0, squared: 0 })

function addError(to: ErrorSums, error: number): void {
  to.absolute += Math.abs(error)
  to.squared += error * error
}

/**
 * Scores the forecasts for ten rows later of one series, beside the last value and the least-squares line through the
 * last 60 rows. `null` for a series that is too short, on which the last value makes no error, or whose errors are
 * beyond what a number can hold. Bounds belong to the interval.
 */
export function scoreForecasts(values: Float64Array, run: SeriesRun): SeriesScore | null {
  if (values.length < LEAST_ROWS) return null
  const score: SeriesScore = {
    forecasts: 0,
    forecast: sums(),
    lastValue: sums(),
    regression: sums(),
    inside80: 0,
    inside95: 0,
  }
  const seen = createSeries(REGRESSION_ROWS)
  for (let row = 0; row + STEPS_AHEAD < values.length; row++) {
    if (Number.isNaN(values[row]!)) continue
    append(seen, row * 1000, values[row]!)
    if (row < FIRST_ORIGIN || Number.isNaN(run.forecast[row]!)) continue
    const truth = values[row + STEPS_AHEAD]!
    const line = fitLine(seen)
    const onLine = line === null ? values[row]! : line.level + line.slopePerSecond * STEPS_AHEAD
    score.forecasts += 1
    addError(score.forecast, run.forecast[row]! - truth)
    addError(score.lastValue, values[row]! - truth)
    addError(score.regression, onLine - truth)
    if (run.lower80[row]! <= truth && truth <= run.upper80[row]!) score.inside80 += 1
    if (run.lower95[row]! <= truth && truth <= run.upper95[row]!) score.inside95 += 1
  }
  const { absolute, squared } = score.lastValue
  return absolute > 0 && squared > 0 && Number.isFinite(squared) ? score : null
}

/** The natural logarithms of a series' four relative errors; 0 is "as good as", below is better. */
export type LogRatios = { maeToLast: number; rmseToLast: number; maeToRegression: number; rmseToRegression: number }

export function logRatios({ forecast, lastValue, regression }: SeriesScore): LogRatios {
  const ratio = (measure: keyof ErrorSums, reference: ErrorSums) => {
    const least = LEAST_RELATIVE_ERROR ** (measure === 'squared' ? 2 : 1) * lastValue[measure]
    return Math.log(Math.max(forecast[measure], least) / Math.max(reference[measure], least))
  }
  return {
    maeToLast: ratio('absolute', lastValue),
    rmseToLast: ratio('squared', lastValue) / 2,
    maeToRegression: ratio('absolute', regression),
    rmseToRegression: ratio('squared', regression) / 2,
  }
}
