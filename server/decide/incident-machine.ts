import type { Cause } from '../contracts/assessment.ts'
import {
  type Action,
  type ActionState,
  type Explanation,
  FAILURES_KEPT,
  type Incident,
  type Phase,
} from '../contracts/incident.ts'
import {
  acted,
  type Context,
  executing,
  heightened,
  opened,
  proposalOf,
  recorded,
  resolved,
  restingPhase,
  type Step,
  type Watch,
} from './incident-steps.ts'
import { decideRemedy, stopGraceSeconds } from './remediation-policy.ts'
import { criticality, isSustained, timed } from './watch-clocks.ts'

export {
  type Effect,
  type FollowsFrom,
  hasOwnTrouble,
  newWatch,
  type Plan,
  type Situation,
  type Step,
  type Watch,
} from './incident-steps.ts'

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
  | { type: 'lease-over'; actionId: string }
  | {
      type: 'action-done'
      actionId: string
      outcome: 'executed' | 'failed' | 'refused'
      reason: string
      /** When the engine was asked; `null` where it was not. */
      askedAt: number | null
    }
  | { type: 'operator'; actionId: string; word: 'approve' | 'reject'; by: string; reason: string }

/** It must stay calm this long before an incident that nobody acted on closes. */
export const CALM_MS = 30_000
/** And this long after an action before the action counts as a help, within this time, where no runbook says otherwise. */
export const VERIFY = { calmSeconds: 20, withinSeconds: 120 }
/** Its health check may take so long to speak for the first time. */
const LONGEST_START_MS = 600_000
/** A container that ended by itself and stays down for so long needs a person. */
export const DOWN_MS = 60_000
/** An operator who does not answer for so long answers a situation that is gone. */
export const PROPOSAL_EXPIRES_MS = 300_000
/** A plan may be refused and made anew; one incident's plans so often only, then a person must look. */
export const MAX_REFUSALS = 3

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
    case 'lease-over':
      return leaseOver(watch, stimulus.actionId, context)
    case 'action-done':
      return actionDone(watch, stimulus, context)
    case 'operator':
      return operatorSpoke(watch, stimulus, context)
  }
}

/** A proposal from a time that has not come yet is as old as one can be: the clock was set back. */
const hasExpired = ({ at: proposedAt }: Action, at: number): boolean => Math.abs(at - proposedAt) >= PROPOSAL_EXPIRES_MS

/** The risk was there and went: an incident that nobody had to do anything about. */
function passed(step: Step, reason: string, context: Context): Step {
  const closed = resolved(step, 'passed', reason, context)
  const passedTimesMs = [...closed.watch.passedTimesMs, context.situation.at]
  return { ...closed, watch: { ...closed.watch, passedTimesMs } }
}

function assessed(watch: Watch, context: Context): Step {
  const { at, assessment } = context.situation
  const incident = watch.incident
  if (incident === null) {
    if (!isSustained(watch, context.situation) || assessment === null) return { watch, effects: [] }
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
      return calmMs >= CALM_MS ? passed(step, 'the risk passed by itself', context) : step
    }
    case 'diagnosing':
    case 'detected':
    case 'proposed':
    case 'suppressed':
      if (step.watch.downSinceMs !== null && at - step.watch.downSinceMs >= DOWN_MS) {
        const down = `it ended and has not been running for ${DOWN_MS / 1000} s: a person must look`
        return recorded(step, { ...step.watch.incident!, phase: 'escalated' }, 'incident.escalated', null, down, at)
      }
      return calmMs >= CALM_MS ? passed(step, 'the risk passed by itself', context) : considered(step, context)
    case 'escalated':
      return calmMs >= CALM_MS ? resolved(step, 'passed', 'it has been calm again for 30 s', context) : step
    default:
      return step
  }
}

