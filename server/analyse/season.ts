/** Longest and shortest season looked for, in steps: just over a day (288) of five-minute values, ten seconds at 1 Hz. */
const LONGEST = 290
const SHORTEST = 10

/** How long the errors of the lags are remembered, in steps. */
const MEMORY = 2_000

/** A lag is a season when the error falls to this share of the largest error of a shorter lag: the series comes back. */
const COMES_BACK = 0.5

/** A multiple of the season may by chance repeat it a little better. */
const ABOUT_AS_WELL = 1.1

/** The season is looked for anew once in so many steps. */
const LOOK_EVERY = 50

/** What is known of a series' season: the values of the longest one and the error of repeating the value of each lag. */
export type Season = {
  /** Newest values relative to the first, so that 32 bits are enough; a ring. */
  readonly values: Float32Array
  /** Mean absolute error of each lag. */
  readonly errors: Float32Array
  first: number
  steps: number
  /** The season in steps; 0 where none shows itself. */
  lag: number
}

/** So many bytes of memory a season takes. */
export const SEASON_BYTES = (2 * LONGEST + 1) * Float32Array.BYTES_PER_ELEMENT

/** One that has seen nothing yet, in a place of its own or in `memory` from `from` on. */
export function createSeason(memory = new ArrayBuffer(SEASON_BYTES), from = 0): Season {
  const values = new Float32Array(memory, from, LONGEST)
  const errors = new Float32Array(memory, from + values.byteLength, LONGEST + 1)
  return { values, errors, first: 0, steps: 0, lag: 0 }
}

/**
 * How far a value is from the one a season ago (the nearest of it and its neighbours, for seasons are not exact to the
 * step); 0 where no season is known. Takes the value into account; about 300 subtractions.
 */
export function departureFromSeason(season: Season, value: number): number {
  const { values, errors, steps } = season
  if (steps === 0) season.first = value
  const current = Math.fround(value - season.first)
  const place = steps % LONGEST
  const known = Math.min(steps, LONGEST)
  const settled = steps >= MEMORY + LONGEST
  for (let lag = 1; lag <= known; lag++) {
    const index = place - lag
    const error = Math.abs(current - values[index < 0 ? index + LONGEST : index]!)
    errors[lag]! += (error - errors[lag]!) * (settled ? 1 / MEMORY : 1 / Math.min(steps - lag + 1, MEMORY))
  }
  const departure = season.lag === 0 ? 0 : nearestAgo(season, current, place)
  values[place] = current
  season.steps += 1
  if (season.steps % LOOK_EVERY === 0) season.lag = findLag(season)
  return departure
}

function nearestAgo(season: Season, current: number, place: number): number {
  let nearest = Infinity
  for (let lag = season.lag - 1; lag <= season.lag + 1; lag++) {
    const ago = season.values[(place - Math.min(lag, LONGEST) + LONGEST) % LONGEST]!
    nearest = Math.min(nearest, Math.abs(current - ago))
  }
  return nearest
}

/**
 * The shortest lag at which the series comes back about as well as it ever does, looked for once two of it have passed;
 * 0 for none, and while the error still falls at the longest lag.
 */
function findLag(season: Season): number {
  const { errors } = season
  const limit = Math.min(LONGEST, Math.floor(season.steps / 2))
  let least = Infinity
  let largest = 0
  for (let lag = 1; lag <= limit; lag++) {
    if (lag >= SHORTEST && errors[lag]! < COMES_BACK * largest) least = Math.min(least, errors[lag]!)
    largest = Math.max(largest, errors[lag]!)
  }
  let lag = 1
  largest = 0
  while (lag < limit) {
    const error = errors[lag]!
    if (lag >= SHORTEST && error < COMES_BACK * largest && error <= ABOUT_AS_WELL * least) break
    largest = Math.max(largest, error)
    lag += 1
  }
  while (lag < limit && errors[lag + 1]! < errors[lag]!) lag += 1
  return lag < limit ? lag : 0
}
