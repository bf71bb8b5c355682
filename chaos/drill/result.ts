import { z } from 'zod'
import { type Grade, type Summary, summarize } from './grade.ts'
import type { Recording } from './recording.ts'

export type EngineKind = 'sim' | 'docker'

/** A whole drill: where and with what, every recording beside its grade, and the scenarios that could not be done. */
export type DrillResult = {
  engine: EngineKind
  seed: number | null
  version: string
  calibration: string
  /** ISO 8601. */
  at: string
  graded: { recording: Recording; grade: Grade }[]
  skipped: { scenario: string; reason: string }[]
  /** Why it ended before it had done all, or `null`. */
  cutShort: string | null
  summary: Summary
}

/** Puts a drill's parts together. */
export function drillResult(parts: Omit<DrillResult, 'summary'>): DrillResult {
  return { ...parts, summary: summarize(parts.graded.map(({ grade }) => grade)) }
}

const Way = z.object({ foreseen: z.number(), medianLeadSeconds: z.number().nullable(), falseAlarms: z.number() })

/** What is kept of a drill: enough to see whether a later program does better. */
export const KeptDrill = z.object({
  at: z.iso.datetime({ precision: 3 }),
  engine: z.enum(['sim', 'docker']),
  seed: z.number().nullable(),
  version: z.string(),
  calibration: z.string(),
  points: z.number(),
  mark: z.string(),
  ways: z.object({ guard: Way, threshold: Way, predictLinear: Way }),
  foreseeable: z.number(),
  quiet: z.number(),
  failuresAvoided: z.number(),
  /** `null` of a drill from before they were counted. */
  bit: z.number().nullable().default(null),
  healed: z.number().nullable().default(null),
  /** `null` of a drill from before it was counted. */
  actions: z
    .object({
      right: z.number(),
      wrong: z.number(),
      precision: z.number().nullable(),
      precisionLower: z.number(),
    })
    .nullable()
    .default(null),
  scenarios: z.array(
    z.object({
      name: z.string(),
      mark: z.string(),
      points: z.number(),
      leadSeconds: z.object({
        guard: z.number().nullable(),
        threshold: z.number().nullable(),
        predictLinear: z.number().nullable(),
      }),
      falseAlarm: z.object({ guard: z.boolean(), threshold: z.boolean(), predictLinear: z.boolean() }),
      reasons: z.array(z.string()),
    }),
  ),
  skipped: z.array(z.object({ scenario: z.string(), reason: z.string() })),
  /** Why it is only a part, or `null`. */
  cutShort: z.string().nullable().default(null),
})
export type KeptDrill = z.infer<typeof KeptDrill>

/** A drill's figures without its recordings. */
export function keptDrill({
  graded,
  summary,
  engine,
  seed,
  version,
  calibration,
  at,
  skipped,
  cutShort,
}: DrillResult): KeptDrill {
  return {
    at,
    engine,
    seed,
    version,
    calibration,
    ...summary,
    scenarios: graded.map(({ grade }) => ({
      name: grade.scenario,
      mark: grade.mark,
      points: grade.points,
      leadSeconds: {
        guard: grade.guard.leadSeconds,
        threshold: grade.threshold.leadSeconds,
        predictLinear: grade.predictLinear.leadSeconds,
      },
      falseAlarm: {
        guard: grade.guard.falseAlarm,
        threshold: grade.threshold.falseAlarm,
        predictLinear: grade.predictLinear.falseAlarm,
      },
      reasons: grade.reasons,
    })),
    skipped,
    cutShort,
  }
}
