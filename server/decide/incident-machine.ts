import type { Assessment, Cause } from '../contracts/assessment.ts'
import type { AuditEvent } from '../contracts/audit.ts'
import type { Action, ActionState, Explanation, Incident, Mode, Phase } from '../contracts/incident.ts'
import type { Container, Sample } from '../contracts/telemetry.ts'
import { decideRestart, type HostFacts, type PolicySettings, stopGraceSeconds } from './remediation-policy.ts'

/** What is remembered of one container between two looks. `key` is who it is across re-creation. */
export type Watch = {
  key: string
  incident: Incident | null
  criticalSinceMs: number | null
  calmSinceMs: number | null
  /** Restarts asked for by the program, oldest first, of the last hour. */
  restartTimesMs: readonly number[]
  /** The last verdict on the open incident, so that the same one is not written down each second. */
  lastVerdict: string | null
}

/** What is known at the moment of a decision. */
export type Situation = {
  at: number
  container: Container
  mode: Mode
  protectedBecause: string | null
  sample: Sample | null
  assessment: Assessment | null
  host: HostFacts
}

/** A turn in a container's life that decides something here (see analyse/life). */
export type Turn = {
  kind: 'started' | 'planned-stop' | 'completed' | 'recovered' | 'oom' | 'crash' | 'crash-loop' | 'unhealthy'
  text: string
}

export type Stimulus =
  | { type: 'assessed' }
  | { type: 'turned'; turn: Turn }
  | { type: 'removed' }
  | { type: 'resumed' }
  | { type: 'explained'; explanation: Explanation }
  | { type: 'action-done'; actionId: string; outcome: 'executed' | 'failed' | 'refused'; reason: string }
  | { type: 'operator'; actionId: string; word: 'approve' | 'reject'; by: string; reason: string }

/** What the shell is to do: data, so that tests and replay can read it. Each record carries the incident as it then is. */
export type Effect =
  | {
      type: 'record'
      event: AuditEvent
      incident: Incident
      action: Action | null
      decision: string
      reason: string
      result: string
    }
  | { type: 'execute'; incident: Incident; action: Action; plan: Plan }
  | { type: 'diagnose'; incident: Incident }

/** What must still be so when the action is carried out. */
export type Plan = { plannedAt: number; containerId: string; startedAt: number | null; imageId: string }

/** `refusal` says why an operator's word was not taken. */
export type Step = { watch: Watch; effects: Effect[]; refusal?: string }

/** A light must stay critical this long: one odd second restarts nobody. */
export const SUSTAIN_MS = 3_000
/** It must stay calm this long before an incident that nobody acted on closes. */
export const CALM_MS = 30_000
/** And this long after a restart before the restart counts as a help. */
export const SETTLE_MS = 20_000
/** A restart after which it does not become calm within this time did not help. */
export const VERIFY_WITHIN_MS = 120_000
/** An operator who does not answer for so long answers a situation that is gone. */
export const PROPOSAL_EXPIRES_MS = 300_000

const HOUR_MS = 3_600_000

const CAUSE_OF_TURN: Partial<Record<Turn['kind'], Cause>> = {
  oom: 'memory-limit',
  'crash-loop': 'crash-loop',
  unhealthy: 'unhealthy',
}

/** A container that nothing is known of yet. */
export function newWatch(key: string): Watch {
  return { key, incident: null, criticalSinceMs: null, calmSinceMs: null, restartTimesMs: [], lastVerdict: null }
}

type Context = { situation: Situation; settings: PolicySettings; newId: () => string }

/**
 * The life cycle of one container's incident: what a stimulus makes of what is remembered, and what is to be done about
 * it. Pure: the same inputs give the same step (`newId` supplies UUIDs). Stimuli that do not fit are without effect.
 */
export function advance(watch: Watch, stimulus: Stimulus, context: Context): Step {
  switch (stimulus.type) {
    case 'assessed':
      return assessed(timed(watch, context.situation), context)
    case 'turned':
      return turned(watch, stimulus.turn, context)
    case 'removed':
      return removed(watch, context)
    case 'resumed':
      return resumed(watch, context)
    case 'explained':
      return explained(watch, stimulus.explanation, context)
    case 'action-done':
      return actionDone(watch, stimulus, context)
    case 'operator':
      return operatorSpoke(watch, stimulus, context)
  }
}

