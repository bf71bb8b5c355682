import fc from 'fast-check'
// @ts-expect-error it ships no types
import { SimpleLinearRegression } from 'ml-regression'
import { mean, zScore as referenceZScore, sampleStandardDeviation } from 'simple-statistics'
import { describe, expect, test } from 'vitest'
import { seededNormal, seriesOf } from './seeded-stand-in.ts'
import { append, clear, createSeries, indexOfAge, type Series } from './series.ts'
import { fitLine, predictionError, studentT95, zScore } from './statistics.ts'

const valuesOf = (series: Series) =>
  Array.from({ length: series.length }, (_, age) => series.values[indexOfAge(series, series.length - 1 - age)])

describe('a series', () => {
  test('keeps the newest values when it is full, oldest first', () => {
    expect(valuesOf(seriesOf([1, 2, 3, 4, 5, 6, 7], 3))).toEqual([5, 6, 7])
  })

  test('holds what a plain list cut to its capacity holds, in single precision, however much goes in', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { maxLength: 50 }), fc.integer({ min: 1, max: 9 }), (values, capacity) => {
        expect(valuesOf(seriesOf(values, capacity))).toEqual(values.slice(-capacity).map(Math.fround))
      }),
    )
  })

  test('takes nothing that is not newer than the newest', () => {
    const series = createSeries(3)
    append(series, 1_000, 1)
    append(series, 1_000, 2)
    append(series, 500, 3)
    expect(valuesOf(series)).toEqual([1])
  })

  test('is empty after clearing, and begins with any time', () => {
    const series = seriesOf([1, 2, 3])
    clear(series)
    append(series, 5, 9)
    expect(valuesOf(series)).toEqual([9])
  })
})

describe('the line through a series', () => {
  test('is that of the hand-worked example 1, 2, 2, 4 at 0..3 s', () => {
    // mean t 1.5, mean y 2.25, Sxx 5, Sxy 4.5, Syy 4.75: slope 0.9, level at 3 s 2.25 + 0.9 * 1.5 = 3.6,
    // residual sum 4.75 - 0.9 * 4.5 = 0.7, its error sqrt(0.7 / 2)
    const line = fitLine(seriesOf([1, 2, 2, 4]))!
    expect(line.slopePerSecond).toBeCloseTo(0.9, 12)
    expect(line.level).toBeCloseTo(3.6, 12)
    expect(line.residualError).toBeCloseTo(Math.sqrt(0.35), 12)
    expect(line.spreadSeconds2).toBeCloseTo(5, 12)
    // One second on: sqrt(0.35) * sqrt(1 + 1/4 + 2.5^2 / 5)
    expect(predictionError(line, 1)).toBeCloseTo(Math.sqrt(0.35 * (1 + 0.25 + 6.25 / 5)), 12)
  })

  test('is the one that ml-regression finds, for any values and uneven times', () => {
    const point = fc.record({
      gapMs: fc.integer({ min: 1, max: 5_000 }),
      value: fc.double({ min: -1e6, max: 1e6, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(point, { minLength: 3, maxLength: 60 }), (points) => {
        const series = createSeries(60)
        const seconds: number[] = []
        let atMs = 1_700_000_000_000
        for (const { gapMs, value } of points) {
          atMs += gapMs
          append(series, atMs, value)
          seconds.push((atMs - 1_700_000_000_000) / 1000)
        }
        const reference = new SimpleLinearRegression(
          seconds,
          points.map(({ value }) => value),
        )
        const line = fitLine(series)!
        const scale = 1 + Math.max(...points.map(({ value }) => Math.abs(value)))
        const steepest = scale / Math.sqrt(line.spreadSeconds2)
        expect(Math.abs(line.slopePerSecond - reference.slope) / steepest).toBeLessThan(1e-6)
        expect(Math.abs(line.level - reference.predict(seconds.at(-1)!)) / scale).toBeLessThan(1e-6)
      }),
    )
  })

  test('goes through the newest values only where so many are asked for', () => {
    expect(fitLine(seriesOf([9, 9, 9, 1, 2, 3]), 3)!.slopePerSecond).toBeCloseTo(1, 12)
  })

  test('is not drawn through two points, through none, or through squares that no number holds', () => {
    expect(fitLine(seriesOf([]))).toBeNull()
    expect(fitLine(seriesOf([1, 2]))).toBeNull()
    expect(fitLine(seriesOf([1e200, -1e200, 1e200]))).toBeNull()
  })
})

test("Student's t at 95 % is within 1 % of the printed table from four degrees of freedom on", () => {
  const table = { 4: 2.776, 5: 2.571, 8: 2.306, 10: 2.228, 20: 2.086, 30: 2.042, 58: 2.002, 120: 1.98 }
  for (const [degrees, value] of Object.entries(table)) {
    expect(Math.abs(studentT95(Number(degrees)) / value - 1), `${degrees} degrees`).toBeLessThan(0.01)
  }
})

describe('the z-score', () => {
  test('is that of simple-statistics, by the mean and sample deviation of the values before', () => {
    const normal = seededNormal(5)
    const past = Array.from({ length: 59 }, () => Math.fround(100 + 7 * normal()))
    expect(zScore(seriesOf([...past, 130]), 20)).toBeCloseTo(
      referenceZScore(130, mean(past), sampleStandardDeviation(past)),
      9,
    )
  })

  test('needs a past', () => {
    expect(zScore(seriesOf([1, 2, 3, 9]), 3)).not.toBeNull()
    expect(zScore(seriesOf([1, 2, 9]), 3)).toBeNull()
    expect(zScore(seriesOf([]), 0)).toBeNull()
  })

  test('of a constant past is 0 for the same value, and finite and large for another one', () => {
    const past = Array.from({ length: 30 }, () => 0.1 + 0.2)
    expect(zScore(seriesOf([...past, 0.1 + 0.2]), 20)).toBeCloseTo(0, 6)
    const strange = zScore(seriesOf([...past, 0.5]), 20)!
    expect(strange).toBeGreaterThan(1_000)
    expect(Number.isFinite(strange)).toBe(true)
  })
})