/** Asks the policy what to do about an incident that is open and not being dealt with. */
function considered(step: Step, context: Context): Step {
  const { situation, settings, newId } = context
  const incident = step.watch.incident!
  const before = (state: ActionState) => incident.actions.some((one) => one.state === state)
  const { verdict, reason, rung } = decideRemedy({
    ...situation,
    followsFrom: situation.followsFrom?.reason ?? null,
    cause: incident.cause,
    probability: situation.assessment?.probability ?? null,
    actionTimesMs: step.watch.actionTimesMs,
    attempts: step.watch.attempts,
    lastWasGentle: step.watch.lastWasGentle,
    actions: incident.actions,
    settings,
  })
  if (rung === null && step.watch.criticalSinceMs !== null) step = { ...step, watch: { ...step.watch, heldUp: true } }
  const suppressed = situation.followsFrom !== null
  const followsNeeded = situation.followsFrom?.needed ?? false
  if (followsNeeded !== step.watch.followsNeeded) step = { ...step, watch: { ...step.watch, followsNeeded } }
  if (suppressed !== (incident.phase === 'suppressed')) {
    const phase: Phase = suppressed ? 'suppressed' : restingPhase(incident)
    const text = situation.followsFrom?.reason ?? 'what it followed from is over'
    return recorded(step, { ...incident, phase }, 'incident.updated', null, text, situation.at)
  }
  if (rung === null) {
    const tried = incident.actions.some(({ state }) => state === 'ineffective')
    const note = situation.runbook?.solutions.find(({ action }) => action === 'note')
    const noted = note !== undefined && situation.at - incident.openedAt >= note.waitSeconds * 1000
    const mayAct = situation.mode !== 'observe' && situation.protectedBecause === null
    if (verdict === 'none' && mayAct && (tried || noted) && isSustained(step.watch, situation)) {
      const text = `${situation.runbook?.escalate ?? 'a person must look'} (${reason})`
      return recorded(step, { ...incident, phase: 'escalated' }, 'incident.escalated', null, text, situation.at)
    }
    return notedOnce(step, verdict, reason, context)
  }
  if (!isSustained(step.watch, situation)) return step
  const { deed, solution } = rung
  const action = (state: ActionState): Action => ({
    id: newId(),
    kind: deed.kind,
    deed,
    runbook: situation.runbook?.name ?? null,
    state,
    at: situation.at,
    crossedAt: incident.actions.length > 0 || step.watch.heldUp ? null : step.watch.criticalReadAtMs,
    startedAt: state === 'executing' ? situation.at : null,
    askedAt: null,
    finishedAt: null,
    by: 'dockerpulse',
    forced: state === 'executing',
    probability: situation.assessment?.probability ?? null,
    threshold: settings.threshold,
    stopGraceSeconds: stopGraceSeconds(
      situation.container.stopGraceSeconds,
      situation.assessment?.timeToLimitMs ?? null,
    ),
    leaseUntil: solution.leaseMinutes === undefined ? null : situation.at + solution.leaseMinutes * 60_000,
    takenBackAt: null,
    reason,
  })
  if (verdict === 'record') {
    if (before('recorded')) return step
    const wouldDo = action('recorded')
    return recorded(
      step,
      {
        ...incident,
        containerId: situation.container.id,
        phase: 'proposed',
        actions: [...incident.actions, wouldDo],
      },
      'action.recorded',
      wouldDo,
      `would have done this: ${deed.kind}: ${reason}`,
      situation.at,
    )
  }
  if (before('rejected')) return notedOnce(step, 'none', 'an operator rejected what was proposed', context)
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
    `${deed.kind} proposed: ${reason}`,
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

/** What more CPU brings is to be seen after so long; to wait for calm would let the failure come. */
const RELIEF_MS = 15_000
const AT_LIMIT_SHARE = 0.95

const isAtLimit = ({ situation }: Context): boolean => (situation.sample?.cpuShareOfLimit ?? 0) >= AT_LIMIT_SHARE

/** Whether what was done helped. Of an action that may not have taken place nobody says that it did. */
function verified(step: Step, calmMs: number, context: Context): Step {
  const { at } = context.situation
  const incident = step.watch.incident!
  const action = incident.actions.findLast(({ state }) => state === 'executed' || state === 'unknown')
  if (action === undefined) return step
  const known = action.state === 'executed'
  const verify = context.situation.runbook?.verify ?? VERIFY
  const { state } = context.situation.container
  // A stop has done what it was for where the container stays down: it can never be running and calm.
  const staysDown = action.kind === 'stop' && (state === 'exited' || state === 'dead')
  const downMs = staysDown ? at - (step.watch.verifyingSinceMs ?? at) : -1
  if (Math.max(calmMs, downMs) >= verify.calmSeconds * 1000) {
    const helped = `it has been ${staysDown ? 'stopped, as decided,' : 'running and calm'} for ${verify.calmSeconds} s since`
    if (!known) return resolved(step, 'cut-short', helped, context)
    const done = acted(step, action, 'verified', 'verifying', helped, context)
    return resolved(done, 'helped', `${action.kind} helped`, context)
  }
  const { verifyingSinceMs } = step.watch
  const startedMs = Math.abs(at - (action.finishedAt ?? action.at))
  if (verifyingSinceMs === null && startedMs < LONGEST_START_MS) return step
  const sinceMs = verifyingSinceMs === null ? startedMs : at - verifyingSinceMs
  if (action.kind === 'raise-cpu-limit' && sinceMs >= RELIEF_MS && isAtLimit(context))
    return acted(step, action, 'ineffective', 'detected', 'it is at its new limit as well', context)
  if (sinceMs < verify.withinSeconds * 1000) return step
  const late = `it did not become calm within ${verify.withinSeconds} s`
  if (!known)
    return recorded(
      step,
      { ...incident, phase: 'escalated' },
      'incident.escalated',
      null,
      `${late}: a person must look`,
      at,
    )
  // The next rung is looked for at the next look; where there is none a person is called.
  return acted(step, action, 'ineffective', 'detected', late, context)
}

function turned(watch: Watch, turn: Turn, context: Context): Step {
  const { at, container } = context.situation
  const cause = CAUSE_OF_TURN[turn.kind]
  const trouble = cause !== undefined || turn.kind === 'crash'
  const { situation, settings } = context
  const now: Watch = trouble
    ? { ...watch, ...criticality(watch, situation, settings, false), calmSinceMs: null }
    : watch
  const incident = now.incident
  if (incident === null) {
    if (cause === undefined) return { watch: now, effects: [] }
    const step = opened(now, cause, turn.text, context)
    const failed: Incident = { ...step.watch.incident!, failures: [{ at, kind: turn.kind }] }
    return { ...step, watch: { ...step.watch, incident: failed } }
  }
  if (!isOwnRestart(incident, at)) {
    if (turn.kind === 'planned-stop')
      return resolved({ watch: now, effects: [] }, 'cut-short', `${turn.text} by somebody else`, context)
    if (turn.kind === 'completed') return resolved({ watch: now, effects: [] }, 'cut-short', turn.text, context)
  }
  const step = withdrawn(now, context)
  const known: Incident = {
    ...step.watch.incident!,
    containerId: container.id,
    cause: cause === 'crash-loop' ? cause : incident.cause,
    failures: trouble ? [...incident.failures, { at, kind: turn.kind }].slice(-FAILURES_KEPT) : incident.failures,
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
  const done = incident.actions.findLast(({ state }) => state === 'executed' || state === 'unknown')
  if (incident.phase !== 'verifying' || done === undefined) return false
  // The engine may still be at what the service asked for before it ended.
  const graceMs = done.state === 'unknown' ? done.stopGraceSeconds * 1000 : 0
  return at - (done.finishedAt ?? 0) <= graceMs + OWN_EVENTS_WITHIN_MS
}

function removed(watch: Watch, context: Context): Step {
  if (watch.incident === null || watch.incident.phase === 'acting') return { watch, effects: [] }
  return resolved({ watch, effects: [] }, 'cut-short', 'the container was removed', context)
}

/**
 * After a restart of the service: an action that was in flight is closed as unknown, never repeated blindly, and what was
 * not explained yet is asked for again.
 */
function resumed(watch: Watch, context: Context): Step {
  const { incident } = watch
  const inFlight = incident?.actions.findLast(({ state }) => state === 'executing')
  if (inFlight === undefined) {
    const unexplained = incident !== null && incident.phase === 'diagnosing'
    return { watch, effects: unexplained ? [{ type: 'diagnose', incident }] : [] }
  }
  const reason = 'the service ended in the middle of it: whether it took place is not known'
  return acted({ watch, effects: [] }, inFlight, 'unknown', 'verifying', reason, context)
}

function explained(watch: Watch, explanation: Explanation, { situation }: Context): Step {
  if (watch.incident === null) return { watch, effects: [] }
  const known: Incident = { ...watch.incident, explanation }
  const next = known.phase === 'diagnosing' ? { ...known, phase: restingPhase(known) } : known
  const by = `explained by ${explanation.source}`
  return recorded({ watch, effects: [] }, next, 'incident.explained', null, by, situation.at)
}

/** What was done for a time was put back. */
function leaseOver(watch: Watch, actionId: string, { situation }: Context): Step {
  const { incident } = watch
  if (incident === null) return { watch, effects: [] }
  const actions = incident.actions.map((one) => (one.id === actionId ? { ...one, takenBackAt: situation.at } : one))
  return { watch: { ...watch, incident: { ...incident, actions } }, effects: [] }
}

function actionDone(watch: Watch, done: Extract<Stimulus, { type: 'action-done' }>, context: Context): Step {
  const action = watch.incident?.actions.find(({ id, state }) => id === done.actionId && state === 'executing')
  if (watch.incident === null || action === undefined) return { watch, effects: [] }
  const refused = done.outcome === 'refused'
  const refusals = watch.incident.actions.filter(({ state }) => state === 'refused').length + Number(refused)
  const again = refused && refusals < MAX_REFUSALS
  const phase: Phase = done.outcome === 'executed' ? 'verifying' : again ? 'detected' : 'escalated'
  const actionTimesMs = refused ? watch.actionTimesMs.slice(0, -1) : watch.actionTimesMs
  const attempts = refused ? Math.max(0, watch.attempts - 1) : watch.attempts
  const now: Watch = {
    ...watch,
    actionTimesMs,
    attempts,
    criticalSinceMs: null,
    criticalReadAtMs: null,
    calmSinceMs: null,
  }
  const reason = refused && !again ? `${done.reason}; that was the last try: a person must look` : done.reason
  return acted({ watch: now, effects: [] }, { ...action, askedAt: done.askedAt }, done.outcome, phase, reason, context)
}

/** Why an operator's approval of a proposal cannot be carried out now, or `null`. */
function objection(incident: Incident, { situation }: Context): string | null {
  const { container, mode, protectedBecause, host, assessment } = situation
  if (host.stopped !== null) return `the stop switch is on: ${host.stopped}`
  if (container.id !== incident.containerId) return 'the situation has changed: the container is another one now'
  if (container.state !== 'running') return `the situation has changed: the container is ${container.state}`
  if (protectedBecause !== null) return protectedBecause
  if (mode === 'observe' || mode === 'shadow') return `mode ${mode}: nothing is touched`
  const probability = assessment?.probability ?? null
  if (probability === null || assessment?.light === 'low')
    return `the situation has changed: its risk is ${probability === null ? 'not known now' : 'low again'}`
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
