import { wilsonLower } from '../../server/decide/autonomy.ts'
import { plainThreshold, predictLinear } from './baselines.ts'
import type { Happening, Recording, Role } from './recording.ts'

/** How early one way of watching told of the failure, `null` where it did not; and whether it cried without a reason. */
export type Warning = { leadSeconds: number | null; falseAlarm: boolean }

/** What a recording earned. Points add up to at most 100; each with its reason. */
export type Grade = {
  scenario: string
  expected: Recording['scenario']['expected']
  /** Whether the scenario's failure came to the victim whom nobody may help: without it nothing was tested. */
  bit: boolean
  guard: Warning
  threshold: Warning
  predictLinear: Warning
  /** From the guarded victim's failure, or the remedy where there was none, until its incident was resolved. */
  recoverySeconds: number | null
  /** Whether the guarded victim failed all the same. */
  guardedFailed: boolean
  /** Actions on containers to which nothing was done. */
  collateralActions: number
  /** Automatic actions that helped where something failed; and those that did not, or had no reason. */
  actions: { right: number; wrong: number }
  points: number
  reasons: string[]
  mark: 'A' | 'B' | 'C' | 'D' | 'F'
}

/** A warning so long before is worth all its points: time for a person to look. */
const FULL_LEAD_SECONDS = 20
/** What comes without warning is to be seen within this time, and at least within the second one. */
const NOTICE_SECONDS = 10
const LATE_NOTICE_SECONDS = 60
const FULL_RECOVERY_SECONDS = 60

type Part = { points: number; of: number; reason: string }

const secondsOf = (value: number) => `${value.toFixed(1)} s`

function firstIncident(recording: Recording, role: Role): Happening | undefined {
  return recording.happenings.find((one) => one.role === role && one.what === 'incident')
}

/** The failure that the scenario is about; without one of that kind there is none. */
function failureOf({ scenario, failures }: Recording, role: Role): number | null {
  const found = failures.find((one) => one.role === role && one.sign === scenario.failure)
  return found?.atSeconds ?? null
}

function warningOf(alarmSeconds: number | null, recording: Recording): Warning {
  const { scenario } = recording
  const failedAt = failureOf(recording, 'watched')
  const quiet = scenario.expected === 'quiet' || scenario.expected === 'unknown'
  if (quiet || alarmSeconds === null) return { leadSeconds: null, falseAlarm: quiet && alarmSeconds !== null }
  if (alarmSeconds < scenario.startSeconds) return { leadSeconds: null, falseAlarm: true }
  return { leadSeconds: failedAt === null ? null : failedAt - alarmSeconds, falseAlarm: false }
}

function foreseenParts(grade: Pick<Grade, 'guard' | 'guardedFailed' | 'recoverySeconds'>): Part[] {
  const lead = grade.guard.leadSeconds
  const seen = lead !== null && lead > 0
  return [
    {
      points: seen ? 35 : 0,
      of: 35,
      reason: seen ? 'told before the failure' : lead === null ? 'not told at all' : 'told only after the failure',
    },
    {
      points: seen ? Math.round(20 * Math.min(1, lead / FULL_LEAD_SECONDS)) : 0,
      of: 20,
      reason: `lead time ${lead === null ? 'none' : secondsOf(lead)}`,
    },
    {
      points: grade.guardedFailed ? 0 : 25,
      of: 25,
      reason: grade.guardedFailed ? 'the guarded one failed all the same' : 'the guarded one did not fail',
    },
    recovered(grade),
  ]
}

function recovered({ recoverySeconds }: Pick<Grade, 'recoverySeconds'>): Part {
  const within = recoverySeconds !== null && recoverySeconds <= FULL_RECOVERY_SECONDS
  return {
    points: recoverySeconds === null ? 0 : within ? 10 : 5,
    of: 10,
    reason: recoverySeconds === null ? 'not resolved while watched' : `resolved after ${secondsOf(recoverySeconds)}`,
  }
}

function noticedParts(grade: Pick<Grade, 'guard' | 'recoverySeconds'>): Part[] {
  const lead = grade.guard.leadSeconds
  const late = lead === null ? null : Math.max(0, -lead)
  const points = late === null ? 0 : late <= NOTICE_SECONDS ? 65 : late <= LATE_NOTICE_SECONDS ? 35 : 10
  const reason =
    late === null
      ? 'not noticed'
      : (lead ?? 0) > 0
        ? `told ${secondsOf(lead ?? 0)} before`
        : `noticed ${secondsOf(late)} after`
  const resolved = recovered(grade)
  return [
    { points, of: 65, reason },
    { ...resolved, points: resolved.points * 2.5, of: 25 },
  ]
}

function quietParts(recording: Recording): Part[] {
  const { happenings, readings, scenario } = recording
  const incidents = happenings.filter(({ what }) => what === 'incident').length
  const actions = happenings.filter(({ what }) => what === 'action').length
  const lights = [...readings.guarded, ...readings.watched].filter(
    (reading) => reading !== null && reading.light !== 'low',
  ).length
  const trusted =
    scenario.expected === 'unknown' &&
    readings.guarded.some((reading, second) => {
      const during = second > scenario.startSeconds + 15 && second < scenario.startSeconds + scenario.durationSeconds
      return during && reading?.freshness === 'live'
    })
  return [
    { points: incidents === 0 ? 50 : 0, of: 50, reason: incidents === 0 ? 'no incident' : `${incidents} incidents` },
    { points: actions === 0 ? 25 : 0, of: 25, reason: actions === 0 ? 'no action' : `${actions} actions` },
    {
      points: trusted ? 0 : lights === 0 ? 15 : 5,
      of: 15,
      reason: trusted
        ? 'shown as live though nothing could be read'
        : lights === 0
          ? 'all lights low'
          : `${lights} s of raised lights`,
    },
  ]
}