/** Starts and stops the two clocks. What is not evaluated is neither critical nor calm. */
function timed(watch: Watch, { at, container, assessment }: Situation): Watch {
  const evaluated = assessment !== null && assessment.probability !== null
  const critical = evaluated && assessment.light === 'critical'
  const calm =
    evaluated && assessment.light === 'low' && container.state === 'running' && container.health !== 'unhealthy'
  return {
    ...watch,
    criticalSinceMs: critical ? (watch.criticalSinceMs ?? at) : null,
    calmSinceMs: calm ? (watch.calmSinceMs ?? at) : null,
    restartTimesMs: watch.restartTimesMs.filter((restart) => at - restart < HOUR_MS),
  }
}

function assessed(watch: Watch, context: Context): Step {
  const { at, assessment } = context.situation
  const incident = watch.incident
  if (incident === null) {
    const sustained = watch.criticalSinceMs !== null && at - watch.criticalSinceMs >= SUSTAIN_MS
    if (!sustained || assessment === null) return { watch, effects: [] }
    const text = assessment.evidence[0]?.text ?? 'its failure model says critical'
    return considered(opened(watch, assessment.cause ?? 'unknown', text, context), context)
  }
  const calmMs = watch.calmSinceMs === null ? -1 : at - watch.calmSinceMs
  const step = heightened(watch, context)
  switch (incident.phase) {
    case 'verifying':
      return verified(step, calmMs, context)
    case 'awaiting-approval': {
      const proposal = incident.actions.findLast(({ state }) => state === 'proposed')
      if (proposal !== undefined && at - proposal.at >= PROPOSAL_EXPIRES_MS)
        return acted(step, proposal, 'expired', 'escalated', 'nobody answered the proposal in time', context)
      if (proposal !== undefined && calmMs >= CALM_MS)
        return resolved(
          acted(step, proposal, 'expired', 'detected', 'the risk passed', context),
          'the risk passed by itself',
          context,
        )
      return step
    }
    case 'detected':
      return calmMs >= CALM_MS ? resolved(step, 'the risk passed by itself', context) : considered(step, context)
    case 'escalated':
      return calmMs >= CALM_MS ? resolved(step, 'it has been calm again for 30 s', context) : step
    default:
      return step
  }
}

/** Keeps the highest probability seen; a light that rises is worth a line. */
function heightened(watch: Watch, { situation }: Context): Step {
  const { assessment } = situation
  const incident = watch.incident!
  const probability = assessment?.probability ?? null
  if (assessment === null || probability === null || probability <= (incident.probability ?? -1))
    return { watch, effects: [] }
  const rises = assessment.light === 'critical' && incident.light !== 'critical'
  const next: Incident = { ...incident, probability, light: assessment.light, evidence: assessment.evidence }
  if (!rises) return { watch: { ...watch, incident: next }, effects: [] }
  return recorded({ watch, effects: [] }, next, 'incident.updated', null, 'the light turned critical', situation.at)
}

function opened(watch: Watch, cause: Cause, text: string, { situation, newId }: Context): Step {
  const { at, container, mode, sample, assessment } = situation
  const incident: Incident = {
    id: newId(),
    containerKey: watch.key,
    containerId: container.id,
    containerName: container.name,
    composeProject: container.composeProject,
    mode,
    cause,
    openedAt: at,
    closedAt: null,
    phase: 'detected',
    light: assessment?.light ?? 'low',
    probability: assessment?.probability ?? null,
    evidence: assessment?.evidence ?? [],
    snapshot: {
      at,
      image: container.image,
      startedAt: container.startedAt,
      restartCount: container.restartCount,
      exitCode: container.exitCode,
      health: container.health,
      memoryLimitBytes: container.memoryLimitBytes,
      cpuLimitCores: container.cpuLimitCores,
      sample,
      assessment,
    },
    explanation: null,
    actions: [],
    history: [],
  }
  const step = recorded(
    { watch: { ...watch, lastVerdict: null }, effects: [] },
    incident,
    'incident.opened',
    null,
    text,
    at,
  )
  return { ...step, effects: [...step.effects, { type: 'diagnose', incident: step.watch.incident! }] }
}

