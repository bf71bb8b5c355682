import { append, clear, createSeries, indexOfAge, replaceNewest, type Series, timeAt } from './series.ts'

/**
 * The highs of a quantity that has a limit: points at which it was higher than ever in the last minutes. A leak goes on
 * making them, whether evenly, in steps or under the teeth of a garbage collector; a sawtooth and a plateau do not.
 */
export type Climb = {
  /** The newest highs, at least `HIGH_EVERY_MS` apart and each `MIN_STEP_SHARE` of the limit above the one before. */
  highs: Series
  /** The first value of this life. */
  beganAtMs: number
}

/** Noise makes new highs, too; each must be so much higher than the last, as a share of the limit. */
const MIN_STEP_SHARE = 0.004
const HIGH_EVERY_MS = 2_000
/** Highs that are older are forgotten: what was then is not what will be. */
const FORGET_MS = 600_000
/** So many highs are kept: a quarter of the limit at the least, or two minutes of the steepest climb. */
const CAPACITY = 64
/** Two highs further apart than this belong to two climbs. */
const APART_MS = 60_000
/** A pause is no longer than the pauses before it, but for so much. */
const PAUSE_SHARE = 1.5
const PAUSE_MS = 2_500
/** In a younger life everything rises. */
const YOUNG_MS = 30_000
/** So many of its last pauses say whether it rests. */
const RESTS_AFTER = 3

/** Without highs yet. `capacity` is how many are kept. */
export function createClimb(capacity = CAPACITY): Climb {
  return { highs: createSeries(capacity), beganAtMs: Number.NaN }
}

/** Forgets everything: a new life. */
export function clearClimb(climb: Climb): void {
  clear(climb.highs)
  climb.beganAtMs = Number.NaN
}

/** Takes a value; times go forward. */
export function climbTo(climb: Climb, atMs: number, value: number, limit: number): void {
  const { highs } = climb
  if (Number.isNaN(climb.beganAtMs)) climb.beganAtMs = atMs
  if (highs.length > 0) {
    if (atMs - highs.newestAtMs > FORGET_MS) clear(highs)
    else if (value < highs.values[indexOfAge(highs, 0)]! + MIN_STEP_SHARE * limit) return
    else if (highs.length > 1 && highs.newestAtMs - timeAt(highs, indexOfAge(highs, 1)) < HIGH_EVERY_MS) {
      replaceNewest(highs, atMs, value)
      return
    }
  }
  append(highs, atMs, value)
}

/**
 * How fast the highs have grown over the last `spanMs`, per second, pauses included: 0 where there is no earlier high to
 * compare with, or where the life is too young to tell a pace from a start.
 */
export function climbRate(climb: Climb, nowMs: number, spanMs: number): number {
  const { highs } = climb
  const span = Math.min(spanMs, nowMs - climb.beganAtMs)
  if (highs.length < 2 || !(span >= Math.min(spanMs, YOUNG_MS))) return 0
  const top = highs.values[indexOfAge(highs, 0)]!
  for (let age = 0; age < highs.length; age++) {
    const index = indexOfAge(highs, age)
    if (nowMs - timeAt(highs, index) < span) continue
    return (1000 * (top - highs.values[index]!)) / span
  }
  const oldest = indexOfAge(highs, highs.length - 1)
  const elapsed = nowMs - timeAt(highs, oldest)
  return elapsed <= 0 ? 0 : (1000 * (top - highs.values[oldest]!)) / Math.max(elapsed, span / 2)
}

/**
 * Whether the climb still goes on, 0..1: 1 while the time since the last high is within what its pauses have been, 0 at
 * twice that. `among` is how many of its last pauses count.
 */
export function goingOn(climb: Climb, nowMs: number, among: number): number {
  const { highs } = climb
  if (highs.length < 3) return 0
  let longest = 0
  for (let age = 0; age < Math.min(among, highs.length - 1); age++) {
    const gap = timeAt(highs, indexOfAge(highs, age)) - timeAt(highs, indexOfAge(highs, age + 1))
    if (gap > APART_MS) break
    longest = Math.max(longest, gap)
  }
  const pause = nowMs - highs.newestAtMs
  const allowed = PAUSE_SHARE * longest + PAUSE_MS
  return Math.max(0, Math.min(1, 2 - pause / allowed))
}

/** The highest value, where the climb to it is over; 0 where it goes on or there was none. */
export function restLevel(climb: Climb, nowMs: number): number {
  const { highs } = climb
  return highs.length === 0 || goingOn(climb, nowMs, RESTS_AFTER) > 0 ? 0 : highs.values[indexOfAge(highs, 0)]!
}

/** The newest high that was there at a time; `null` where the climb had not begun. */
function highAt(climb: Climb, atMs: number): number | null {
  const { highs } = climb
  for (let age = 0; age < highs.length; age++) {
    const index = indexOfAge(highs, age)
    if (timeAt(highs, index) <= atMs) return highs.values[index]!
  }
  return null
}

/**
 * How much higher a climb that slows down still gets if it goes on slowing down as it did from one span to the next (a
 * geometric series); infinite where it does not slow down, or is too young to tell.
 */
export function leftToRise(climb: Climb, nowMs: number, spanMs: number): number {
  const [top, middle, bottom] = [highAt(climb, nowMs), highAt(climb, nowMs - spanMs), highAt(climb, nowMs - 2 * spanMs)]
  if (top === null || middle === null || bottom === null) return Number.POSITIVE_INFINITY
  const [before, lately] = [middle - bottom, top - middle]
  return lately >= before ? Number.POSITIVE_INFINITY : (lately * lately) / (before - lately)
}
