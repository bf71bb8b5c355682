import { type Fit, fitLogistic, type Row } from './logistic.ts'
import type { Observed } from './observe-run.ts'

/** Into so many parts the runs of a failing family are dealt. */
const PARTS = 3
/** The calibration has two numbers; it needs no penalty but against the infinite. */
const CALIBRATION_PENALTY = 1e-4

/**
 * Rows of some runs. What fails already counts as failing: who looks at it must not be told that it is well. `each` says what
 * counts alike: a run, so that long ones do not drown the rest, or a second.
 */
export function rowsOf(runs: readonly Observed[], size: number, each: 'run' | 'second'): Row[] {
  return runs.flatMap(({ seconds }) => {
    const rows = seconds.flatMap(({ fails, failing, blank, features }): Omit<Row, 'weight'>[] => {
      if (blank || (fails === null && !failing)) return []
      const x = new Float64Array(size)
      x.set(features)
      return [{ x, y: Number(failing || fails === true) }]
    })
    return rows.map((row) => ({ ...row, weight: each === 'run' ? 1 / rows.length : 1 }))
  })
}

const logOdds = ({ intercept, weights }: Fit, x: Float64Array) =>
  weights.reduce((sum, weight, index) => sum + weight * x[index]!, intercept)

/**
 * What is left out together: a family, for the next program will be of none that was seen; of a failing family a part of its
 * runs, for it is the only one with its sign.
 */
const groupOf = ({ header }: Observed) => (header.kind === 'failing' ? `part ${header.seed % PARTS}` : header.family)

/**
 * Fits the weights on all runs, and calibrates their sum (slope and intercept, Platt scaling) on what fits without a group say
 * of the runs of that group, so on runs that were not used for fitting. Gives both in one.
 */
export function fitCalibrated(runs: readonly Observed[], size: number, penalty: number): Fit {
  const fit = fitLogistic(rowsOf(runs, size, 'run'), penalty)
  const unseen = [...new Set(runs.map(groupOf))].flatMap((group) => {
    const without = fitLogistic(
      rowsOf(
        runs.filter((run) => groupOf(run) !== group),
        size,
        'run',
      ),
      penalty,
    )
    const own = runs.filter((run) => groupOf(run) === group)
    return rowsOf(own, size, 'second').map((row) => ({ ...row, x: Float64Array.of(logOdds(without, row.x)) }))
  })
  const scale = fitLogistic(unseen, CALIBRATION_PENALTY)
  const slope = scale.weights[0]!
  return { intercept: scale.intercept + slope * fit.intercept, weights: fit.weights.map((weight) => weight * slope) }
}

/** For each run a fit on all others but its group. */
export function leftOut(runs: readonly Observed[], size: number, penalty: number): (run: Observed) => Fit {
  const fits = new Map(
    [...new Set(runs.map(groupOf))].map((group) => [
      group,
      fitCalibrated(
        runs.filter((run) => groupOf(run) !== group),
        size,
        penalty,
      ),
    ]),
  )
  return (run) => fits.get(groupOf(run))!
}
