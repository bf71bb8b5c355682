import { z } from 'zod'

/** Ten equal bins of probability. */
export const RELIABILITY_BINS = 10

/** Predictions whose probability lay in one tenth: how many, the sum of their probabilities, how many came true. */
export const ReliabilityBin = z.object({ predictions: z.number(), probabilitySum: z.number(), failed: z.number() })
export type ReliabilityBin = z.infer<typeof ReliabilityBin>

const Judged = { bins: z.array(ReliabilityBin).length(RELIABILITY_BINS), squaredErrorSum: z.number() }

/**
 * What became of predictions and of failures; tallies of two periods add up. A prediction is made for each container
 * every ten seconds, and is judged one horizon later: failed, or not. A warning is a time of critical light.
 */
export const Tally = z.object({
  ...Judged,
  /** The same for what the model as it was shipped would have said; left out where it was what was said. */
  shipped: z.object(Judged).optional(),
  failures: z.number(),
  /** Failures with a critical light at least five seconds before, and still then. */
  foreseen: z.number(),
  /** From the begin of the critical light to the failure, newest last, at most 500. */
  leadTimesMs: z.array(z.number()),
  warningsBorneOut: z.number(),
  warningsFalse: z.number(),
  /** Warnings that an action or an operator ended: nobody knows what would have come. */
  warningsCutShort: z.number(),
})
export type Tally = z.infer<typeof Tally>

/** A correction of the model's log-odds: slope x log-odds + intercept. */
export const Correction = z.object({ slope: z.number(), intercept: z.number() })
export type Correction = z.infer<typeof Correction>

/** Whether the program may correct its model by its own outcomes, and what it does. Times are epoch milliseconds. */
export const OwnCalibration = z.object({
  own: z.boolean(),
  correction: Correction.nullable(),
  sinceMs: z.number().nullable(),
  lookedAtMs: z.number(),
})
export type OwnCalibration = z.infer<typeof OwnCalibration>

/** An operator's word on it: `false` takes a correction back and forbids others. */
export const CalibrationChange = z.object({ own: z.boolean(), reason: z.string().max(500).default('') })
export type CalibrationChange = z.infer<typeof CalibrationChange>

/** How the program's own predictions did; `null` where there is nothing to tell from. Shares are 0..1. */
export const Scoreboard = z.object({
  /** What the model as it was shipped would have got. */
  shippedBrier: z.number().nullable(),
  since: z.iso.datetime({ precision: 3 }).nullable(),
  horizonMs: z.number(),
  predictions: z.number(),
  brier: z.number().nullable(),
  /** 1 - Brier score / that of always saying how often failures came. */
  brierSkill: z.number().nullable(),
  expectedCalibrationError: z.number().nullable(),
  failures: z.number(),
  foreseen: z.number(),
  recall: z.number().nullable(),
  warningsBorneOut: z.number(),
  warningsFalse: z.number(),
  warningsCutShort: z.number(),
  precision: z.number().nullable(),
  medianLeadTimeMs: z.number().nullable(),
  bins: z.array(
    z.object({
      from: z.number(),
      to: z.number(),
      predictions: z.number(),
      meanProbability: z.number().nullable(),
      failedShare: z.number().nullable(),
    }),
  ),
})
export type Scoreboard = z.infer<typeof Scoreboard>

/** The same with the model's own correction, and with what became of its actions; see `Autonomy`. */
export const ScoreboardView = Scoreboard.extend({
  calibration: z.object({
    version: z.string(),
    own: z.boolean(),
    correction: Correction.nullable(),
    since: z.iso.datetime({ precision: 3 }).nullable(),
  }),
  actionsDone: z.number(),
  falseActions: z.number(),
  /** An estimate of the failure that actions avoided. */
  failureAvoidedMs: z.number(),
  /** Actions for which a minute was assumed, because nothing was learnt yet. */
  assumedActions: z.number(),
})
export type ScoreboardView = z.infer<typeof ScoreboardView>
