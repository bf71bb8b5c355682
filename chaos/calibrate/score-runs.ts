import { CRITICAL_FROM } from '../../server/analyse/risk.ts'
import {
  type AlarmCondition,
  type AlarmReading,
  heldSeconds,
  isAboveThreshold,
  isPredictedLinearly,
} from '../drill/baselines.ts'
import type { Fit } from './logistic.ts'
import type { Observed } from './observe-run.ts'
import {
  type Alarms,
  type ForeseenRow,
  failuresSeen,
  falseAlarms,
  quantile,
  type Reliability,
  reliability,
} from './scores.ts'

/** So long before a leak's end its time to the limit is judged. */
const JUDGED_BEFORE_MS = 30_000

/** Its interval is judged each second between these before a failure by memory. */
const COVERED_MS = 60_000
const COVERED_TO_MS = 5_000

/** The fit to judge a run by: the same for all, or one that has not seen its family. */
type FitOf = (run: Observed) => Fit

type Share = { of: number; foreseen: number; share: number | null }

/** How one way of watching did on runs that nothing was fitted on. */
export type WayScores = {
  leaks: Share
  all: Share
  /** Only the first failure of each run: nothing can be learnt from earlier ones. */
  first: Share
  leadSeconds: number[]
  medianLeadSeconds: number | null
  falsePerHour: { calm: number; deceptive: number }
  falseAlarms: { calm: number; deceptive: number }
}

export type FamilyScores = {
  family: string
  use: string
  kind: string
  runs: number
  failures: number
  foreseen: number
  containerHours: number
  falseAlarms: number
}

export type RunScores = {
  runs: { fit: number; test: number }
  containerHours: { calm: number; deceptive: number; all: number }
  ways: { model: WayScores; threshold: WayScores; predictLinear: WayScores }
  /** Each second counts alike; and each run. */
  reliability: Reliability
  reliabilityByRun: Reliability
  timeToLimit: {
    judged: number
    unknown: number
    medianRelativeError: number | null
    relativeErrors: number[]
    coverage: number | null
  }
  families: FamilyScores[]
}

/** The probability of each second of a run; `null` where nothing could be evaluated. */
export function probabilities({ seconds }: Observed, { intercept, weights }: Fit): (number | null)[] {
  return seconds.map(({ blank, features }) => {
    if (blank) return null
    let logOdds = intercept
    for (let j = 0; j < weights.length; j++) logOdds += weights[j]! * (features[j] ?? 0)
    return 1 / (1 + Math.exp(-logOdds))
  })
}

const modelAlarms =
  (fitOf: FitOf): Alarms =>
  (run) =>
    probabilities(run, fitOf(run)).map((probability) => (probability ?? 0) >= CRITICAL_FROM)

const ruleAlarms =
  (rule: AlarmCondition): Alarms =>
  ({ seconds }) =>
    heldSeconds(
      seconds.map(
        ({ memoryShareOfLimit, cpuShareOfLimit }): AlarmReading => ({
          memoryShareOfLimit,
          cpuShareOfLimit,
          freshness: 'live',
        }),
      ),
      rule,
    )

const shareOf = (rows: readonly ForeseenRow[]): Share => {
  const foreseen = rows.filter((row) => row.foreseen).length
  return { of: rows.length, foreseen, share: rows.length === 0 ? null : foreseen / rows.length }
}

const hoursOf = (runs: readonly Observed[]) => runs.reduce((sum, { seconds }) => sum + seconds.length / 3600, 0)

function scoreWay(runs: readonly Observed[], alarmsOf: Alarms): WayScores {
  const seen = runs.map((run) => failuresSeen(run, alarmsOf(run)))
  const rows = seen.flat()
  const count = (kind: string) =>
    runs.filter(({ header }) => header.kind === kind).reduce((sum, run) => sum + falseAlarms(run, alarmsOf(run)), 0)
  const hours = (kind: string) => hoursOf(runs.filter(({ header }) => header.kind === kind))
  const [calm, deceptive] = [count('calm'), count('deceptive')]
  const leadSeconds = rows.flatMap((row) => (row.foreseen ? [row.leadSeconds ?? 0] : []))
  return {
    leaks: shareOf(rows.filter(({ kind, sign }) => kind === 'leak' && sign === 'oom')),
    all: shareOf(rows),
    first: shareOf(seen.flatMap((failures) => failures.slice(0, 1))),
    leadSeconds,
    medianLeadSeconds: quantile(leadSeconds),
    falsePerHour: { calm: calm / hours('calm'), deceptive: deceptive / hours('deceptive') },
    falseAlarms: { calm, deceptive },
  }
}

