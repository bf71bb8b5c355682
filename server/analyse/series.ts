/** One minute at 1 Hz. */
export const WINDOW_SAMPLES = 60

/**
 * The newest values of one quantity with their times, in a ring: fixed memory, no allocation per sample. Values are kept in
 * single precision, which holds whole pages of memory up to 64 GiB.
 */
export type Series = {
  /** The times' low 32 bits: of the newest the whole is known, and no series is 49 days long. */
  readonly timeBits: Uint32Array
  newestAtMs: number
  readonly values: Float32Array
  /** How many of the ring's places are filled. */
  length: number
  /** Where the next value goes. */
  next: number
}

/** An empty series of at most `capacity` values. */
export function createSeries(capacity = WINDOW_SAMPLES): Series {
  // One piece of memory for both: an array's own overhead is a quarter of a minute's values.
  const memory = new ArrayBuffer(2 * capacity * Float32Array.BYTES_PER_ELEMENT)
  const values = new Float32Array(memory, capacity * Float32Array.BYTES_PER_ELEMENT)
  return { timeBits: new Uint32Array(memory, 0, capacity), newestAtMs: 0, values, length: 0, next: 0 }
}

/** Adds a value and lets the oldest go. Time must go forward: a value not newer than the newest is ignored. */
export function append(series: Series, atMs: number, value: number): void {
  const capacity = series.values.length
  if (series.length > 0 && atMs <= series.newestAtMs) return
  series.timeBits[series.next] = atMs
  series.newestAtMs = atMs
  series.values[series.next] = value
  series.next = (series.next + 1) % capacity
  if (series.length < capacity) series.length += 1
}

/** Place in the ring of the value `age` steps before the newest (0 is the newest). */
export function indexOfAge(series: Series, age: number): number {
  const capacity = series.values.length
  return (series.next - 1 - age + 2 * capacity) % capacity
}

/** The time at a place of the ring, epoch milliseconds. */
export function timeAt(series: Series, index: number): number {
  return series.newestAtMs - ((series.newestAtMs - series.timeBits[index]!) >>> 0)
}

/** Puts another time and value in the newest one's place. */
export function replaceNewest(series: Series, atMs: number, value: number): void {
  const newest = indexOfAge(series, 0)
  series.timeBits[newest] = atMs
  series.newestAtMs = atMs
  series.values[newest] = value
}

/** Forgets everything, keeping the memory. */
export function clear(series: Series): void {
  series.length = 0
  series.next = 0
}
