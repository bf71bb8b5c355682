import { type Fit, fitLogistic, type Row } from './logistic.ts'
import type { Observed } from './observe-run.ts'

/** Every so manieth run is kept from the weights, and used to calibrate their sum. */
const HELD_BACK_EVERY = 3

/** Rows of some runs, each run counting 1. What fails already counts as failing: who looks at it must not be told it is well. */
export function rowsOf(runs: readonly Observed[], size: number): Row[] {
  return runs.flatMap(({ seconds }) => {
    const rows = seconds.flatMap(({ fails, failing, blank, features }): Omit<Row, 'weight'>[] => {
      if (blank || (fails === null && !failing)) return []
      const x = new Float64Array(size)
      x.set(features)
      return [{ x, y: Number(failing || fails === true) }]
    })
    return rows.map((row) => ({ ...row, weight: 1 / rows.length }))
  })
}

const logOdds = ({ intercept, weights }: Fit, x: Float64Array) =>
  weights.reduce((sum, weight, index) => sum + weight * x[index]!, intercept)

/**
 * Fits the weights on two thirds of the runs of each family, then the slope and intercept of their sum (Platt scaling) on the
 * rest, and gives both in one: the calibrated weights and intercept.
 */
export function fitCalibrated(runs: readonly Observed[], size: number, penalty: number): Fit {
  const isHeldBack = ({ header }: Observed) => header.seed % HELD_BACK_EVERY === 0
  const fit = fitLogistic(
    rowsOf(
      runs.filter((run) => !isHeldBack(run)),
      size,
    ),
    penalty,
  )
  const rows = rowsOf(runs.filter(isHeldBack), size).map((row) => ({ ...row, x: Float64Array.of(logOdds(fit, row.x)) }))
  const scale = fitLogistic(rows, 1e-4)
  const slope = scale.weights[0]!
  return { intercept: scale.intercept + slope * fit.intercept, weights: fit.weights.map((weight) => weight * slope) }
}
