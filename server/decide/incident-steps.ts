import type { Assessment, Cause } from '../contracts/assessment.ts'
import type { AuditEvent } from '../contracts/audit.ts'
import type { Judgement } from '../contracts/autonomy.ts'
import {
  type Action,
  type ActionKind,
  type ActionState,
  type Ending,
  FIRST_LINES_KEPT,
  type Incident,
  type Mode,
  NEWEST_LINES_KEPT,
  type Phase,
} from '../contracts/incident.ts'
import type { Runbook } from '../contracts/runbook.ts'
import type { Container, Sample } from '../contracts/telemetry.ts'
import type { Surroundings } from './ladder.ts'
import type { HostFacts } from './rails.ts'
import type { PolicySettings } from './remediation-policy.ts'

/** What is remembered of one container between two looks. `key` is who it is across re-creation. */
export type Watch = {
  key: string
  incident: Incident | null
  criticalSinceMs: number | null
  /** The time of the reading that turned critical. */
  criticalReadAtMs: number | null
  /** It would have been acted upon since, had nothing stood in the way. */
  heldUp: boolean
  calmSinceMs: number | null
  /** Since when it has not been running, without anybody having asked for that. */
  downSinceMs: number | null
  /** Since when the effect of an action is being watched: not while its health check has not spoken yet. */
  verifyingSinceMs: number | null
  /** When it was looked at last; a clock that jumped shows here. */
  lookedAtMs: number | null
  /** Actions of the program, in the order of asking, of the last day; and how many since it was healthy for long. */
  actionTimesMs: readonly number[]
  attempts: number
  lastWasGentle: boolean
  healthySinceMs: number | null
  /** When incidents passed by themselves lately. */
  passedTimesMs: readonly number[]
  /** What is written down of the open incident already: verdicts that came and go are not written again. */
  notedVerdicts: readonly string[]
  /** Its trouble is explained by one that it needs: while that lasts it says nothing of the host. */
  followsNeeded: boolean
  /** How often each kind of turn came in the open incident. */
  turnCounts: Readonly<Record<string, number>>
}

/**
 * Why an incident is not one of its own. `needed`: it comes from one that the container says it depends on and that is in
 * trouble itself; else it only looks like one with another.
 */
export type FollowsFrom = { reason: string; needed: boolean }

/** What is known at the moment of a decision. */
export type Situation = {
  at: number
  container: Container
  mode: Mode
  protectedBecause: string | null
  sample: Sample | null
  assessment: Assessment | null
  host: HostFacts
  followsFrom: FollowsFrom | null
  runbook: Runbook | null
  surroundings: Surroundings
  judgements: Partial<Record<ActionKind, readonly Judgement[]>>
}

/** What must still be so when the action is carried out. */
export type Plan = { plannedAt: number; containerId: string; startedAt: number | null; imageId: string }

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

/** `refusal` says why an operator's word was not taken. */
export type Step = { watch: Watch; effects: Effect[]; refusal?: string }

export type Context = { situation: Situation; settings: PolicySettings; newId: () => string }

/** What is remembered where no incident is open. */
const QUIET = {
  incident: null,
  criticalSinceMs: null,
  criticalReadAtMs: null,
  heldUp: false,
  calmSinceMs: null,
  downSinceMs: null,
  verifyingSinceMs: null,
  lookedAtMs: null,
  notedVerdicts: [],
  followsNeeded: false,
  turnCounts: {},
}

/** A container that nothing is known of yet. */
export function newWatch(key: string): Watch {
  return {
    key,
    actionTimesMs: [],
    attempts: 0,
    lastWasGentle: false,
    healthySinceMs: null,
    passedTimesMs: [],
    ...QUIET,
  }
}

/** Whether it has trouble of its own, which counts where the host as a whole is judged. */
export const hasOwnTrouble = ({ incident, followsNeeded }: Watch): boolean =>
  incident !== null && !(incident.phase === 'suppressed' && followsNeeded)

/** The phase of an open incident about which nothing is being done. */
export function restingPhase({ explanation, actions }: Incident): Phase {
  if (actions.at(-1)?.state === 'recorded') return 'proposed'
  return explanation === null ? 'diagnosing' : 'detected'
}

/** Writes a line into the incident's story and into the audit log. */
export function recorded(
  step: Step,
  incident: Incident,
  event: AuditEvent,
  action: Action | null,
  text: string,
  at: number,
): Step {
  const reason = text.trim() || 'no reason was given'
  const history = [...incident.history, { at, event, text: reason }]
  const omitted = Math.max(0, history.length - FIRST_LINES_KEPT - NEWEST_LINES_KEPT)
  history.splice(FIRST_LINES_KEPT, omitted)
  const next: Incident = { ...incident, history, historyOmitted: incident.historyOmitted + omitted }
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
        reason,
        result: action?.state ?? next.phase,
      },
    ],
  }
}

/** An incident begins: what is seen now is kept with it, and somebody is to explain it. */
export function opened(watch: Watch, cause: Cause, text: string, { situation, newId }: Context): Step {
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
    phase: 'diagnosing',
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
    ending: null,
    failures: [],
    actions: [],
    history: [],
    historyOmitted: 0,
  }
  const step = recorded(
    { watch: { ...watch, notedVerdicts: [], turnCounts: {} }, effects: [] },
    incident,
    'incident.opened',
    null,
    text,
    at,
  )
  return { ...step, effects: [...step.effects, { type: 'diagnose', incident: step.watch.incident! }] }
}

/** Keeps the highest probability seen; a light that rises is worth a line. */
export function heightened(watch: Watch, { situation }: Context): Step {
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

/** The intent is written down first, then the engine is asked. */
export function executing(step: Step, action: Action, { situation }: Context): Step {
  const incident = step.watch.incident!
  const { container, at } = situation
  const others = incident.actions.filter(({ id }) => id !== action.id)
  const next: Incident = { ...incident, containerId: container.id, phase: 'acting', actions: [...others, action] }
  const noted = recorded(step, next, 'action.intended', action, `${action.kind}: ${action.reason}`, at)
  return {
    watch: {
      ...noted.watch,
      actionTimesMs: [...noted.watch.actionTimesMs, at],
      attempts: noted.watch.attempts + 1,
      lastWasGentle: action.kind === 'raise-memory-limit' || action.kind === 'raise-cpu-limit',
      notedVerdicts: [],
    },
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
export function acted(
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

/** The action that waits for an operator. */
export function proposalOf(incident: Incident): Action | undefined {
  return incident.actions.findLast(({ state }) => state === 'proposed')
}

/** The incident ends; a proposal that nobody answered ends with it. The clocks begin anew. */
export function resolved(step: Step, ending: Ending, reason: string, context: Context): Step {
  const { at } = context.situation
  const proposal = proposalOf(step.watch.incident!)
  const settled = proposal === undefined ? step : acted(step, proposal, 'expired', 'detected', reason, context)
  const closed: Incident = { ...settled.watch.incident!, phase: 'resolved', closedAt: at, ending }
  const noted = recorded(settled, closed, 'incident.resolved', null, reason, at)
  return {
    ...noted,
    watch: { ...noted.watch, ...QUIET },
  }
}