const markOf = (points: number): Grade['mark'] =>
  points >= 90 ? 'A' : points >= 75 ? 'B' : points >= 60 ? 'C' : points >= 40 ? 'D' : 'F'

/** An action on a quiet scenario's victim, or on somebody else, was wrong whatever it brought. */
function judgedActions({ scenario, happenings }: Recording): Grade['actions'] {
  const acted = happenings.filter(({ what }) => what === 'action')
  const needed = acted.filter(({ role }) => role !== null && scenario.failure !== 'none')
  const ended = (state: string) => needed.filter(({ detail }) => detail.endsWith(` ${state}`)).length
  return { right: ended('verified'), wrong: ended('ineffective') + acted.length - needed.length }
}

/** Grades a recording: what the guard did, beside a plain threshold and `predict_linear` on the same readings. */
export function gradeRecording(recording: Recording): Grade {
  const { scenario, readings, happenings } = recording
  const expectsFailure = scenario.failure !== 'none'
  const guardedFailedAt = failureOf(recording, 'guarded')
  const remedy = happenings.find((one) => one.role === 'guarded' && one.what === 'action')
  const resolved = happenings.findLast((one) => one.role === 'guarded' && one.what === 'resolved')
  const troubledAt = guardedFailedAt ?? remedy?.atSeconds ?? null
  const collateralActions = happenings.filter(({ what, role }) => what === 'action' && role === null).length
  const base = {
    scenario: scenario.name,
    expected: scenario.expected,
    bit: !expectsFailure || failureOf(recording, 'watched') !== null,
    guard: warningOf(firstIncident(recording, 'watched')?.atSeconds ?? null, recording),
    threshold: warningOf(plainThreshold(readings.watched), recording),
    predictLinear: warningOf(predictLinear(readings.watched), recording),
    recoverySeconds: resolved === undefined || troubledAt === null ? null : resolved.atSeconds - troubledAt,
    guardedFailed: guardedFailedAt !== null,
    collateralActions,
    actions: judgedActions(recording),
  }
  const parts: Part[] = [
    ...(scenario.expected === 'foreseen'
      ? foreseenParts(base)
      : scenario.expected === 'noticed'
        ? noticedParts(base)
        : quietParts(recording)),
    {
      points: collateralActions === 0 ? 10 : 0,
      of: 10,
      reason: collateralActions === 0 ? 'nobody else was touched' : `${collateralActions} others were touched`,
    },
  ]
  const points = base.bit ? Math.round(parts.reduce((sum, part) => sum + part.points, 0)) : 0
  const reasons = base.bit
    ? parts.map(({ points: earned, of, reason }) => `${reason} (${earned} of ${of})`)
    : [`the fault did not bite: no ${scenario.failure} of the watched victim`]
  return { ...base, points, reasons, mark: markOf(points) }
}

/** A whole drill in figures. Shares are 0..1, lead times medians in seconds. */
export type Summary = {
  points: number
  mark: Grade['mark']
  ways: Record<
    'guard' | 'threshold' | 'predictLinear',
    { foreseen: number; medianLeadSeconds: number | null; falseAlarms: number }
  >
  foreseeable: number
  quiet: number
  failuresAvoided: number
  /** Faults that bit; and those of them that an action ended without a person, verified and the incident resolved. */
  bit: number
  healed: number
  actions: { right: number; wrong: number; precision: number | null; precisionLower: number }
}

const median = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

/** The mean of the marks, and how the three ways of watching compare. */
export function summarize(grades: readonly Grade[]): Summary {
  const foreseeable = grades.filter(({ expected, bit }) => expected === 'foreseen' && bit)
  const biting = grades.filter(({ expected, bit }) => bit && (expected === 'foreseen' || expected === 'noticed'))
  const quiet = grades.filter(({ expected }) => expected === 'quiet' || expected === 'unknown')
  const way = (name: 'guard' | 'threshold' | 'predictLinear') => {
    const leads = foreseeable.flatMap((grade) => {
      const { leadSeconds } = grade[name]
      return leadSeconds !== null && leadSeconds > 0 ? [leadSeconds] : []
    })
    return {
      foreseen: leads.length,
      medianLeadSeconds: median(leads),
      falseAlarms: grades.filter((grade) => grade[name].falseAlarm).length,
    }
  }
  const right = grades.reduce((sum, { actions }) => sum + actions.right, 0)
  const wrong = grades.reduce((sum, { actions }) => sum + actions.wrong, 0)
  const points = grades.length === 0 ? 0 : Math.round(grades.reduce((sum, one) => sum + one.points, 0) / grades.length)
  return {
    points,
    mark: markOf(points),
    ways: { guard: way('guard'), threshold: way('threshold'), predictLinear: way('predictLinear') },
    foreseeable: foreseeable.length,
    quiet: quiet.length,
    failuresAvoided: foreseeable.filter(({ guardedFailed }) => !guardedFailed).length,
    bit: biting.length,
    healed: biting.filter(({ actions, recoverySeconds }) => actions.right > 0 && recoverySeconds !== null).length,
    actions: {
      right,
      wrong,
      precision: right + wrong === 0 ? null : right / (right + wrong),
      precisionLower: wilsonLower(right, right + wrong),
    },
  }
}
