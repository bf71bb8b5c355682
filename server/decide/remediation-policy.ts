import type { Cause } from '../contracts/assessment.ts'
import type { Judgement } from '../contracts/autonomy.ts'
import type { Action, ActionKind, Mode } from '../contracts/incident.ts'
import type { Runbook } from '../contracts/runbook.ts'
import type { Container, Sample } from '../contracts/telemetry.ts'
import { type AutonomySettings, mayActAlone, runOfWrong } from './autonomy.ts'
import { chooseRung, type Rung, type Surroundings } from './ladder.ts'
import { labelledMode, MODES } from './modes.ts'
import { containerRail, type HostFacts, hostRail, type RailSettings } from './rails.ts'

/** The operator's settings that decide what may be done; hashed into every audit entry. */
export type PolicySettings = RailSettings &
  AutonomySettings & {
    /** Probability from which on it acts alone in `auto`. */
    threshold: number
  }

/** `act`: do it now. `ask`: an operator decides. `record`: write down what would have been done. `wait`: not now. `none`: nothing to do. */
export type Verdict = { verdict: 'act' | 'ask' | 'record' | 'wait' | 'none'; reason: string; rung: Rung | null }

/** Images of the program's own surroundings; restarting them would blind or mute it. */
const OWN_SURROUNDINGS = /(^|\/)(dockerpulse|socket-proxy|docker-socket-proxy|ollama)(:|@|$)/

/** A warning label counts unless it clearly says no: a misspelt yes must not be read as leave to act. */
export function isSet(container: Container, label: string): boolean {
  const value = container.labels[label]
  return value !== undefined && !['false', '0', 'no', 'off'].includes(value.trim().toLowerCase())
}

/**
 * Why a container is never acted upon, or `null`: the program itself, its socket proxy and model server, and what is
 * labelled `dockerpulse.ignore`.
 */
export function protectionOf(container: Container, ownContainerId: string | null): string | null {
  if (container.id === ownContainerId) return 'it is DockerPulse itself'
  if (isSet(container, 'dockerpulse.ignore')) return 'its label dockerpulse.ignore forbids it'
  if (OWN_SURROUNDINGS.test(container.image)) return 'DockerPulse needs it to work'
  return null
}

/** Labels of a container that say nothing the program understands, one sentence each. */
export function labelProblems(container: Container): string[] {
  const problems: string[] = []
  const mode = container.labels['dockerpulse.mode']
  if (mode !== undefined && labelledMode(container) !== mode.trim().toLowerCase())
    problems.push(`its label dockerpulse.mode="${mode}" is none of ${MODES.join(', ')}: it is only observed`)
  const restarts = container.labels['dockerpulse.max-restarts']
  if (restarts !== undefined && !/^\d{1,3}$/.test(restarts))
    problems.push(`its label dockerpulse.max-restarts="${restarts}" is not a whole number: the host's setting counts`)
  return problems
}

/** The label's `dockerpulse.max-restarts` an hour where it is a whole number, else the setting. */
export function maxRestartsOf(container: Container, settings: RailSettings): number {
  const label = container.labels['dockerpulse.max-restarts'] ?? ''
  return /^\d{1,3}$/.test(label) ? Number(label) : settings.maxActionsPerHour
}

/** All that decides about a remedy for one container now. */
export type Question = {
  at: number
  container: Container
  cause: Cause
  sample: Sample | null
  probability: number | null
  mode: Mode
  protectedBecause: string | null
  /** The incident that this one follows from, in words. */
  followsFrom: string | null
  /** The program's own actions on it, oldest first, and how many since it was healthy for long. */
  actionTimesMs: readonly number[]
  attempts: number
  /** The newest of them interrupted nothing. */
  lastWasGentle: boolean
  /** Actions of the open incident. */
  actions: readonly Action[]
  runbook: Runbook | null
  surroundings: Surroundings
  /** What became of earlier decisions on it, by kind, oldest first. */
  judgements: Partial<Record<ActionKind, readonly Judgement[]>>
  host: HostFacts
  settings: PolicySettings
}

/** What is to be done about a container in trouble, by which remedy, and why. */
export function decideRemedy(question: Question): Verdict {
  const { at, container, probability, mode, runbook, judgements, host, settings } = question
  const percent = (share: number) => `${Math.round(share * 100)} %`
  const without = (verdict: Verdict['verdict'], reason: string): Verdict => ({ verdict, reason, rung: null })
  if (mode === 'observe') return without('none', 'mode observe: seen, nothing decided')
  if (question.protectedBecause !== null) return without('none', question.protectedBecause)
  if (question.followsFrom !== null) return without('wait', question.followsFrom)
  if (container.state !== 'running') return without('none', `it is ${container.state}, not running`)
  if (probability === null || !(probability >= settings.threshold))
    return without(
      'none',
      `confidence ${probability === null ? 'unknown' : percent(probability)} is below the threshold of ${percent(settings.threshold)}`,
    )
  if (runbook === null) return without('none', 'no runbook fits')
  const { rung, reason: why, waits } = chooseRung({ ...question, probability, runbook, threshold: settings.threshold })
  if (rung === null) return without(waits ? 'wait' : 'none', why)

  const confident = `confidence ${percent(probability)} is at or above the threshold of ${percent(settings.threshold)}; ${why}`
  const withRung = (verdict: Verdict['verdict'], reason: string): Verdict => ({ verdict, reason, rung })
  if (mode === 'shadow') return withRung('record', `${confident}; mode shadow: nothing is touched`)

  const ofHost = hostRail(host, settings, at)
  if (ofHost?.verdict === 'hold') return without('wait', ofHost.reason)
  const mostPerHour = maxRestartsOf(container, settings)
  const ofContainer = containerRail({ ...question, containerKey: container.key, mostPerHour }, host, settings)
  if (ofContainer?.verdict === 'wait') return without('wait', ofContainer.reason)
  const rail = ofHost ?? ofContainer
  if (rail !== null) return withRung('ask', rail.reason)
  if (mode === 'approve') return withRung('ask', `${confident}; mode approve: an operator decides`)
  if (isSet(container, 'dockerpulse.critical'))
    return withRung('ask', `${confident}; its label dockerpulse.critical demands a person`)
  const record = judgements[rung.deed.kind] ?? []
  if (mode === 'earned') {
    const { allowed, reason } = mayActAlone(record, settings)
    if (!allowed) return withRung('ask', `${confident}; mode earned: ${reason}`)
  }
  const wrong = runOfWrong(record)
  if (wrong !== null) return withRung('ask', `${confident}; ${wrong}`)
  if (host.actionInFlight) return without('wait', 'another action is running on this host')
  return withRung('act', `${confident}; mode ${mode}`)
}

/** A stop takes at most this share of the time that is left until the failure. */
const GRACE_SHARE_OF_TIME_LEFT = 1 / 3

/**
 * Seconds between SIGTERM and SIGKILL: the container's own grace, shortened where the failure would come first, never
 * below one.
 */
export function stopGraceSeconds(configuredSeconds: number, timeToLimitMs: number | null): number {
  if (timeToLimitMs === null) return configuredSeconds
  return Math.max(1, Math.min(configuredSeconds, Math.floor((timeToLimitMs / 1000) * GRACE_SHARE_OF_TIME_LEFT)))
}
