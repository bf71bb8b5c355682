import { z } from 'zod'
import { ActionKind, Mode } from './incident.ts'

/**
 * What became of one decision. `right`: it would have failed, or had. `wrong`: it recovered by itself, or what was done
 * did not help. `unknown`: nobody can tell. `done`: something was done, and not only decided.
 */
export const Judgement = z.object({
  at: z.number(),
  actionId: z.string(),
  incidentId: z.string(),
  containerKey: z.string(),
  cause: z.string(),
  kind: ActionKind,
  done: z.boolean(),
  outcome: z.enum(['right', 'wrong', 'unknown']),
  reason: z.string(),
  durationMs: z.number().nullable(),
  /** How long the failure lasted that followed where nothing was done; `null` where none did. */
  failureMs: z.number().nullable().default(null),
})
export type Judgement = z.infer<typeof Judgement>

/** What an operator set while the program runs; it outlives a restart. */
export const OperatorSettings = z.object({
  host: Mode.nullable(),
  projects: z.record(z.string(), Mode),
  containers: z.record(z.string(), Mode),
  /** Why the stop switch is on, or `null`. */
  stopped: z.string().nullable(),
  /** Who turned the switch last, and when; `null` where nobody has. A file that stops all is nobody's in particular. */
  stopChanged: z.object({ by: z.string(), atMs: z.number() }).nullable().default(null),
  /** When an operator let it go on after actions that did not help. */
  resumedAtMs: z.number(),
})
export type OperatorSettings = z.infer<typeof OperatorSettings>

/** Whose mode is set: the whole host's, a compose project's, or a container's by its key. `null` takes it back. */
export const ModeChange = z.object({
  scope: z.enum(['host', 'project', 'container']),
  name: z.string().max(300).default(''),
  mode: Mode.nullable(),
  reason: z.string().max(500).default(''),
})
export type ModeChange = z.infer<typeof ModeChange>

/** `on` stops all actions at once; `false` lets the program go on, also after actions that did not help. */
export const StopChange = z.object({ on: z.boolean(), reason: z.string().max(500).default('') })
export type StopChange = z.infer<typeof StopChange>

/** The record of one container and kind of action. `precisionLower` is passed with 90 % confidence. */
export const AutonomyRecord = z.object({
  containerKey: z.string(),
  kind: ActionKind,
  judged: z.number(),
  right: z.number(),
  unknown: z.number(),
  precision: z.number().nullable(),
  precisionLower: z.number(),
  mayActAlone: z.boolean(),
  reason: z.string(),
  /** A mode that the record would allow, where the present one asks or only looks on. */
  suggestion: Mode.nullable(),
})
export type AutonomyRecord = z.infer<typeof AutonomyRecord>

/** How much the program may do by itself now, and what it has earned. */
export const Autonomy = z.object({
  configuredMode: Mode,
  settings: OperatorSettings,
  /** Modes that containers' own labels ask for, by the containers' keys: above a project's, below the container's own. */
  labelled: z.record(z.string(), Mode),
  /** Why nothing at all is done now, or only with a person's leave. */
  brake: z.string().nullable(),
  /** Whether an operator's word ends it. */
  brakeEndsWithAWord: z.boolean(),
  overall: z.object({
    judged: z.number(),
    right: z.number(),
    unknown: z.number(),
    precision: z.number().nullable(),
    precisionLower: z.number(),
    done: z.number(),
    falseActions: z.number(),
    /** An estimate: see `failureAvoided`. May be negative. */
    failureAvoidedMs: z.number(),
    /** Actions for which it was assumed, not learnt. */
    assumedActions: z.number(),
  }),
  records: z.array(AutonomyRecord),
})
export type Autonomy = z.infer<typeof Autonomy>
