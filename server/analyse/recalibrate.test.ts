import { describe, expect, test } from 'vitest'
import type { Correction, OwnCalibration, ReliabilityBin, Tally } from '../contracts/scoreboard.ts'
import {
  brierOf,
  correctedCalibration,
  correctedProbability,
  fitCorrection,
  recalibrate,
  shippedProbability,
} from './recalibrate.ts'
import { failureRisk } from './risk.ts'
import { emptyTally, failed, nothingUnjudged, predicted } from './scorekeeping.ts'

const UNCORRECTED: OwnCalibration = { own: true, correction: null, sinceMs: null, lookedAtMs: 0 }

/** So many predictions of the middle of each bin, of which a share came true. */
const binsOf = (predictions: number, came: (p: number) => number): ReliabilityBin[] =>
  Array.from({ length: 10 }, (_, index) => {
    const p = (index + 0.5) / 10
    return { predictions, probabilitySum: p * predictions, failed: Math.round(predictions * came(p)) }
  })
const tallyOf = (bins: ReliabilityBin[], failures: number): Tally => ({ ...emptyTally(), bins, failures })

describe('a correction', () => {
  test('of one and nothing changes no probability, and every one can be taken back', () => {
    expect(correctedProbability(0.3, { slope: 1, intercept: 0 })).toBeCloseTo(0.3, 12)
    const correction = { slope: 0.8, intercept: -0.4 }
    expect(shippedProbability(correctedProbability(0.3, correction), correction)).toBeCloseTo(0.3, 9)
  })

  test('of the model is one of its log-odds: 0.8 x 2 - 0.4 = 1.2', () => {
    const shipped = {
      version: 'v',
      provenance: { method: '', data: '', fittedAt: null, scores: {} },
      horizonMs: 60_000,
      intercept: -3,
      weights: { unhealthy: 5 },
    }
    const own = correctedCalibration(shipped, { slope: 0.8, intercept: -0.4 })
    const { probability } = failureRisk([{ name: 'unhealthy', value: 1, text: '', cause: null }], own)
    expect(Math.log(probability / (1 - probability))).toBeCloseTo(1.2, 9)
    expect(own.version).toBe('v x 0.8 - 0.4')
    expect(correctedCalibration(shipped, null)).toBe(shipped)
  })

  test('is found from outcomes: what came true with 0.8 x log-odds - 0.4 gives that', () => {
    const { slope, intercept } = fitCorrection(
      binsOf(2_000, (p) => correctedProbability(p, { slope: 0.8, intercept: -0.4 })),
    )
    expect(slope).toBeCloseTo(0.8, 1)
    expect(intercept).toBeCloseTo(-0.4, 1)
  })

  test('goes no further than its bounds, whatever comes', () => {
    expect(fitCorrection(binsOf(5_000, () => 0))).toMatchObject({ intercept: -1 })
    expect(fitCorrection(binsOf(5_000, () => 1))).toMatchObject({ intercept: 1 })
    expect(fitCorrection(binsOf(5_000, (p) => Number(p > 0.5))).slope).toBe(1.4)
    expect(fitCorrection(binsOf(0, () => 0))).toEqual({ slope: 1, intercept: 0 })
  })
})

describe('the model is corrected', () => {
  const overconfident = binsOf(100, (p) => correctedProbability(p, { slope: 0.7, intercept: -0.8 }))

  test('from 200 predictions and 20 failures on, and says by what and why', () => {
    expect(recalibrate(UNCORRECTED, tallyOf(overconfident, 19), emptyTally())).toBeNull()
    expect(
      recalibrate(
        UNCORRECTED,
        tallyOf(
          binsOf(19, () => 0),
          20,
        ),
        emptyTally(),
      ),
    ).toBeNull()
    const made = recalibrate(UNCORRECTED, tallyOf(overconfident, 20), emptyTally())
    expect(made?.correction?.intercept).toBeLessThan(-0.4)
    expect(made?.reason).toMatch(
      /^as shipped becomes log-odds x .* from 1000 predictions and 20 failures its Brier score/,
    )
  })

  test('not where it says what comes', () => {
    expect(
      recalibrate(
        UNCORRECTED,
        tallyOf(
          binsOf(100, (p) => p),
          200,
        ),
        emptyTally(),
      ),
    ).toBeNull()
  })

  test('by the shipped probabilities, also while a correction is in force', () => {
    const correction = { slope: 0.7, intercept: -0.8 }
    const said = binsOf(100, (p) => p)
    const all: Tally = { ...tallyOf(said, 20), shipped: { bins: overconfident, squaredErrorSum: 0 } }
    expect(brierOf(overconfident, correction)).toBeLessThan(brierOf(overconfident, { slope: 1, intercept: 0 })!)
    expect(recalibrate({ ...UNCORRECTED, correction, sinceMs: 0 }, all, emptyTally())).toBeNull()
  })
})

test('a correction is taken back where the shipped model has been better since', () => {
  const correction: Correction = { slope: 1, intercept: 1 }
  const since = emptyTally()
  const unjudged = nothingUnjudged()
  for (let second = 0; second <= 2_100; second += 10)
    predicted(unjudged, since, {
      atMs: second * 1_000,
      probability: 0.3,
      critical: false,
      horizonMs: 60_000,
      correction,
    })
  failed(unjudged, since, 3_000_000, 60_000)
  const own = { ...UNCORRECTED, correction, sinceMs: 0 }
  expect(recalibrate(own, since, since)).toMatchObject({ correction: null })
  expect(recalibrate(own, since, since)?.reason).toContain('taken back: on 211 later predictions')
  const worse = { ...since, shipped: { ...since.shipped!, squaredErrorSum: 2 * since.squaredErrorSum } }
  expect(recalibrate(own, worse, worse)).toBeNull()
})
