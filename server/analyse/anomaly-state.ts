import { countZeros, createRarities, RARITY_BYTES, type Rarity } from './rarity.ts'
import { createSeason, SEASON_BYTES, type Season } from './season.ts'

/** One quantity at three paces: itself, a short and a longer mean, each by its departure from the usual. */
export type Watched = {
  usual: number
  quick: number
  slow: number
  readonly ofValue: Rarity
  readonly ofQuick: Rarity
  readonly ofSlow: Rarity
}

/** What a detector knows of a series that changes. */
export type Known = {
  readonly level: Watched
  readonly change: Watched
  readonly season: Season
  /** Short mean of the departures from the season. */
  offSeason: number
  readonly ofOffSeason: Rarity
  quietSteps: number
  /** How far beyond the bar the alarm was that began the quiet. */
  raisedBy: number
}

/** What a detector knows, at rest: one array, for the same in objects weighs half as much again. */
export type Packed = Float64Array

const RARITIES = 7
const SCALARS = 33
const COUNTS_FROM = SCALARS * Float64Array.BYTES_PER_ELEMENT
const SEASON_FROM = COUNTS_FROM + RARITIES * RARITY_BYTES

/** All detectors are worked on in the same place, one after the other. */
const bench = new Float64Array(Math.ceil((SEASON_FROM + SEASON_BYTES) / Float64Array.BYTES_PER_ELEMENT))
const [ofOffSeason, ...ofLevelAndChange] = createRarities(RARITIES, bench.buffer, COUNTS_FROM)

const watched = ([ofValue, ofQuick, ofSlow]: readonly Rarity[]): Watched => ({
  usual: 0,
  quick: 0,
  slow: 0,
  ofValue: ofValue!,
  ofQuick: ofQuick!,
  ofSlow: ofSlow!,
})

const known: Known = {
  level: watched(ofLevelAndChange.slice(0, 3)),
  change: watched(ofLevelAndChange.slice(3)),
  season: createSeason(bench.buffer, SEASON_FROM),
  offSeason: 0,
  ofOffSeason: ofOffSeason!,
  quietSteps: 0,
  raisedBy: 0,
}

const numbersOf = <Name extends string>(
  of: Record<Name, number>,
  ...names: Name[]
): [Record<string, number>, string][] => names.map((name) => [of, name])

/** What is no array, in the order in which it is packed. */
const scalars = [
  ...[known.level, known.change].flatMap((one) => numbersOf(one, 'usual', 'quick', 'slow')),
  ...[known.ofOffSeason, ...ofLevelAndChange].flatMap((rarity) => numbersOf(rarity, 'total', 'unit', 'top')),
  ...numbersOf(known.season, 'first', 'steps', 'lag'),
  ...numbersOf(known, 'offSeason', 'quietSteps', 'raisedBy'),
]

/** Writes the bench back to where it was unpacked from. */
export function pack(packed: Packed): void {
  for (let index = 0; index < SCALARS; index++) bench[index] = scalars[index]![0][scalars[index]![1]]!
  packed.set(bench)
}

/** Lays what is known on the bench. What is returned is good until the next one is unpacked. */
export function unpack(packed: Packed): Known {
  bench.set(packed)
  for (let index = 0; index < SCALARS; index++) scalars[index]![0][scalars[index]![1]] = bench[index]!
  return known
}

/** What is known after `steps` values that all were `value`, packed. */
export function packedOfConstant(value: number, steps: number): Packed {
  const packed: Packed = new Float64Array(bench.length)
  const { level, change, season } = unpack(packed)
  for (const rarity of ofLevelAndChange) countZeros(rarity, steps)
  Object.assign(level, { usual: value, quick: value, slow: value })
  Object.assign(change, { usual: 0, quick: 0, slow: 0 })
  Object.assign(season, { first: value, steps })
  pack(packed)
  return packed
}
