import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exceedanceOfLine, surestRise, timeToLimit } from './forecast.ts'
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
  const lineOf = (values: number[]) => fitLine(seriesOf(values))!

  test('is half at the line itself, and certain to either side of a line without noise', () => {
    const noisy = lineOf(ramp(60, 100, 1).map((value, second) => value + (second % 2 === 0 ? 5 : -5)))
    const ahead = noisy.level + 10 * noisy.slopePerSecond
    expect(exceedanceOfLine(noisy, ahead, 10_000)).toBeCloseTo(0.5, 2)
    expect(exceedanceOfLine(lineOf(ramp(60, 7, 0)), 7.5, 10_000)).toBe(0)
    expect(exceedanceOfLine(lineOf(ramp(60, 7, 0)), 7, 10_000)).toBe(1)
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
          const line = fitLine(seriesOf(values))
          if (line === null) return
          const below = exceedanceOfLine(line, Math.min(a, b), horizonMs)
          const above = exceedanceOfLine(line, Math.max(a, b), horizonMs)
          expect(below >= above && below <= 1 && above >= 0).toBe(true)
        },
      ),
    )
  })
})

describe('the time to a limit', () => {
  const left = (values: number[], limit: number) => {
    const rise = surestRise(seriesOf(values))
    return rise === null ? null : timeToLimit(rise, limit)
  }

  test('is the distance by the slope: from 159 with 1 a second it is 41 s to 200, or half or twice as long, for a pace may change', () => {
    const { ms, lowerMs, upperMs } = left(ramp(60, 100, 1), 200)!
    expect([ms, lowerMs, upperMs]).toEqual([
      expect.closeTo(41_000, 2),
      expect.closeTo(20_500, 2),
      expect.closeTo(82_000, 2),
    ])
  })

  test('is 0 where the limit is reached', () => {
    expect(left(ramp(60, 100, 1), 159)).toMatchObject({ ms: 0, lowerMs: 0, upperMs: 0 })
  })

  test('is that of the newest pace where a rise has just begun: 60 left with 5 a second are 12 s', () => {
    expect(left([...ramp(48, 100, 0), ...ramp(12, 100, 5)], 215)?.ms).toBeCloseTo(12_000, -1)
  })

  test('lies within bounds that are wider where there is noise', () => {
    const normal = seededNormal(5)
    const { ms, lowerMs, upperMs } = left(
      ramp(60, 100, 1).map((value) => value + normal()),
      200,
    )!
    expect(lowerMs).toBeLessThan(ms)
    expect(upperMs ?? Number.POSITIVE_INFINITY).toBeGreaterThan(ms)
  })

  test('is unknown without a rise, with one that drowns in noise, or beyond an hour', () => {
    const normal = seededNormal(3)
    expect(left(ramp(60, 100, 0), 200)).toBeNull()
    expect(left(ramp(60, 100, -1), 200)).toBeNull()
    expect(
      left(
        ramp(60, 100, 0.01).map((value) => value + 20 * normal()),
        200,
      ),
    ).toBeNull()
    expect(left(ramp(60, 100, 0.01), 200)).toBeNull()
    expect(left(ramp(9, 100, 1), 200)).toBeNull()
  })

  test('is never NaN or negative, for any finite series', () => {
    fc.assert(
      fc.property(anyValues, fc.double({ min: 1, max: 1e12, noNaN: true }), (values, limit) => {
        const time = left(values, limit)
        if (time !== null) expect(time.ms >= 0 && time.ms <= 3_600_000 && time.lowerMs <= time.ms).toBe(true)
      }),
    )
  })
})
