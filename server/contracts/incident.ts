import { z } from 'zod'
import { Assessment, Cause, Evidence, Light } from './assessment.ts'
import { RemedyKind } from './runbook.ts'
import { ContainerId, Endpoint, Health, Sample } from './telemetry.ts'

/** How much the program may do by itself; see the README's table. */
export const Mode = z.enum(['observe', 'shadow', 'approve', 'earned', 'auto'])
export type Mode = z.infer<typeof Mode>

/** What may be done to a container: one closed list (a runbook's `note` touches nothing). */
export const ActionKind = RemedyKind.exclude(['note'])
export type ActionKind = z.infer<typeof ActionKind>

/** Another container that an action touches, as it must still be then. */
export const Target = z.object({
  id: ContainerId,
  name: z.string(),
  startedAt: z.number().nullable(),
  imageId: z.string(),
  stopGraceSeconds: z.number(),
})
export type Target = z.infer<typeof Target>

/** An action with all that the engine has to be told for it, and for taking it back. */
export const Deed = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('restart') }),
  z.object({ kind: z.literal('stop') }),
  z.object({ kind: z.literal('raise-memory-limit'), fromBytes: z.number(), toBytes: z.number() }),
  z.object({ kind: z.literal('raise-cpu-limit'), fromCores: z.number(), toCores: z.number() }),
  z.object({ kind: z.literal('pause-neighbour'), neighbour: Target }),
  /** Whoever depends on it stops before it and starts after it; the nearest one first. */
  z.object({ kind: z.literal('restart-in-order'), dependents: z.array(Target) }),
  z.object({
    kind: z.literal('isolate'),
    networks: z.array(z.string()),
    /** As what it is to rejoin them; not known of deeds from before this was kept. */
    endpoints: z.record(z.string(), Endpoint).optional(),
  }),
])
export type Deed = z.infer<typeof Deed>

/**
 * `recorded`: what it would have done (shadow). `proposed`: waits for an operator. `executing`: the engine was asked.
 * `executed`: the engine did it, the effect is being verified. `verified` and `ineffective`: the verdict on the effect.
 * `unknown`: the program ended in the middle of it.
 */
export const ActionState = z.enum([
  'recorded',
  'proposed',
  'rejected',
  'expired',
  'refused',
  'executing',
  'executed',
  'failed',
  'verified',
  'ineffective',
  'unknown',
])
export type ActionState = z.infer<typeof ActionState>

/**
 * `at` is when it was decided or proposed, `startedAt` when it was begun. `by` is `dockerpulse` or `operator`.
 * `forced` where it went ahead without asking. Times are epoch milliseconds.
 */
export const Action = z.object({
  id: z.uuid(),
  kind: ActionKind,
  deed: Deed.default({ kind: 'restart' }),
  /** The runbook that it comes from. */
  runbook: z.string().nullable().default(null),
  state: ActionState,
  at: z.number(),
  /** The time of the reading that first crossed the threshold; `null` where it was something else that decided when. */
  crossedAt: z.number().nullable().default(null),
  startedAt: z.number().nullable(),
  /** When the engine was asked, after the last check. */
  askedAt: z.number().nullable().default(null),
  finishedAt: z.number().nullable(),
  by: z.string(),
  forced: z.boolean(),
  probability: z.number().nullable(),
  threshold: z.number(),
  stopGraceSeconds: z.number(),
  /** Until when it lasts; it is taken back by itself after that. */
  leaseUntil: z.number().nullable().default(null),
  takenBackAt: z.number().nullable().default(null),
  reason: z.string(),
})
export type Action = z.infer<typeof Action>

/**
 * `diagnosing`: it is open, and its evidence and explanation are being gathered; what is to be done waits for neither.
 * `detected`: it is explained, and nothing is to be done now. `suppressed`: it follows from another incident, and nothing
 * is done about it while that one is open. `proposed`: what would be done is decided and written down, and in mode shadow
 * nothing more happens.
 */
export const Phase = z.enum([
  'diagnosing',
  'detected',
  'suppressed',
  'proposed',
  'awaiting-approval',
  'acting',
  'verifying',
  'resolved',
  'escalated',
])
export type Phase = z.infer<typeof Phase>

/** An incident's story keeps so many of its first lines and so many of its newest; the audit log has them all. */
export const FIRST_LINES_KEPT = 10
export const NEWEST_LINES_KEPT = 30

/** `passed`: the risk went by itself. `helped`: an action did. `cut-short`: somebody else ended it, nobody can tell. */
export const Ending = z.enum(['passed', 'helped', 'cut-short'])
export type Ending = z.infer<typeof Ending>

/** What is kept of the failures of one incident. */
export const FAILURES_KEPT = 50

/** One line of an incident's story. `event` is a `noun.verb` shared with the audit log. */
export const HistoryEntry = z.object({ at: z.number(), event: z.string(), text: z.string() })
export type HistoryEntry = z.infer<typeof HistoryEntry>

/** Prose about an incident; `source` says who wrote it: the rules, or a model by name. */
export const Explanation = z.object({ source: z.string(), at: z.number(), text: z.string() })
export type Explanation = z.infer<typeof Explanation>

/** What was seen when the incident opened: kept with it, because samples age out. */
export const Snapshot = z.object({
  at: z.number(),
  image: z.string(),
  startedAt: z.number().nullable(),
  restartCount: z.number(),
  exitCode: z.number().nullable(),
  health: Health,
  memoryLimitBytes: z.number().nullable(),
  cpuLimitCores: z.number().nullable(),
  sample: Sample.nullable(),
  assessment: Assessment.nullable(),
})
export type Snapshot = z.infer<typeof Snapshot>

export const Incident = z.object({
  id: z.uuid(),
  containerKey: z.string(),
  containerId: ContainerId,
  containerName: z.string(),
  composeProject: z.string().nullable(),
  mode: Mode,
  cause: Cause,
  openedAt: z.number(),
  closedAt: z.number().nullable(),
  phase: Phase,
  light: Light,
  /** The highest probability seen while it was open; `null` where a hard event opened it without one. */
  probability: z.number().nullable(),
  evidence: z.array(Evidence),
  snapshot: Snapshot,
  explanation: Explanation.nullable(),
  ending: Ending.nullable().default(null),
  /** Failures while it was open, oldest first, at most `FAILURES_KEPT`. */
  failures: z.array(z.object({ at: z.number(), kind: z.string() })).default([]),
  actions: z.array(Action),
  history: z.array(HistoryEntry),
  /** Lines left out after the first `FIRST_LINES_KEPT`. */
  historyOmitted: z.number().int(),
})
export type Incident = z.infer<typeof Incident>
