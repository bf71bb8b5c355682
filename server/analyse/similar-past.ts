import { type Floats, type History, isKept, valueAt } from './forecast-history.ts'
import { insertSorted, quantileOfSorted } from './simple-forecasts.ts'

/** Forecasts `writeSimilarForecasts` makes. */
export const SIMILAR_FORECASTS = 9

/** Seasons of every length in this range are looked at. Shorter ones have no value ten steps ahead yet. */
const MIN_SEASON = 11
const MAX_SEASON = 120

/** And the calendar's: a day of ten minutes, a week of hours, a day of five minutes, a week of half-hours. */
const CALENDAR_SEASONS = [144, 168, 288, 336] as const

const EVERY_LENGTH = MAX_SEASON - MIN_SEASON + 1
const SEASONS = EVERY_LENGTH + CALENDAR_SEASONS.length

/** A season's error is remembered about 100 steps, and trusted after 30. */
const ERROR_SHARE = 0.01
const TRUSTED_AFTER = 30

/** Places in the past are alike where the newest 3 or the newest 8 values were; the best 7 of 110 places count. */
const SHORT_PATTERN = 3
const LONG_PATTERN = 8
const BEST_PLACES = 7

/** How well each season's length foretold the values so far. */
export type Seasons = {
  /** Exponentially weighted mean of |value − value one season before| per length. */
  readonly errors: Float32Array
  /** The three best lengths. */
  readonly best: Float32Array
}

export function createSeasons(floats: Floats): Seasons {
  return { errors: floats(SEASONS), best: floats(3).fill(MIN_SEASON) }
}

function seasonLength(index: number): number {
  return index < EVERY_LENGTH ? MIN_SEASON + index : CALENDAR_SEASONS[index - EVERY_LENGTH]!
}

/** Takes the newest value and finds the three season lengths with the least recent error. */
export function updateSeasons(seasons: Seasons, history: History, recent: Float64Array): void {
  const { errors, best } = seasons
  const value = recent[0]!
  let first = Number.POSITIVE_INFINITY
  let second = first
  let third = first
  for (let index = 0; index < SEASONS; index++) {
    const length = seasonLength(index)
    const seen = history.count - length
    if (seen <= 0) break
    const before = length <= MAX_SEASON ? recent[length]! : valueAt(history, length)
    const error = errors[index]! + Math.max(ERROR_SHARE, 1 / seen) * (Math.abs(value - before) - errors[index]!)
    errors[index] = error
    if (seen < TRUSTED_AFTER || error >= third) continue
    if (error < first) {
      third = second
      second = first
      first = error
      best[2] = best[1]!
      best[1] = best[0]!
      best[0] = length
    } else if (error < second) {
      third = second
      second = error
      best[2] = best[1]!
      best[1] = length
    } else {
      third = error
      best[2] = length
    }
  }
}

/** Takes `times` more of a value that all those kept have. */
export function updateSeasonsSame({ errors }: Seasons, times: number): void {
  const kept = (1 - ERROR_SHARE) ** times
  for (let index = 0; index < SEASONS; index++) errors[index] = kept * errors[index]!
}

const shortDistances = new Float64Array(BEST_PLACES)
const longDistances = new Float64Array(BEST_PLACES)
const shortPlaces = new Uint16Array(BEST_PLACES)
const longPlaces = new Uint16Array(BEST_PLACES)
const followers = new Float64Array(BEST_PLACES)

function keepIfBest(distances: Float64Array, places: Uint16Array, distance: number, place: number): void {
  if (distance >= distances[BEST_PLACES - 1]!) return
  let rank = BEST_PLACES - 1
  while (rank > 0 && distances[rank - 1]! > distance) {
    distances[rank] = distances[rank - 1]!
    places[rank] = places[rank - 1]!
    rank--
  }
  distances[rank] = distance
  places[rank] = place
}

function findAlike(recent: Float64Array, lastPlace: number): void {
  shortDistances.fill(Number.POSITIVE_INFINITY)
  longDistances.fill(Number.POSITIVE_INFINITY)
  for (let place = MIN_SEASON; place <= lastPlace; place++) {
    let distance = 0
    for (let age = 0; age < SHORT_PATTERN; age++) distance += Math.abs(recent[age]! - recent[age + place]!)
    keepIfBest(shortDistances, shortPlaces, distance, place)
    if (distance >= longDistances[BEST_PLACES - 1]!) continue
    for (let age = SHORT_PATTERN; age < LONG_PATTERN; age++) distance += Math.abs(recent[age]! - recent[age + place]!)
    keepIfBest(longDistances, longPlaces, distance, place)
  }
}

/** Median of what followed at the places. */
function medianFollower(recent: Float64Array, places: Uint16Array, count: number, stepsAhead: number): number {
  for (let rank = 0; rank < count; rank++) insertSorted(followers, rank, recent[places[rank]! - stepsAhead]!)
  return count === 0 ? recent[0]! : quantileOfSorted(followers, count, 0.5)
}

/** The newest value and the median of the changes that followed at the places. */
function medianChange(recent: Float64Array, places: Uint16Array, count: number, stepsAhead: number): number {
  for (let rank = 0; rank < count; rank++) {
    const place = places[rank]!
    insertSorted(followers, rank, recent[place - stepsAhead]! - recent[place]!)
  }
  return count === 0 ? recent[0]! : recent[0]! + quantileOfSorted(followers, count, 0.5)
}

/** Mean of what followed at the places. */
function meanFollower(recent: Float64Array, places: Uint16Array, count: number, stepsAhead: number): number {
  let difference = 0
  for (let rank = 0; rank < count; rank++) difference += recent[places[rank]! - stepsAhead]! - recent[0]!
  return count === 0 ? recent[0]! : recent[0]! + difference / count
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}

/**
 * Writes the 9 forecasts that look for the present in the past into `forecasts`, starting at `from`: four from the
 * value one season ago, five from what followed where the newest values looked alike (method of analogues, Lorenz 1969).
 */
export function writeSimilarForecasts(
  seasons: Seasons,
  history: History,
  recent: Float64Array,
  stepsAhead: number,
  forecasts: Float64Array,
  from: number,
): void {
  const length = seasons.best[0]!
  const first = valueAt(history, length - stepsAhead)
  const second = valueAt(history, seasons.best[1]! - stepsAhead)
  const third = valueAt(history, seasons.best[2]! - stepsAhead)
  const twoAgo = 2 * length - stepsAhead
  forecasts[from] = first
  forecasts[from + 1] = second
  forecasts[from + 2] = medianOfThree(first, second, third)
  forecasts[from + 3] = isKept(history, twoAgo) ? first + (valueAt(history, twoAgo) - first) / 2 : first

  const lastPlace = Math.min(MAX_SEASON, history.count - LONG_PATTERN)
  const places = Math.max(0, Math.min(BEST_PLACES, lastPlace - MIN_SEASON + 1))
  findAlike(recent, lastPlace)
  forecasts[from + 4] = meanFollower(recent, shortPlaces, places, stepsAhead)
  forecasts[from + 5] = medianFollower(recent, shortPlaces, places, stepsAhead)
  forecasts[from + 6] = medianChange(recent, shortPlaces, places, stepsAhead)
  forecasts[from + 7] = medianFollower(recent, longPlaces, places, stepsAhead)
  forecasts[from + 8] = medianChange(recent, longPlaces, places, stepsAhead)
}