/** Asks the policy what to do about an incident that is open and not being dealt with. */
function considered(step: Step, context: Context): Step {
  const { situation, settings, newId } = context
  const incident = step.watch.incident!
  const { verdict, reason } = decideRestart({
    at: situation.at,
    container: situation.container,
    cause: incident.cause,
    probability: situation.assessment?.probability ?? null,
    mode: situation.mode,
    protectedBecause: situation.protectedBecause,
    restartTimesMs: step.watch.restartTimesMs,
    host: situation.host,
    settings,
  })
  const action = (state: ActionState): Action => ({
    id: newId(),
    kind: 'restart',
    state,
    at: situation.at,
    finishedAt: null,
    by: 'dockerpulse',
    forced: state === 'executing',
    probability: situation.assessment?.probability ?? null,
    threshold: settings.threshold,
    stopGraceSeconds: stopGraceSeconds(
      situation.container.stopGraceSeconds,
      situation.assessment?.timeToLimitMs ?? null,
    ),
    reason,
  })
  const before = (state: ActionState) => incident.actions.some((one) => one.state === state)
  if (verdict === 'act') return executing(step, action('executing'), context)
  if (verdict === 'record' && !before('recorded')) {
    const wouldRestart = action('recorded')
    return recorded(
      step,
      { ...incident, actions: [...incident.actions, wouldRestart] },
      'action.recorded',
      wouldRestart,
      `would have restarted it: ${reason}`,
      situation.at,
    )
  }
  if (verdict === 'ask' && !before('rejected') && !before('expired')) {
    const proposal = action('proposed')
    return recorded(
      step,
      { ...incident, phase: 'awaiting-approval', actions: [...incident.actions, proposal] },
      'action.proposed',
      proposal,
      `restart proposed: ${reason}`,
      situation.at,
    )
  }
  if ((verdict === 'none' || verdict === 'wait') && step.watch.lastVerdict !== verdict) {
    const noted = recorded(step, incident, 'incident.updated', null, `no action: ${reason}`, situation.at)
    return { ...noted, watch: { ...noted.watch, lastVerdict: verdict } }
  }
  return step
}

function executing(step: Step, action: Action, { situation }: Context): Step {
  const incident = step.watch.incident!
  const others = incident.actions.filter(({ id }) => id !== action.id)
  const next: Incident = { ...incident, phase: 'acting', actions: [...others, action] }
  const noted = recorded(step, next, 'action.intended', action, `restarting it: ${action.reason}`, situation.at)
  const { container, at } = situation
  return {
    watch: { ...noted.watch, restartTimesMs: [...noted.watch.restartTimesMs, at], lastVerdict: null },
    effects: [
      ...noted.effects,
      {
        type: 'execute',
        incident: noted.watch.incident!,
        action,
        plan: { plannedAt: at, containerId: container.id, startedAt: container.startedAt, imageId: container.imageId },
      },
    ],
  }
}

const EVENT_OF_STATE: Partial<Record<ActionState, AuditEvent>> = {
  executed: 'action.executed',
  failed: 'action.failed',
  refused: 'action.refused',
  rejected: 'action.rejected',
  expired: 'action.expired',
  verified: 'action.verified',
  ineffective: 'action.ineffective',
  unknown: 'action.unknown',
}

/** An action reaches a new state, and the incident a new phase with it. */
function acted(
  step: Step,
  action: Action,
  state: ActionState,
  phase: Phase,
  reason: string,
  { situation }: Context,
): Step {
  const incident = step.watch.incident!
  const ended: Action = { ...action, state, finishedAt: action.finishedAt ?? situation.at }
  const actions = incident.actions.map((one) => (one.id === action.id ? ended : one))
  return recorded(step, { ...incident, phase, actions }, EVENT_OF_STATE[state]!, ended, reason, situation.at)
}

function verified(step: Step, calmMs: number, context: Context): Step {
  const { at } = context.situation
  const action = step.watch.incident!.actions.findLast(({ state }) => state === 'executed' || state === 'unknown')
  if (action === undefined) return step
  if (calmMs >= SETTLE_MS) {
    const helped = `it has been running and calm for ${SETTLE_MS / 1000} s since`
    return resolved(acted(step, action, 'verified', 'verifying', helped, context), 'the restart helped', context)
  }
  if (at - (action.finishedAt ?? action.at) < VERIFY_WITHIN_MS) return step
  const late = `it did not become calm within ${VERIFY_WITHIN_MS / 1000} s: a person must look`
  return acted(step, action, 'ineffective', 'escalated', late, context)
}

function resolved(step: Step, reason: string, { situation }: Context): Step {
  const closed: Incident = { ...step.watch.incident!, phase: 'resolved', closedAt: situation.at }
  const noted = recorded(step, closed, 'incident.resolved', null, reason, situation.at)
  return { ...noted, watch: { ...noted.watch, incident: null, lastVerdict: null } }
}

/** Writes a line into the incident's story and into the audit log. */
function recorded(
  step: Step,
  incident: Incident,
  event: AuditEvent,
  action: Action | null,
  text: string,
  at: number,
): Step {
  const next: Incident = { ...incident, history: [...incident.history, { at, event, text }] }
  return {
    watch: { ...step.watch, incident: next },
    effects: [
      ...step.effects,
      {
        type: 'record',
        event,
        incident: next,
        action,
        decision: action?.kind ?? 'none',
        reason: text,
        result: action?.state ?? next.phase,
      },
    ],
  }
}

