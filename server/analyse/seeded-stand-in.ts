import { append, createSeries, type Series } from './series.ts'

/** mulberry32: uniform numbers in [0, 1) that the seed decides. */
export function seededUniform(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Standard normal numbers by Box and Muller. */
export function seededNormal(seed: number): () => number {
  const uniform = seededUniform(seed)
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** Values one second apart as a series. */
export function seriesOf(values: readonly number[], capacity = 60): Series {
  const series = createSeries(capacity)
  values.forEach((value, second) => {
    append(series, second * 1000, value)
  })
  return series
}
