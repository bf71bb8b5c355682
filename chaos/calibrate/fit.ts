import type { Kind } from '../record/run-plan.ts'
import { type Fit, fitLogistic, type Row } from './logistic.ts'
import type { Observed } from './observe-run.ts'

/**
 * Weights that are not fitted but follow from what a failure is. An unhealthy container has failed. CPU at its limit fails after
 * five minutes: this makes an even chance of four, and leaves no doubt near the end. In the first minute of a life no pace
 * of a minute is known, and no family to fit fails there: a climb that ends within seconds counts.
 */
export const BY_DEFINITION: Readonly<Record<string, number>> = {
  unhealthy: 7,
  cpuSaturationLong: 9,
  memoryClimbImminent: 6,
}

/** Into so many parts the runs of a failing family are dealt. */
const PARTS = 3
/** The calibration has two numbers; it needs no penalty but against the infinite. */
const CALIBRATION_PENALTY = 1e-4

/**
 * What a fleet is taken to be while the model is fitted: mostly calm, or looking worse than it is; warm-ups and caches are far
 * more common than leaks. A recording holds as much of each kind as somebody chose to record; a real fleet is calmer still.
 */
const SHARE_OF_KIND: Record<Kind, number> = { calm: 0.35, deceptive: 0.45, leak: 0.05, failing: 0.15 }

/**
 * Rows of some runs, the kinds in these shares; what fails already is no matter of prediction. `each` says what
 * counts alike: a run, so that long ones do not drown the rest, or a second.
 */
export function rowsOf(runs: readonly Observed[], size: number, each: 'run' | 'second'): Row[] {
  const amounts = new Map<Kind, number>()
  const amountOf = ({ seconds }: Observed) => (each === 'run' ? 1 : seconds.length)
  for (const run of runs) amounts.set(run.header.kind, (amounts.get(run.header.kind) ?? 0) + amountOf(run))
  return runs.flatMap((run) => {
    const { header, seconds } = run
    const rows = seconds.flatMap(({ fails, failing, blank, features }): Omit<Row, 'weight'>[] => {
      if (blank || failing || fails === null) return []
      const x = new Float64Array(size)
      x.set(features)
      return [{ x, y: Number(fails) }]
    })
    const weight = (SHARE_OF_KIND[header.kind] * amountOf(run)) / (amounts.get(header.kind)! * rows.length)
    return rows.map((row) => ({ ...row, weight }))
  })
}

const logOdds = ({ intercept, weights }: Fit, x: Float64Array) =>
  weights.reduce((sum, weight, index) => sum + weight * (x[index] ?? 0), intercept)

/**
 * What is left out together: a family, for the next program will be of none that was seen; of a failing family a part of its
 * runs, for it is the only one with its sign.
 */
export const groupOf = ({ header }: Observed): string =>
  header.kind === 'failing' ? `part ${header.seed % PARTS}` : header.family

/** The runs without the features whose weights are not fitted. */
const toBeFitted = (observed: readonly Observed[], names: readonly string[]): Observed[] =>
  observed.map((run) => ({
    ...run,
    seconds: run.seconds.map((second) => ({
      ...second,
      features: second.features.map((value, index) => (names[index]! in BY_DEFINITION ? 0 : value)),
    })),
  }))

/** For each group the weights fitted on all runs but its own. */
const fitWithoutEach = (runs: readonly Observed[], size: number, penalty: number): Map<string, Fit> =>
  new Map(
    [...new Set(runs.map(groupOf))].map((group) => [
      group,
      fitLogistic(
        rowsOf(
          runs.filter((run) => groupOf(run) !== group),
          size,
          'run',
        ),
        penalty,
      ),
    ]),
  )

/** Slope and intercept (Platt scaling) that calibrate what fits without a group say of the runs of that group. */
function scaleOf(runs: readonly Observed[], fitWithout: ReadonlyMap<string, Fit>): Fit {
  const unseen = runs.map((run): Observed => {
    const without = fitWithout.get(groupOf(run))!
    const seconds = run.seconds.map((second) => ({
      ...second,
      features: Float64Array.of(logOdds(without, second.features)),
    }))
    return { ...run, seconds }
  })
  return fitLogistic(rowsOf(unseen, 1, 'second'), CALIBRATION_PENALTY)
}

function calibrated(fit: Fit, scale: Fit, names: readonly string[]): Fit {
  const slope = scale.weights[0]!
  return {
    intercept: scale.intercept + slope * fit.intercept,
    weights: fit.weights.map((weight, index) => BY_DEFINITION[names[index]!] ?? weight * slope),
  }
}

/**
 * Fits the weights on all runs, and calibrates their sum on runs that were not used for fitting: what fits without a group
 * say of the runs of that group. Gives both in one.
 */
export function fitCalibrated(observed: readonly Observed[], names: readonly string[], penalty: number): Fit {
  const runs = toBeFitted(observed, names)
  const fit = fitLogistic(rowsOf(runs, names.length, 'run'), penalty)
  return calibrated(fit, scaleOf(runs, fitWithoutEach(runs, names.length, penalty)), names)
}

/** For each run the weights fitted without its group; the two numbers of their calibration are those of all groups. */
export function leftOutOnce(
  observed: readonly Observed[],
  names: readonly string[],
  penalty: number,
): (run: Observed) => Fit {
  const runs = toBeFitted(observed, names)
  const fitWithout = fitWithoutEach(runs, names.length, penalty)
  const scale = scaleOf(runs, fitWithout)
  const fits = new Map([...fitWithout].map(([group, fit]) => [group, calibrated(fit, scale, names)]))
  return (run) => fits.get(groupOf(run))!
}

/** For each run a fit on all others but its group, its calibration included. */
export function leftOut(runs: readonly Observed[], names: readonly string[], penalty: number): (run: Observed) => Fit {
  const fits = new Map(
    [...new Set(runs.map(groupOf))].map((group) => [
      group,
      fitCalibrated(
        runs.filter((run) => groupOf(run) !== group),
        names,
        penalty,
      ),
    ]),
  )
  return (run) => fits.get(groupOf(run))!
}
