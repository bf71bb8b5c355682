import {
  type Correction,
  RELIABILITY_BINS,
  type ReliabilityBin,
  type Scoreboard,
  type Tally,
} from '../contracts/scoreboard.ts'
import { shippedProbability } from './recalibrate.ts'

/** One prediction a container and so long: neighbours in time say the same. */
const PREDICTION_EVERY_MS = 10_000

/** A light that turned critical later than this before a failure warned nobody. */
const WARNED_FROM_MS = 5_000

/** An `oom`, the end that it causes and the loop that it is part of are one failure. */
const SAME_FAILURE_MS = 5_000

const LEAD_TIMES_KEPT = 500

/** `shipped` is what the model without its own correction would have said. */
type Prediction = { atMs: number; probability: number; shipped: number }

/** What of one container is not judged yet. */
export type Unjudged = {
  predictions: Prediction[]
  criticalSinceMs: number | null
  /** A critical light that went out: false, if no failure comes within the horizon. */
  warnedUntilMs: number | null
  failedAtMs: number
}

/** Nothing to judge yet. */
export function nothingUnjudged(): Unjudged {
  return { predictions: [], criticalSinceMs: null, warnedUntilMs: null, failedAtMs: Number.NEGATIVE_INFINITY }
}

type Judged = { bins: ReliabilityBin[]; squaredErrorSum: number }

const nothingJudged = (): Judged => ({
  bins: Array.from({ length: RELIABILITY_BINS }, () => ({ predictions: 0, probabilitySum: 0, failed: 0 })),
  squaredErrorSum: 0,
})

/** A tally of nothing. */
export function emptyTally(): Tally {
  return {
    ...nothingJudged(),
    failures: 0,
    foreseen: 0,
    leadTimesMs: [],
    warningsBorneOut: 0,
    warningsFalse: 0,
    warningsCutShort: 0,
  }
}

const addJudged = (a: Judged, b: Judged): Judged => ({
  bins: a.bins.map((bin, index) => ({
    predictions: bin.predictions + b.bins[index]!.predictions,
    probabilitySum: bin.probabilitySum + b.bins[index]!.probabilitySum,
    failed: bin.failed + b.bins[index]!.failed,
  })),
  squaredErrorSum: a.squaredErrorSum + b.squaredErrorSum,
})

/** The tally of two periods together, the later one second. */
export function addTallies(a: Tally, b: Tally): Tally {
  const differs = a.shipped !== undefined || b.shipped !== undefined
  return {
    ...addJudged(a, b),
    ...(differs ? { shipped: addJudged(a.shipped ?? a, b.shipped ?? b) } : {}),
    failures: a.failures + b.failures,
    foreseen: a.foreseen + b.foreseen,
    leadTimesMs: [...a.leadTimesMs, ...b.leadTimesMs].slice(-LEAD_TIMES_KEPT),
    warningsBorneOut: a.warningsBorneOut + b.warningsBorneOut,
    warningsFalse: a.warningsFalse + b.warningsFalse,
    warningsCutShort: a.warningsCutShort + b.warningsCutShort,
  }
}

function judge(tally: Tally, { probability, shipped }: Prediction, failed: 0 | 1): void {
  if (shipped !== probability)
    tally.shipped ??= structuredClone({ bins: tally.bins, squaredErrorSum: tally.squaredErrorSum })
  if (tally.shipped !== undefined) count(tally.shipped, shipped, failed)
  count(tally, probability, failed)
}

function count(judged: Judged, probability: number, failed: 0 | 1): void {
  const bin = judged.bins[Math.min(RELIABILITY_BINS - 1, Math.floor(probability * RELIABILITY_BINS))]!
  bin.predictions += 1
  bin.probabilitySum += probability
  bin.failed += failed
  judged.squaredErrorSum += (probability - failed) ** 2
}

/**
 * Takes what is thought of a container at `atMs`, and judges what is a horizon old: nothing came, so it was wrong. Changes
 * both. A probability of `null` (not evaluated) is no prediction.
 */
