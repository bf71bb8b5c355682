import { type Known, type Packed, pack, packedOfConstant, unpack, type Watched } from './anomaly-state.ts'
import { rarityOf } from './rarity.ts'
import { departureFromSeason } from './season.ts'

/** What can be chosen, all in steps of the series or in orders of magnitude of rarity. */
export type AnomalyTuning = {
  /** Steps over which the short and the longer mean follow. */
  quickSteps: number
  slowSteps: number
  /** Mean rarity from which the level, and that of the changes, is an alarm: 2 is one in a hundred at every pace. */
  alarmLevel: number
  alarmChange: number
  /** The same for the short mean of the departures from the season: 3 is one in a thousand. */
  alarmSeason: number
  /** After an alarm the series is not heard of again for so long … */
  quietSteps: number
  /** … but for something this many times as rare. */
  breakThrough: number
}

/** Round figures from the plateau that `scripts/tune-anomaly.ts` shows, which leaves each category out in turn. */
export const SHIPPED_TUNING: AnomalyTuning = {
  quickSteps: 10,
  slowSteps: 30,
  alarmLevel: 2,
  alarmChange: 2.2,
  alarmSeason: 3,
  quietSteps: 100,
  breakThrough: 1.5,
}

/** From this score on it is an alarm: one threshold shipped for all. */
export const ANOMALY_ALARM_FROM = 0.5

/** With fewer values than a minute's at 1 Hz everything is new. */
const WARM_UP_STEPS = 60

/** The usual follows over at most this many steps: 5.6 hours at 1 Hz. */
const USUAL_STEPS = 20_000

/**
 * The bar rises by an order with every order of steps watched between these two (83 minutes and 28 hours at 1 Hz), so
 * that alarms on a calm series become rarer the longer it was watched.
 */
const BAR_RISES_FROM_STEP = 5_000
const BAR_RISES_TO_STEP = 100_000

/** So many departures from the season are seen before one counts as rare. */
const SEASON_WARM_UP_STEPS = 300

/** A departure below this share of the level is rounding. */
const ROUNDING = 1e-9

/** What a detector knows of its series: fixed memory, less than 4 KiB. */
export type AnomalyDetector = {
  readonly tuning: AnomalyTuning
  steps: number
  last: number
  /** `null` while all values are the same: then there is nothing else to know. */
  packed: Packed | null
}

/** A detector that has seen nothing yet. */
export function createAnomalyDetector(tuning = SHIPPED_TUNING): AnomalyDetector {
  return { tuning, steps: 0, last: 0, packed: null }
}

/** Mean rarity of a quantity's departures from the usual at its three paces; takes the value into account. */
function departure(watched: Watched, value: number, rounding: number, detector: AnomalyDetector): number {
  const { steps, tuning } = detector
  watched.quick += (value - watched.quick) / Math.min(steps, tuning.quickSteps)
  watched.slow += (value - watched.slow) / Math.min(steps, tuning.slowSteps)
  const rarity =
    rarityOf(watched.ofValue, size(value - watched.usual, rounding)) +
    rarityOf(watched.ofQuick, size(watched.quick - watched.usual, rounding)) +
    rarityOf(watched.ofSlow, size(watched.slow - watched.usual, rounding))
  watched.usual += (value - watched.usual) / Math.min(steps, USUAL_STEPS)
  return rarity / 3
}

/** Rarity of the short mean of departures from the season; 0 where no season is known. Takes the value into account. */
function departureInSeason(known: Known, value: number, rounding: number, tuning: AnomalyTuning): number {
  const { season, ofOffSeason } = known
  const departed = departureFromSeason(season, value)
  if (season.lag === 0) return 0
  known.offSeason += (departed - known.offSeason) / tuning.quickSteps
  const rarity = rarityOf(ofOffSeason, size(known.offSeason, rounding))
  return ofOffSeason.total > SEASON_WARM_UP_STEPS ? rarity : 0
}

function size(difference: number, rounding: number): number {
  const absolute = Math.abs(difference)
  return absolute > rounding ? absolute : 0
}

/**
 * Takes the next step's value and returns its anomaly score in 0..1, made from it and earlier values only. A value that
 * is not a number carries the last one forward.
 *
 * The level and the size of the changes are compared with what they usually are, now and over a short and a longer
 * mean, and ranked among their own past departures (Laxhammar's conformal anomaly detection): steps, drifts and spikes
 * show in the level; noise that grows, and flat lines, in the changes; a season is silent once it was seen, and what
 * breaks it shows in the departures from the value one season ago. The mean of three ranks asks for departures that are
 * both rare and lasting, or beyond all seen. The score is rarity / (rarity + bar); after an alarm it is halved for a
 * while, so that one happening raises one alarm.
 */
export function anomalyScore(detector: AnomalyDetector, value: number): number {
  const current = Number.isFinite(value) ? value : detector.last
  if (detector.steps === 0) {
    if (current !== value) return 0
    detector.last = current
  }
  if (detector.packed === null && current === detector.last) {
    detector.steps += 1
    return 0
  }
  detector.packed ??= packedOfConstant(detector.last, detector.steps)
  const known = unpack(detector.packed)
  const score = scoreOf(detector, known, current)
  pack(detector.packed)
  return score
}

/** The score of a value by what is known, which then knows it, too. */
function scoreOf(detector: AnomalyDetector, known: Known, current: number): number {
  const { tuning } = detector
  const { level, change } = known
  detector.steps += 1
  const rounding = ROUNDING * Math.abs(level.usual)
  const ofLevel = departure(level, current, rounding, detector)
  const ofChange = departure(change, Math.abs(current - detector.last), rounding, detector)
  const ofSeason = departureInSeason(known, current, rounding, tuning)
  detector.last = current
  if (detector.steps < WARM_UP_STEPS) return 0
  const watched = Math.max(BAR_RISES_FROM_STEP, Math.min(BAR_RISES_TO_STEP, detector.steps))
  const rise = Math.log10(watched / BAR_RISES_FROM_STEP)
  const bars = Math.max(
    ofLevel / (tuning.alarmLevel + rise),
    ofChange / (tuning.alarmChange + rise),
    ofSeason / (tuning.alarmSeason + rise),
  )
  return heard(known, bars, tuning)
}

/** The score of a rarity given in bars, with alarms suppressed after an alarm. */
function heard(known: Known, bars: number, tuning: AnomalyTuning): number {
  const score = bars / (1 + bars)
  if (known.quietSteps > 0) {
    known.quietSteps -= 1
    if (bars < known.raisedBy * tuning.breakThrough) return score / 2
  }
  if (bars >= 1) {
    known.quietSteps = tuning.quietSteps
    known.raisedBy = bars
  }
  return score
}
