import { STEPS_AHEAD } from '../../server/analyse/forecaster.ts'
import { FIRST_ORIGIN } from './forecast-scores.ts'
import type { SeriesRun } from './run-series.ts'

const BINS = 10
/** The reference: the share of so many last rows that lie above the threshold. */
const REFERENCE_ROWS = 60

/** Probabilities in ten bins of equal width, the sums in each, and what they said against what happened. */
export type Reliability = {
  count: number
  happened: number
  squaredError: number
  bins: { count: number; probability: number; happened: number }[]
}

export const createReliability = (): Reliability => ({
  count: 0,
  happened: 0,
  squaredError: 0,
  bins: Array.from({ length: BINS }, () => ({ count: 0, probability: 0, happened: 0 })),
})

export function addOutcome(to: Reliability, probability: number, happened: boolean): void {
  const outcome = happened ? 1 : 0
  const bin = to.bins[Math.min(BINS - 1, Math.floor(probability * BINS))]!
  to.count += 1
  to.happened += outcome
  to.squaredError += (probability - outcome) ** 2
  bin.count += 1
  bin.probability += probability
  bin.happened += outcome
}

export function mergeReliability(parts: readonly Reliability[]): Reliability {
  const whole = createReliability()
  for (const part of parts) {
    whole.count += part.count
    whole.happened += part.happened
    whole.squaredError += part.squaredError
    part.bins.forEach((bin, index) => {
      const into = whole.bins[index]!
      into.count += bin.count
      into.probability += bin.probability
      into.happened += bin.happened
    })
  }
  return whole
}

/** Mean squared difference of probability and outcome (Brier, 1950). */
export const brier = ({ squaredError, count }: Reliability): number => squaredError / count

/** Expected calibration error: mean distance of what a bin said from what happened, by its share of forecasts. */
export const expectedCalibrationError = ({ bins, count }: Reliability): number =>
  bins.reduce((sum, bin) => sum + Math.abs(bin.probability - bin.happened), 0) / count

/** One series' probabilities of exceeding its threshold ten rows later, and those of the reference in the same rows. */
export function scoreExceedance(values: Float64Array, run: SeriesRun): { own: Reliability; reference: Reliability } {
  const own = createReliability()
  const reference = createReliability()
  for (let row = Math.max(run.thresholdFrom, FIRST_ORIGIN); row + STEPS_AHEAD < values.length; row++) {
    const probability = run.exceedance[row]!
    if (Number.isNaN(probability)) continue
    const happened = values[row + STEPS_AHEAD]! > run.threshold
    let above = 0
    for (let age = 0; age < REFERENCE_ROWS; age++) if (values[row - age]! > run.threshold) above += 1
    addOutcome(own, probability, happened)
    addOutcome(reference, above / REFERENCE_ROWS, happened)
  }
  return { own, reference }
}
