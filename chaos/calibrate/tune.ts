import { type MemoryTuning, SHIPPED_MEMORY_TUNING } from '../../server/analyse/memory-features.ts'
import type { Run } from '../record/run-file.ts'
import { groupOf, leftOutOnce, rowsOf } from './fit.ts'
import { logLoss } from './logistic.ts'
import { observeRun } from './observe-run.ts'
import { scoreRuns } from './score-runs.ts'

/** What is tried in place of each shipped value, the others as shipped. */
export const TRIED: { readonly [Name in keyof MemoryTuning]: readonly MemoryTuning[Name][] } = {
  early: [
    { from: 0.4, to: 0.7 },
    { from: 0.6, to: 0.9 },
  ],
  late: [
    { from: 0.55, to: 0.85 },
    { from: 0.75, to: 1 },
  ],
  imminent: [
    { from: 0.6, to: 0.75 },
    { from: 0.8, to: 0.9 },
  ],
  imminentMs: [4_000, 12_000],
  nearly: [
    { from: 0.75, to: 0.9 },
    { from: 0.9, to: 1 },
  ],
  nearlyMs: [3_000, 12_000],
  doubt: [0.2, 0.6],
  doubtWhenYoung: [0.6, 0.9],
  slowingMs: [10_000, 20_000],
  slowingCounts: [0.3, 0.7],
  killedHoldsMs: [300_000, 1_200_000],
  newShare: [0.025, 0.1],
}

/** A gain of fewer is chance. */
const MIN_STANDARD_ERRORS = 2

/** What a setting brings, each group scored by weights fitted without it. */
export type Figures = {
  /** Mean log loss of each group; a run counts alike, however long it is. */
  lossOfGroup: Record<string, number>
  falsePerDeceptiveHour: number
  leaksForeseen: number
  failuresForeseen: number
}

/** How a setting compares with the shipped one; the standard error is that of the difference over the groups. */
export type Comparison = { difference: number; standardError: number; isBetter: boolean }

/** Every setting that is tried, the shipped one first: one constant differs, none in the first. */
export function settings(): { constant: string | null; value: unknown; tuning: MemoryTuning }[] {
  const others = Object.entries(TRIED).flatMap(([constant, values]) =>
    values.map((value) => ({ constant, value, tuning: { ...SHIPPED_MEMORY_TUNING, [constant]: value } })),
  )
  return [{ constant: null, value: null, tuning: SHIPPED_MEMORY_TUNING }, ...others]
}

/** Observes the runs by a setting and scores it with each group left out in turn. */
export function tryTuning(runs: readonly Run[], tuning: MemoryTuning, penalty: number): Figures {
  const names: string[] = []
  const observed = runs.map((run) => observeRun(run, names, tuning))
  const fitOf = leftOutOnce(observed, names, penalty)
  const lossOfGroup = [...Map.groupBy(observed, groupOf)].map(([group, ofGroup]) => [
    group,
    logLoss(rowsOf(ofGroup, names.length, 'run'), fitOf(ofGroup[0]!)),
  ])
  const { leaks, all, falsePerHour } = scoreRuns(observed, observed.length, fitOf).ways.model
  return {
    lossOfGroup: Object.fromEntries(lossOfGroup),
    falsePerDeceptiveHour: falsePerHour.deceptive,
    leaksForeseen: leaks.foreseen,
    failuresForeseen: all.foreseen,
  }
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * Compares a setting with the shipped one, group by group. Better is only what gains more than two standard errors (of so
 * many that are tried several gain one by chance) and neither raises more false alarms nor misses a failure more: of
 * settings that cannot be told apart the shipped one stays.
 */
export function compare(tried: Figures, shipped: Figures): Comparison {
  const differences = Object.entries(tried.lossOfGroup).map(([group, loss]) => loss - shipped.lossOfGroup[group]!)
  const difference = mean(differences)
  const squares = differences.reduce((sum, one) => sum + (one - difference) ** 2, 0)
  const standardError = Math.sqrt(squares / (differences.length - 1) / differences.length)
  const noWorse =
    tried.falsePerDeceptiveHour <= shipped.falsePerDeceptiveHour &&
    tried.leaksForeseen >= shipped.leaksForeseen &&
    tried.failuresForeseen >= shipped.failuresForeseen
  return { difference, standardError, isBetter: noWorse && difference < -MIN_STANDARD_ERRORS * standardError }
}