/** Relative errors of the time to the limit 30 s before a leak's end; unknown where none was given. */
function timeToLimitErrors(runs: readonly Observed[]): number[] {
  return runs.flatMap(({ header, seconds }) =>
    header.kind !== 'leak'
      ? []
      : header.failures.flatMap(({ sign, at }) => {
          if (sign !== 'oom') return []
          const second = seconds.findLast((one) => one.at <= at - JUDGED_BEFORE_MS)
          if (second === undefined) return []
          const leftMs = at - second.at
          return [
            second.timeToLimitMs === null ? Number.POSITIVE_INFINITY : Math.abs(second.timeToLimitMs - leftMs) / leftMs,
          ]
        }),
  )
}

/** Share of the failures by memory whose time lay in the interval, over the last minute before; each failure counts alike. */
function timeToLimitCoverage(runs: readonly Observed[]): number | null {
  const shares = runs.flatMap(({ header, seconds }) =>
    header.failures.flatMap(({ sign, at }) => {
      const said = seconds.filter(
        (second) => second.timeToLimitMs !== null && at - second.at <= COVERED_MS && at - second.at >= COVERED_TO_MS,
      )
      if (sign !== 'oom' || said.length === 0) return []
      const held = said.filter(
        ({ at: saidAt, timeToLimitLowerMs, timeToLimitUpperMs }) =>
          at - saidAt >= timeToLimitLowerMs! && at - saidAt <= (timeToLimitUpperMs ?? Number.POSITIVE_INFINITY),
      )
      return [held.length / said.length]
    }),
  )
  return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length
}

/** Scores a fit, and two plain rules beside it, on runs that it was not fitted on. */
export function scoreRuns(runs: readonly Observed[], fitRuns: number, fitOf: FitOf): RunScores {
  const outcomes = runs.map((run) => {
    const given = probabilities(run, fitOf(run))
    return {
      outcomes: run.seconds.flatMap(({ fails }, index) => {
        const p = given[index]
        return fails === null || p == null ? [] : [{ p, y: Number(fails) }]
      }),
    }
  })
  const errors = timeToLimitErrors(runs)
  const alarmsOf = modelAlarms(fitOf)
  const names = [...new Set(runs.map(({ header }) => header.family))]
  const ofKind = (kind: string) => hoursOf(runs.filter(({ header }) => header.kind === kind))
  return {
    runs: { fit: fitRuns, test: runs.length },
    containerHours: { calm: ofKind('calm'), deceptive: ofKind('deceptive'), all: hoursOf(runs) },
    ways: {
      model: scoreWay(runs, alarmsOf),
      threshold: scoreWay(runs, ruleAlarms(isAboveThreshold)),
      predictLinear: scoreWay(runs, ruleAlarms(isPredictedLinearly)),
    },
    reliability: reliability(outcomes, 'second'),
    reliabilityByRun: reliability(outcomes, 'run'),
    timeToLimit: {
      judged: errors.length,
      unknown: errors.filter((error) => error === Number.POSITIVE_INFINITY).length,
      medianRelativeError: quantile(errors),
      relativeErrors: errors.filter(Number.isFinite).sort((a, b) => a - b),
      coverage: timeToLimitCoverage(runs),
    },
    families: names.map((family) => {
      const own = runs.filter(({ header }) => header.family === family)
      const rows = own.flatMap((run) => failuresSeen(run, alarmsOf(run)))
      return {
        family,
        use: own[0]!.header.use,
        kind: own[0]!.header.kind,
        runs: own.length,
        failures: rows.length,
        foreseen: rows.filter(({ foreseen }) => foreseen).length,
        containerHours: hoursOf(own),
        falseAlarms: own.reduce((sum, run) => sum + falseAlarms(run, alarmsOf(run)), 0),
      }
    }),
  }
}
