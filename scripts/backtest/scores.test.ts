import { describe, expect, test } from 'vitest'
import { bootstrapInterval, geometricMean } from './bootstrap.ts'
import { logRatios, scoreForecasts } from './forecast-scores.ts'
import { labelsOf } from './labels.ts'
import { addOutcome, brier, createReliability, expectedCalibrationError, scoreExceedance } from './reliability.ts'
import { percentile95, runSeries, type SeriesRun } from './run-series.ts'

const ROWS = 200

/** What a forecaster said that says `said(row)` in each row, with a band of 1 around it. */
function runThatSays(said: (row: number) => number, exceedance = 0): SeriesRun {
  const column = (of: (row: number) => number) => Float64Array.from({ length: ROWS }, (_, row) => of(row))
  return {
    forecast: column(said),
    lower80: column((row) => said(row) - 1),
    upper80: column((row) => said(row) + 1),
    lower95: column((row) => said(row) - 3),
    upper95: column((row) => said(row) + 3),
    exceedance: column(() => exceedance),
    anomaly: column(() => 0),
    thresholdFrom: 60,
    threshold: 60,
    forecastMs: 0,
    anomalyMs: 0,
  }
}

/** Each row one more than the last: ten rows later it is ten more. */
const ramp = Float64Array.from({ length: ROWS }, (_, row) => row)

describe('forecasts of a ramp', () => {
  test('that are two too low have an error of 2, where the last value has 10 and the line none', () => {
    const score = scoreForecasts(
      ramp,
      runThatSays((row) => row + 8),
    )!
    // Origins are the rows 59 to 189.
    expect(score.forecasts).toBe(131)
    expect(score.forecast.absolute).toBeCloseTo(2 * 131, 9)
    expect(score.lastValue.absolute).toBe(10 * 131)
    expect(score.regression.absolute).toBeCloseTo(0, 6)
    expect([score.inside80, score.inside95]).toEqual([0, 131])
    const { maeToLast, rmseToLast } = logRatios(score)
    expect([Math.exp(maeToLast), Math.exp(rmseToLast)]).toEqual([expect.closeTo(0.2, 9), expect.closeTo(0.2, 9)])
  })

  test('that are perfect still have a logarithm', () => {
    const { maeToLast } = logRatios(
      scoreForecasts(
        ramp,
        runThatSays((row) => row + 10),
      )!,
    )
    expect(Math.exp(maeToLast)).toBeCloseTo(1e-9, 12)
  })
})

test('a short series, and one on which the last value makes no error, are left out', () => {
  expect(
    scoreForecasts(
      ramp.subarray(0, 149),
      runThatSays((row) => row),
    ),
  ).toBeNull()
  expect(
    scoreForecasts(
      new Float64Array(ROWS).fill(7),
      runThatSays(() => 7),
    ),
  ).toBeNull()
})

test('the geometric mean has equal weight for each group, and its interval holds it', () => {
  const groups = [[Math.log(0.5), Math.log(0.5), Math.log(0.5)], [Math.log(2)]]
  expect(geometricMean(groups)).toBeCloseTo(1, 12)
  expect(bootstrapInterval(groups)).toEqual([expect.closeTo(1, 12), expect.closeTo(1, 12)])
  const [from, to] = bootstrapInterval([[Math.log(0.5), Math.log(0.7), Math.log(0.9)]])
  expect(from).toBeGreaterThanOrEqual(0.5)
  expect(to).toBeLessThanOrEqual(0.9)
  expect(from).toBeLessThan(to)
})

describe('probabilities', () => {
  test('have the Brier score and the calibration error worked out by hand', () => {
    const said = createReliability()
    // Bin 2: 0.25 twice, one came; bin 9: 1 once, it came.
    addOutcome(said, 0.25, true)
    addOutcome(said, 0.25, false)
    addOutcome(said, 1, true)
    expect(brier(said)).toBeCloseTo((0.75 ** 2 + 0.25 ** 2) / 3, 12)
    expect(expectedCalibrationError(said)).toBeCloseTo(Math.abs(0.5 - 1) / 3, 12)
  })

  test('are judged from the first 30 % on, beside the share of the last 60 rows', () => {
    const { own, reference } = scoreExceedance(
      ramp,
      runThatSays((row) => row, 1),
    )
    // Rows 60 to 189: ten rows later each is above 60.
    expect([own.count, own.happened, brier(own)]).toEqual([130, 130, 0])
    // At row 60 nothing of the last 60 was above 60, from row 120 on all of it.
    expect(reference.bins[0]!.count).toBeGreaterThan(0)
    expect(reference.bins[9]!.count).toBeGreaterThan(60)
  })
})

test('the 95th percentile lies between two order statistics: 0 … 20 has 19', () => {
  expect(percentile95(Float64Array.from({ length: 21 }, (_, index) => 20 - index))).toBe(19)
  expect(percentile95(new Float64Array())).toBeNaN()
})

test('what was said of a row does not change with what comes after it', () => {
  const values = Float64Array.from({ length: 400 }, (_, row) => Math.sin(row / 7) + (row % 13) / 10)
  const other = values.map((value, row) => (row < 300 ? value : 1e6))
  const [run, changed] = [runSeries(values), runSeries(other)]
  for (const column of ['forecast', 'lower80', 'upper95', 'exceedance', 'anomaly'] as const)
    expect(changed[column].subarray(0, 300)).toEqual(run[column].subarray(0, 300))
  expect(run.thresholdFrom).toBe(120)
  expect(run.exceedance.findIndex((value) => !Number.isNaN(value))).toBe(120)
})

describe('labels', () => {
  const times = ['2020-01-01 00:00:00', '2020-01-01 00:05:00', '2020-01-01 00:10:00', '2020-01-01 00:15:00']

  test('are windows of rows', () => {
    const labels = { windows: { 'a/x.csv': [['2020-01-01 00:05:00', '2020-01-01 00:10:00'] as [string, string]] } }
    expect(labelsOf(labels, 'a/x.csv', times)).toEqual({
      rows: Uint8Array.of(0, 1, 1, 0),
      windows: [{ from: 1, to: 2 }],
    })
    expect(labelsOf(labels, 'a/y.csv', times)).toBeNull()
  })

  test('or single times', () => {
    const labels = { anomalous_timestamps: { 'x.csv': ['2020-01-01 00:15:00'] } }
    expect(labelsOf(labels, 'x.csv', times)).toEqual({ rows: Uint8Array.of(0, 0, 0, 1), windows: null })
  })
})
