import type { Cause } from '../contracts/assessment.ts'
import type { Action, ActionState, Explanation, Incident, Phase } from '../contracts/incident.ts'
import {
  acted,
  type Context,
  executing,
  heightened,
  opened,
  proposalOf,
  recorded,
  resolved,
  type Step,
  type Watch,
} from './incident-steps.ts'
import { decideRestart, stopGraceSeconds } from './remediation-policy.ts'

export { type Effect, newWatch, type Plan, type Situation, type Step, type Watch } from './incident-steps.ts'

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

/** A light must stay critical this long: one odd second restarts nobody. */
export const SUSTAIN_MS = 3_000
/** It must stay calm this long before an incident that nobody acted on closes. */
export const CALM_MS = 30_000
/** And this long after a restart before the restart counts as a help. */
export const SETTLE_MS = 20_000
/** A restart after which it does not become calm within this time did not help. */
export const VERIFY_WITHIN_MS = 120_000
/** A container that ended by itself and stays down for so long needs a person. */
export const DOWN_MS = 60_000
/** An operator who does not answer for so long answers a situation that is gone. */
export const PROPOSAL_EXPIRES_MS = 300_000
/** A plan may be refused and made anew; one incident's plans so often only, then a person must look. */
export const MAX_REFUSALS = 3

/** Restarts count for an hour; they are kept for a day, so that a clock set forward and back forgets none. */
const REMEMBER_RESTARTS_MS = 86_400_000

const CAUSE_OF_TURN: Partial<Record<Turn['kind'], Cause>> = {
  oom: 'memory-limit',
  'crash-loop': 'crash-loop',
  unhealthy: 'unhealthy',
}

/**
 * The life cycle of one container's incident: what a stimulus makes of what is remembered, and what is to be done about
 * it. Pure: the same inputs give the same step (`newId` supplies UUIDs). Stimuli that do not fit are without effect.
 */