function turned(watch: Watch, turn: Turn, context: Context): Step {
  const { at, container } = context.situation
  const cause = CAUSE_OF_TURN[turn.kind]
  const trouble = cause !== undefined || turn.kind === 'crash'
  const now: Watch = trouble ? { ...watch, calmSinceMs: null } : watch
  const incident = now.incident
  if (incident === null)
    return cause === undefined ? { watch: now, effects: [] } : opened(now, cause, turn.text, context)
  if (turn.kind === 'planned-stop' && !isOwnRestart(incident, at))
    return resolved({ watch: now, effects: [] }, `${turn.text} by somebody else`, context)
  const known: Incident = {
    ...incident,
    containerId: container.id,
    cause: cause === 'crash-loop' ? cause : incident.cause,
  }
  return recorded({ watch: now, effects: [] }, known, 'incident.updated', null, turn.text, at)
}

/** Events arrive a moment after the engine's answer to the restart that caused them. */
const OWN_EVENTS_WITHIN_MS = 5_000

function isOwnRestart(incident: Incident, at: number): boolean {
  if (incident.phase === 'acting') return true
  const done = incident.actions.findLast(({ state }) => state === 'executed')
  return incident.phase === 'verifying' && done !== undefined && at - (done.finishedAt ?? 0) <= OWN_EVENTS_WITHIN_MS
}

function removed(watch: Watch, context: Context): Step {
  if (watch.incident === null || watch.incident.phase === 'acting') return { watch, effects: [] }
  return resolved({ watch, effects: [] }, 'the container was removed', context)
}

/** After a restart of the service: an action that was in flight is closed as unknown, never repeated blindly. */
function resumed(watch: Watch, context: Context): Step {
  const inFlight = watch.incident?.actions.findLast(({ state }) => state === 'executing')
  if (inFlight === undefined) return { watch, effects: [] }
  const reason = 'the service ended in the middle of it: whether the restart took place is not known'
  return acted({ watch, effects: [] }, inFlight, 'unknown', 'verifying', reason, context)
}

function explained(watch: Watch, explanation: Explanation, { situation }: Context): Step {
  if (watch.incident === null) return { watch, effects: [] }
  const next: Incident = { ...watch.incident, explanation }
  return recorded(
    { watch, effects: [] },
    next,
    'incident.explained',
    null,
    `explained by ${explanation.source}`,
    situation.at,
  )
}

function actionDone(watch: Watch, done: Extract<Stimulus, { type: 'action-done' }>, context: Context): Step {
  const action = watch.incident?.actions.find(({ id, state }) => id === done.actionId && state === 'executing')
  if (action === undefined) return { watch, effects: [] }
  const phase: Phase = done.outcome === 'executed' ? 'verifying' : done.outcome === 'refused' ? 'detected' : 'escalated'
  const restartTimesMs = done.outcome === 'refused' ? watch.restartTimesMs.slice(0, -1) : watch.restartTimesMs
  const now: Watch = { ...watch, restartTimesMs, criticalSinceMs: null, calmSinceMs: null }
  return acted({ watch: now, effects: [] }, action, done.outcome, phase, done.reason, context)
}

function operatorSpoke(watch: Watch, said: Extract<Stimulus, { type: 'operator' }>, context: Context): Step {
  const { at, container } = context.situation
  const refuse = (refusal: string): Step => ({ watch, effects: [], refusal })
  const incident = watch.incident
  const action = incident?.actions.find(({ id }) => id === said.actionId)
  if (incident === null || action === undefined) return refuse('its incident is closed')
  if (action.state !== 'proposed') return refuse(`it is ${action.state}: only a proposed action can be answered`)
  if (at - action.at >= PROPOSAL_EXPIRES_MS) return refuse('the proposal has expired')
  const why = said.reason === '' ? '' : `: ${said.reason}`
  if (said.word === 'reject')
    return acted(
      { watch, effects: [] },
      { ...action, by: said.by },
      'rejected',
      'detected',
      `rejected by ${said.by}${why}`,
      context,
    )
  if (container.id !== incident.containerId || container.state !== 'running')
    return refuse(
      `the situation has changed: the container is ${container.id === incident.containerId ? container.state : 'another one now'}`,
    )
  const approved: Action = { ...action, state: 'executing', by: said.by, reason: `approved by ${said.by}${why}` }
  const noted = recorded({ watch, effects: [] }, incident, 'action.approved', action, approved.reason, at)
  return executing(noted, approved, context)
}
