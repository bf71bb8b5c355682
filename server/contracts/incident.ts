import { z } from 'zod'
import { Assessment, Cause, Evidence, Light } from './assessment.ts'
import { ContainerId, Health, Sample } from './telemetry.ts'

/** How much the program may do by itself; see the README's table. */
export const Mode = z.enum(['observe', 'shadow', 'approve', 'earned', 'auto'])
export type Mode = z.infer<typeof Mode>

export const ActionKind = z.enum(['restart'])
export type ActionKind = z.infer<typeof ActionKind>

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
 * `at` is when it was decided or proposed, `startedAt` when the engine was asked. `by` is `dockerpulse` or `operator`.
 * `forced` where it went ahead without asking. Times are epoch milliseconds.
 */
export const Action = z.object({
  id: z.uuid(),
  kind: ActionKind,
  state: ActionState,
  at: z.number(),
  startedAt: z.number().nullable(),
  finishedAt: z.number().nullable(),
  by: z.string(),
  forced: z.boolean(),
  probability: z.number().nullable(),
  threshold: z.number(),
  stopGraceSeconds: z.number(),
  reason: z.string(),
})
export type Action = z.infer<typeof Action>

export const Phase = z.enum(['detected', 'awaiting-approval', 'acting', 'verifying', 'resolved', 'escalated'])
export type Phase = z.infer<typeof Phase>

/** An incident's story keeps so many of its first lines and so many of its newest; the audit log has them all. */
export const FIRST_LINES_KEPT = 10
export const NEWEST_LINES_KEPT = 30

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
  actions: z.array(Action),
  history: z.array(HistoryEntry),
  /** Lines left out after the first `FIRST_LINES_KEPT`. */
  historyOmitted: z.number().int(),
})
export type Incident = z.infer<typeof Incident>