export function predicted(
  unjudged: Unjudged,
  tally: Tally,
  now: {
    atMs: number
    probability: number | null
    critical: boolean
    horizonMs: number
    correction?: Correction | null
  },
): void {
  const { atMs, probability, critical, horizonMs, correction = null } = now
  const { predictions } = unjudged
  while (predictions.length > 0 && atMs - predictions[0]!.atMs > horizonMs) judge(tally, predictions.shift()!, 0)
  if (unjudged.warnedUntilMs !== null && atMs - unjudged.warnedUntilMs > horizonMs) {
    tally.warningsFalse += 1
    unjudged.warnedUntilMs = null
  }
  if (critical) unjudged.criticalSinceMs ??= atMs
  else if (unjudged.criticalSinceMs !== null) {
    unjudged.criticalSinceMs = null
    unjudged.warnedUntilMs = atMs
  }
  const newest = predictions.at(-1)
  if (probability !== null && (newest === undefined || atMs - newest.atMs >= PREDICTION_EVERY_MS))
    predictions.push({
      atMs,
      probability,
      shipped: correction === null ? probability : shippedProbability(probability, correction),
    })
}

/** A container failed at `atMs`: what was said within the horizon before was right so far as it was said. Changes both. */
export function failed(unjudged: Unjudged, tally: Tally, atMs: number, horizonMs: number): void {
  if (Math.abs(atMs - unjudged.failedAtMs) < SAME_FAILURE_MS) return
  unjudged.failedAtMs = atMs
  tally.failures += 1
  for (const prediction of unjudged.predictions) judge(tally, prediction, atMs - prediction.atMs <= horizonMs ? 1 : 0)
  const { criticalSinceMs, warnedUntilMs } = unjudged
  if (criticalSinceMs !== null && atMs - criticalSinceMs >= WARNED_FROM_MS) {
    tally.foreseen += 1
    tally.leadTimesMs.push(atMs - criticalSinceMs)
    if (tally.leadTimesMs.length > LEAD_TIMES_KEPT) tally.leadTimesMs.shift()
  }
  if (criticalSinceMs !== null || (warnedUntilMs !== null && atMs - warnedUntilMs <= horizonMs))
    tally.warningsBorneOut += 1
  forget(unjudged)
}

/** Somebody stopped or restarted the container, or it is gone: what would have come nobody knows. Changes both. */
export function cutShort(unjudged: Unjudged, tally: Tally): void {
  if (unjudged.criticalSinceMs !== null || unjudged.warnedUntilMs !== null) tally.warningsCutShort += 1
  forget(unjudged)
}

function forget(unjudged: Unjudged): void {
  unjudged.predictions.length = 0
  unjudged.criticalSinceMs = null
  unjudged.warnedUntilMs = null
}

const share = (part: number, whole: number) => (whole === 0 ? null : part / whole)

/**
 * The figures of a tally. Brier score: mean of (p - outcome)^2. Expected calibration error: mean over the predictions of
 * |mean probability - share that failed| of their bin (Naeini et al., AAAI 2015).
 */
export function scoreboardOf(tally: Tally, period: { since: string | null; horizonMs: number }): Scoreboard {
  const { bins, failures, foreseen, warningsBorneOut, warningsFalse, warningsCutShort } = tally
  const predictions = bins.reduce((sum, bin) => sum + bin.predictions, 0)
  const came = bins.reduce((sum, bin) => sum + bin.failed, 0)
  const brier = share(tally.squaredErrorSum, predictions)
  const baseRate = share(came, predictions) ?? 0
  const uncertainty = baseRate * (1 - baseRate)
  const leadTimes = tally.leadTimesMs.toSorted((a, b) => a - b)
  return {
    ...period,
    shippedBrier: share((tally.shipped ?? tally).squaredErrorSum, predictions),
    predictions,
    brier,
    brierSkill: brier === null || uncertainty === 0 ? null : 1 - brier / uncertainty,
    expectedCalibrationError: share(
      bins.reduce((sum, bin) => sum + Math.abs(bin.probabilitySum - bin.failed), 0),
      predictions,
    ),
    failures,
    foreseen,
    recall: share(foreseen, failures),
    warningsBorneOut,
    warningsFalse,
    warningsCutShort,
    precision: share(warningsBorneOut, warningsBorneOut + warningsFalse),
    medianLeadTimeMs: leadTimes[Math.floor(leadTimes.length / 2)] ?? null,
    bins: bins.map((bin, index) => ({
      from: index / RELIABILITY_BINS,
      to: (index + 1) / RELIABILITY_BINS,
      predictions: bin.predictions,
      meanProbability: share(bin.probabilitySum, bin.predictions),
      failedShare: share(bin.failed, bin.predictions),
    })),
  }
}
