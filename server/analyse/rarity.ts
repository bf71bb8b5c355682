/** Bins per doubling: a bin is 19 % wide. */
const BINS_PER_OCTAVE = 4

/** 24 doublings: from 2^-6 to 2^18 times the first size that was not zero. */
const BINS = 24 * BINS_PER_OCTAVE
const UNIT_BIN = BINS / 4

/** Beyond all that was seen the tail is taken to fall with the square, as heavy as those of resource usage are. */
const TAIL_EXPONENT = 2

/** After this many sizes (5.6 hours at 1 Hz) what came before counts half. */
const MEMORY = 20_000

/** How often sizes (not negative) occurred: a histogram on a logarithmic scale, 192 bytes. */
export type Rarity = {
  /** Counts of this one and its siblings; its own begin at `first`. */
  readonly counts: Uint16Array
  readonly first: number
  total: number
  /** The first size that was not zero; 0 until a size was not zero. */
  unit: number
  /** Highest bin with a count. */
  top: number
}

/** So many bytes of memory a rarity takes. */
export const RARITY_BYTES = BINS * Uint16Array.BYTES_PER_ELEMENT

/** So many empty ones, in a place of their own or in `memory` from `from` on. */
export function createRarities(howMany: number, memory = new ArrayBuffer(howMany * RARITY_BYTES), from = 0): Rarity[] {
  const counts = new Uint16Array(memory, from, howMany * BINS)
  return Array.from({ length: howMany }, (_, i) => ({ counts, first: i * BINS, total: 0, unit: 0, top: 0 }))
}

/** Takes `times` sizes of 0 into account where there was no other yet. */
export function countZeros(rarity: Rarity, times: number): void {
  const forgotten = Math.max(0, Math.floor((times - MEMORY / 2) / (MEMORY / 2))) * (MEMORY / 2)
  rarity.counts[rarity.first] = times - forgotten
  rarity.total = times - forgotten
}

/** Place of a size on the scale of bins, with fraction; 0 is the bin of no size at all. */
function placeOf(rarity: Rarity, size: number): number {
  if (size === 0) return 0
  return Math.max(1, Math.min(BINS - 1, UNIT_BIN + BINS_PER_OCTAVE * Math.log2(size / rarity.unit)))
}

/**
 * How rare it is to see a size as large as this, then takes it into account: -log10 of the share of sizes at least as
 * large, itself among them (a conformal p-value: 2 is one in a hundred), and more beyond the largest seen.
 */
export function rarityOf(rarity: Rarity, size: number): number {
  const unseen = rarity.unit === 0 && size > 0
  if (unseen) rarity.unit = size
  // After nothing but zeros any size is as far beyond as the scale goes.
  const place = unseen ? BINS - 1 : placeOf(rarity, size)
  const bin = Math.round(place)
  let atLeast = 1
  for (let i = bin; i <= rarity.top; i++) atLeast += rarity.counts[rarity.first + i]!
  const octavesBeyond = bin > rarity.top ? (place - rarity.top) / BINS_PER_OCTAVE : 0
  const rare = Math.log10((rarity.total + 1) / atLeast) + TAIL_EXPONENT * Math.log10(2) * octavesBeyond
  count(rarity, Math.round(placeOf(rarity, size)))
  return rare
}

function count(rarity: Rarity, bin: number): void {
  rarity.counts[rarity.first + bin]! += 1
  rarity.total += 1
  rarity.top = Math.max(rarity.top, bin)
  if (rarity.total >= MEMORY) forgetHalf(rarity)
}

/** Halves all counts; what was seen once is gone. */
function forgetHalf(rarity: Rarity): void {
  const { counts, first } = rarity
  rarity.total = 0
  rarity.top = 0
  for (let bin = 0; bin < BINS; bin++) {
    const left = counts[first + bin]! >> 1
    counts[first + bin] = left
    rarity.total += left
    if (left > 0) rarity.top = bin
  }
}
