import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exceedanceProbability, isClimbing, timeToLimitMs } from './forecast.ts'
import { seededNormal, seriesOf } from './seeded-stand-in.ts'
import { fitLine } from './statistics.ts'

const ramp = (count: number, from: number, perSecond: number) =>
  Array.from({ length: count }, (_, second) => from + perSecond * second)

/** Any finite series: ordinary values, huge and tiny ones. */
const anyValues = fc.array(
  fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.double({ min: 0, max: 1e12, noNaN: true })),
  { maxLength: 80 },
)

describe('the probability to be above a threshold', () => {
  test('is half at the line itself, and certain to either side of a line without noise', () => {
    const noisy = seriesOf(ramp(60, 100, 1).map((value, second) => value + (second % 2 === 0 ? 5 : -5)))
    const line = fitLine(noisy)!
    const ahead = line.level + 10 * line.slopePerSecond
    expect(exceedanceProbability(noisy, ahead, 10_000)).toBeCloseTo(0.5, 2)
    const flat = seriesOf(ramp(60, 7, 0))
    expect(exceedanceProbability(flat, 7.5, 10_000)).toBe(0)
    expect(exceedanceProbability(flat, 7, 10_000)).toBe(1)
    expect(exceedanceProbability(seriesOf(ramp(9, 0, 1)), 5, 10_000)).toBeNull()
  })

  test('falls as the threshold rises, and stays within 0..1, for any finite series', () => {
    const threshold = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(
        anyValues,
        threshold,
        threshold,
        fc.integer({ min: 1_000, max: 120_000 }),
        (values, a, b, horizonMs) => {
          const series = seriesOf(values)
          const below = exceedanceProbability(series, Math.min(a, b), horizonMs)
          const above = exceedanceProbability(series, Math.max(a, b), horizonMs)
          expect(below === null).toBe(above === null)
          if (below === null || above === null) return
          expect(below >= above && below <= 1 && above >= 0).toBe(true)
        },
      ),
    )
  })
})

describe('the time to a limit', () => {
  test('is the distance by the slope: from 159 with 1 a second it is 41 s to 200', () => {
    expect(timeToLimitMs(seriesOf(ramp(60, 100, 1)), 200)).toBeCloseTo(41_000, 3)
  })

  test('is 0 where the limit is reached', () => {
    expect(timeToLimitMs(seriesOf(ramp(60, 100, 1)), 159)).toBe(0)
  })

  test('is unknown without a rise, with one that drowns in noise, or beyond an hour', () => {
    const normal = seededNormal(3)
    expect(timeToLimitMs(seriesOf(ramp(60, 100, 0)), 200)).toBeNull()
    expect(timeToLimitMs(seriesOf(ramp(60, 100, -1)), 200)).toBeNull()
    expect(timeToLimitMs(seriesOf(ramp(60, 100, 0.01).map((value) => value + 20 * normal())), 200)).toBeNull()
    expect(timeToLimitMs(seriesOf(ramp(60, 100, 0.01)), 200)).toBeNull()
    expect(timeToLimitMs(seriesOf(ramp(9, 100, 1)), 200)).toBeNull()
  })

  test('is never NaN or negative, for any finite series', () => {
    fc.assert(
      fc.property(anyValues, fc.double({ min: 1, max: 1e12, noNaN: true }), (values, limit) => {
        const left = timeToLimitMs(seriesOf(values), limit)
        if (left !== null) expect(left >= 0 && left <= 3_600_000).toBe(true)
      }),
    )
  })
})

describe('a series climbs', () => {
  test('where it rises all the time', () => expect(isClimbing(seriesOf(ramp(60, 0, 1)))).toBe(true))

  test('but not where it is flat, falls, or has too few points', () => {
    expect(isClimbing(seriesOf(ramp(60, 5, 0)))).toBe(false)
    expect(isClimbing(seriesOf(ramp(60, 90, -1)))).toBe(false)
    expect(isClimbing(seriesOf(ramp(9, 0, 1)))).toBe(false)
  })

  test('nor where a warm-up has flattened out, or a sawtooth has just fallen', () => {
    const warmedUp = Array.from({ length: 60 }, (_, second) => 100 * (1 - Math.exp(-second / 8)))
    expect(isClimbing(seriesOf(warmedUp))).toBe(false)
    expect(isClimbing(seriesOf([...ramp(50, 0, 1), ...ramp(10, 20, -0.5)]))).toBe(false)
  })
})
