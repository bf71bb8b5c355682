import type { Calibration } from '../contracts/assessment.ts'
import type { Correction, OwnCalibration, ReliabilityBin, Tally } from '../contracts/scoreboard.ts'

/** With fewer outcomes a correction would follow chance: one failure more or less must not be seen in it. */
const MIN_PREDICTIONS = 200
const MIN_FAILURES = 20

/**
 * A correction may not go further: then CPU that has been at its limit for five minutes, and a container that is unhealthy,
 * are critical all the same.
 */
const BOUNDS = { slope: { from: 0.7, to: 1.4 }, intercept: { from: -1, to: 1 } }

/** As if so many outcomes had agreed with the shipped model: what is little known stays as it was. */
const PRIOR_WEIGHT = 20
/** A correction must be so much better by its Brier score to be worth a change, and twice a day is too often. */
const MIN_GAIN = 0.01
export const LOOK_EVERY_MS = 86_400_000

const STEPS = 30

const clamp = (value: number, { from, to }: { from: number; to: number }) => Math.max(from, Math.min(to, value))
const logit = (p: number) => Math.log(p / (1 - p))
const meanOf = ({ predictions, probabilitySum }: ReliabilityBin) =>
  Math.max(1e-4, Math.min(1 - 1e-4, probabilitySum / predictions))

/** What a probability becomes by a correction of its log-odds. */
export function correctedProbability(p: number, { slope, intercept }: Correction): number {
  return 1 / (1 + Math.exp(-(intercept + slope * logit(Math.max(1e-9, Math.min(1 - 1e-9, p))))))
}

/** The probability that a correction made another of. */
export function shippedProbability(corrected: number, { slope, intercept }: Correction): number {
  return correctedProbability(corrected, { slope: 1 / slope, intercept: -intercept / slope })
}

/** The failure model with its log-odds corrected: contributions still add up. */
export function correctedCalibration(calibration: Calibration, correction: Correction | null): Calibration {
  if (correction === null) return calibration
  const { slope, intercept } = correction
  return {
    ...calibration,
    version: `${calibration.version} x ${slope} ${intercept < 0 ? '-' : '+'} ${Math.abs(intercept)}`,
    intercept: intercept + slope * calibration.intercept,
    weights: Object.fromEntries(Object.entries(calibration.weights).map(([name, weight]) => [name, slope * weight])),
  }
}

/**
 * Slope and intercept that make what was said agree best with what came (Platt scaling on the bins' mean log-odds, with a
 * prior at no correction), within bounds; two decimals.
 */
export function fitCorrection(bins: readonly ReliabilityBin[]): Correction {
  let [slope, intercept] = [1, 0]
  for (let step = 0; step < STEPS; step++) {
    let [gradientA, gradientB] = [PRIOR_WEIGHT * intercept, PRIOR_WEIGHT * (slope - 1)]
    let [aa, ab, bb] = [PRIOR_WEIGHT, 0, PRIOR_WEIGHT]
    for (const bin of bins) {
      if (bin.predictions === 0) continue
      const x = logit(meanOf(bin))
      const p = 1 / (1 + Math.exp(-(intercept + slope * x)))
      const error = bin.predictions * p - bin.failed
      const bend = bin.predictions * p * (1 - p)
      gradientA += error
      gradientB += error * x
      aa += bend
      ab += bend * x
      bb += bend * x * x
    }
    const determinant = aa * bb - ab * ab
    intercept = clamp(intercept - (bb * gradientA - ab * gradientB) / determinant, BOUNDS.intercept)
    slope = clamp(slope - (aa * gradientB - ab * gradientA) / determinant, BOUNDS.slope)
  }
  return { slope: Number(slope.toFixed(2)), intercept: Number(intercept.toFixed(2)) }
}

/** Brier score of bins after a correction, each prediction taken at its bin's mean. */
export function brierOf(bins: readonly ReliabilityBin[], correction: Correction): number | null {
  let [sum, count] = [0, 0]
  for (const bin of bins) {
    if (bin.predictions === 0) continue
    const p = correctedProbability(meanOf(bin), correction)
    sum += bin.predictions * p * p - 2 * bin.failed * p + bin.failed
    count += bin.predictions
  }
  return count === 0 ? null : sum / count
}

const NONE: Correction = { slope: 1, intercept: 0 }
const countOf = (bins: readonly ReliabilityBin[]) => bins.reduce((sum, { predictions }) => sum + predictions, 0)
const figure = (value: number) => value.toFixed(4)
export const correctionInWords = (correction: Correction | null): string =>
  correction === null ? 'as shipped' : `log-odds x ${correction.slope}, ${correction.intercept} added`

export type Recalibration = { correction: Correction | null; reason: string }

/**
 * Whether the model is to be corrected by what became of its predictions: `null` where it stays as it is. `all` are the
 * outcomes of the last weeks, `since` those after the correction in force began: where it has not been better on them than
 * the shipped model, it is taken back.
 */
export function recalibrate(own: OwnCalibration, all: Tally, since: Tally): Recalibration | null {
  const bins = all.shipped?.bins ?? all.bins
  const enough = `${countOf(bins)} predictions and ${all.failures} failures`
  if (own.correction !== null && since.shipped !== undefined) {
    const count = countOf(since.bins)
    const [said, shipped] = [since.squaredErrorSum / count, since.shipped.squaredErrorSum / count]
    if (count >= MIN_PREDICTIONS && said >= shipped)
      return {
        correction: null,
        reason: `${correctionInWords(own.correction)} taken back: on ${count} later predictions its Brier score is ${figure(said)}, the shipped model's ${figure(shipped)}`,
      }
  }
  if (countOf(bins) < MIN_PREDICTIONS || all.failures < MIN_FAILURES) return null
  const correction = fitCorrection(bins)
  const [before, after] = [brierOf(bins, own.correction ?? NONE)!, brierOf(bins, correction)!]
  if (after > before * (1 - MIN_GAIN)) return null
  return {
    correction,
    reason: `${correctionInWords(own.correction)} becomes ${correctionInWords(correction)}: from ${enough} its Brier score would be ${figure(after)} instead of ${figure(before)}`,
  }
}