export function advance(watch: Watch, stimulus: Stimulus, context: Context): Step {
  switch (stimulus.type) {
    case 'assessed':
      return assessed(timed(watch, context), context)
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

/** Looks are a second apart; after this much more the clock has jumped, or the host slept. */
const JUMP_MS = 30_000

/**
 * Starts and stops the clocks, and begins them anew after a jump of time: nobody knows what was in between. What is not
 * evaluated is neither critical nor calm.
 */
function timed(watch: Watch, { situation, settings }: Context): Watch {
  const { at, container, assessment } = situation
  const jumped = watch.lookedAtMs !== null && Math.abs(at - watch.lookedAtMs) > JUMP_MS
  const since = (beganMs: number | null): number => (beganMs === null || jumped ? at : beganMs)
  const probability = assessment?.probability ?? null
  const critical = probability !== null && (assessment?.light === 'critical' || probability >= settings.threshold)
  const calm =
    probability !== null &&
    assessment?.light === 'low' &&
    container.state === 'running' &&
    container.health !== 'unhealthy'
  return {
    ...watch,
    criticalSinceMs: critical ? since(watch.criticalSinceMs) : null,
    calmSinceMs: calm ? since(watch.calmSinceMs) : null,
    downSinceMs: container.state === 'exited' || container.state === 'dead' ? since(watch.downSinceMs) : null,
    verifyingSinceMs: watch.incident?.phase === 'verifying' ? since(watch.verifyingSinceMs) : null,
    lookedAtMs: at,
    restartTimesMs: watch.restartTimesMs.filter((restart) => at - restart < REMEMBER_RESTARTS_MS),
  }
}

/** A proposal from a time that has not come yet is as old as one can be: the clock was set back. */
const hasExpired = ({ at: proposedAt }: Action, at: number): boolean => Math.abs(at - proposedAt) >= PROPOSAL_EXPIRES_MS

function isSustained({ criticalSinceMs }: Watch, at: number): boolean {
  return criticalSinceMs !== null && at - criticalSinceMs >= SUSTAIN_MS
}

function assessed(watch: Watch, context: Context): Step {
  const { at, assessment } = context.situation
  const incident = watch.incident
  if (incident === null) {
    if (!isSustained(watch, at) || assessment === null) return { watch, effects: [] }
    const text = assessment.evidence[0]?.text ?? 'its failure model says critical'
    return considered(opened(watch, assessment.cause ?? 'unknown', text, context), context)
  }
  const calmMs = watch.calmSinceMs === null ? -1 : at - watch.calmSinceMs
  const step = heightened(watch, context)
  switch (incident.phase) {
    case 'verifying':
      return verified(step, calmMs, context)
    case 'awaiting-approval': {
      const proposal = proposalOf(incident)
      if (proposal !== undefined && hasExpired(proposal, at))
        return acted(step, proposal, 'expired', 'escalated', 'nobody answered the proposal in time', context)
      return calmMs >= CALM_MS ? resolved(step, 'the risk passed by itself', context) : step
    }
    case 'detected':
      if (step.watch.downSinceMs !== null && at - step.watch.downSinceMs >= DOWN_MS) {
        const down = `it ended and has not been running for ${DOWN_MS / 1000} s: a person must look`
        return recorded(step, { ...step.watch.incident!, phase: 'escalated' }, 'incident.escalated', null, down, at)
      }
      return calmMs >= CALM_MS ? resolved(step, 'the risk passed by itself', context) : considered(step, context)
    case 'escalated':
      return calmMs >= CALM_MS ? resolved(step, 'it has been calm again for 30 s', context) : step
    default:
      return step
  }
}

/** Asks the policy what to do about an incident that is open and not being dealt with. */
function considered(step: Step, context: Context): Step {
  const { situation, settings, newId } = context
  const incident = step.watch.incident!
  const before = (state: ActionState) => incident.actions.some((one) => one.state === state)
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
  if (verdict === 'none' || verdict === 'wait') return notedOnce(step, verdict, reason, context)
  if (!isSustained(step.watch, situation.at)) return step
  const action = (state: ActionState): Action => ({
    id: newId(),
    kind: 'restart',
    state,
    at: situation.at,
    startedAt: state === 'executing' ? situation.at : null,
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
  if (verdict === 'record') {
    if (before('recorded')) return step
    const wouldRestart = action('recorded')
    return recorded(
      step,
      { ...incident, containerId: situation.container.id, actions: [...incident.actions, wouldRestart] },
      'action.recorded',
      wouldRestart,
      `would have restarted it: ${reason}`,
      situation.at,
    )
  }
  if (before('rejected')) return notedOnce(step, 'none', 'an operator rejected a restart', context)
  if (verdict === 'act') return executing(step, action('executing'), context)
  const proposal = action('proposed')
  return recorded(
    step,
    {
      ...incident,
      containerId: situation.container.id,
      phase: 'awaiting-approval',
      actions: [...incident.actions, proposal],
    },
    'action.proposed',
    proposal,
    `restart proposed: ${reason}`,
    situation.at,
  )
}

/** Why nothing is done, where that is new. */
function notedOnce(step: Step, verdict: string, reason: string, { situation }: Context): Step {
  const { notedVerdicts } = step.watch
  if (notedVerdicts.includes(verdict)) return step
  const noted = recorded(step, step.watch.incident!, 'incident.updated', null, `no action: ${reason}`, situation.at)
  return { ...noted, watch: { ...noted.watch, notedVerdicts: [...notedVerdicts, verdict] } }
}

/** Whether what was done helped. Of a restart that may not have taken place nobody says that it did. */
function verified(step: Step, calmMs: number, context: Context): Step {
  const { at } = context.situation
  const incident = step.watch.incident!
  const action = incident.actions.findLast(({ state }) => state === 'executed' || state === 'unknown')
  if (action === undefined) return step
  const known = action.state === 'executed'
  if (calmMs >= SETTLE_MS) {
    const helped = `it has been running and calm for ${SETTLE_MS / 1000} s since`
    if (!known) return resolved(step, helped, context)
    return resolved(acted(step, action, 'verified', 'verifying', helped, context), 'the restart helped', context)
  }
  if (at - (step.watch.verifyingSinceMs ?? at) < VERIFY_WITHIN_MS) return step
  const late = `it did not become calm within ${VERIFY_WITHIN_MS / 1000} s: a person must look`
  if (!known) return recorded(step, { ...incident, phase: 'escalated' }, 'incident.escalated', null, late, at)
  return acted(step, action, 'ineffective', 'escalated', late, context)
}

function turned(watch: Watch, turn: Turn, context: Context): Step {
  const { at, container } = context.situation
  const cause = CAUSE_OF_TURN[turn.kind]
  const trouble = cause !== undefined || turn.kind === 'crash'
  const now: Watch = trouble ? { ...watch, calmSinceMs: null } : watch
  const incident = now.incident
  if (incident === null)
    return cause === undefined ? { watch: now, effects: [] } : opened(now, cause, turn.text, context)
  if (!isOwnRestart(incident, at)) {
    if (turn.kind === 'planned-stop')
      return resolved({ watch: now, effects: [] }, `${turn.text} by somebody else`, context)
    if (turn.kind === 'completed') return resolved({ watch: now, effects: [] }, turn.text, context)
  }
  const step = withdrawn(now, context)
  const known: Incident = {
    ...step.watch.incident!,
    containerId: container.id,
    cause: cause === 'crash-loop' ? cause : incident.cause,
  }
  const count = (now.turnCounts[turn.kind] ?? 0) + 1
  const counted: Watch = { ...step.watch, incident: known, turnCounts: { ...now.turnCounts, [turn.kind]: count } }
  if (!isPowerOfTwo(count)) return { watch: counted, effects: step.effects }
  const text = count === 1 ? turn.text : `${turn.text} (${count} times so far)`
  return recorded({ ...step, watch: counted }, known, 'incident.updated', null, text, at)
}

/** What comes again and again is written down ever more seldom: a crash loop of a month must not fill the disk. */
const isPowerOfTwo = (count: number): boolean => (count & (count - 1)) === 0

/** A proposal speaks of one container: nobody may approve it for the one that took its place. */
function withdrawn(watch: Watch, context: Context): Step {
  const incident = watch.incident!
  const proposal = proposalOf(incident)
  if (proposal === undefined || context.situation.container.id === incident.containerId) return { watch, effects: [] }
  const reason = 'not done: another container took its place'
  return acted({ watch, effects: [] }, proposal, 'refused', 'detected', reason, context)
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
  const by = `explained by ${explanation.source}`
  return recorded({ watch, effects: [] }, next, 'incident.explained', null, by, situation.at)
}

function actionDone(watch: Watch, done: Extract<Stimulus, { type: 'action-done' }>, context: Context): Step {
  const action = watch.incident?.actions.find(({ id, state }) => id === done.actionId && state === 'executing')
  if (watch.incident === null || action === undefined) return { watch, effects: [] }
  const refused = done.outcome === 'refused'
  const refusals = watch.incident.actions.filter(({ state }) => state === 'refused').length + Number(refused)
  const again = refused && refusals < MAX_REFUSALS
  const phase: Phase = done.outcome === 'executed' ? 'verifying' : again ? 'detected' : 'escalated'
  const restartTimesMs = refused ? watch.restartTimesMs.slice(0, -1) : watch.restartTimesMs
  const now: Watch = { ...watch, restartTimesMs, criticalSinceMs: null, calmSinceMs: null }
  const reason = refused && !again ? `${done.reason}; that was the last try: a person must look` : done.reason
  return acted({ watch: now, effects: [] }, action, done.outcome, phase, reason, context)
}

/** Why an operator's approval of a proposal cannot be carried out now, or `null`. */
function objection(incident: Incident, { situation }: Context): string | null {
  const { container, mode, protectedBecause, host } = situation
  if (container.id !== incident.containerId) return 'the situation has changed: the container is another one now'
  if (container.state !== 'running') return `the situation has changed: the container is ${container.state}`
  if (protectedBecause !== null) return protectedBecause
  if (mode === 'observe' || mode === 'shadow') return `mode ${mode}: nothing is touched`
  return host.actionInFlight ? 'another action is running on this host: try again in a moment' : null
}

function operatorSpoke(watch: Watch, said: Extract<Stimulus, { type: 'operator' }>, context: Context): Step {
  const { at } = context.situation
  const refuse = (refusal: string): Step => ({ watch, effects: [], refusal })
  const incident = watch.incident
  const action = incident?.actions.find(({ id }) => id === said.actionId)
  if (incident === null || action === undefined) return refuse('its incident is closed')
  if (action.state !== 'proposed') return refuse(`it is ${action.state}: only a proposed action can be answered`)
  if (hasExpired(action, at)) return refuse('the proposal has expired')
  const why = said.reason === '' ? '' : `: ${said.reason}`
  const answered: Action = { ...action, by: said.by }
  if (said.word === 'reject') {
    const reason = `rejected by ${said.by}${why}`
    return acted({ watch, effects: [] }, answered, 'rejected', 'detected', reason, context)
  }
  const refusal = objection(incident, context)
  if (refusal !== null) return refuse(refusal)
  const approved: Action = {
    ...answered,
    state: 'executing',
    startedAt: at,
    reason: `approved by ${said.by}${why}; ${action.reason}`,
  }
  const noted = recorded({ watch, effects: [] }, incident, 'action.approved', answered, approved.reason, at)
  return executing(noted, approved, context)
}
