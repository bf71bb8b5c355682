import { z } from 'zod'

/** low < 50 %, medium, critical >= 85 %. Always shown with its word and shape, never colour alone. */
export const Light = z.enum(['low', 'medium', 'critical'])
export type Light = z.infer<typeof Light>

/** What a failure would be, or was. */
export const Cause = z.enum(['memory-limit', 'cpu-saturation', 'crash-loop', 'unhealthy', 'unknown'])
export type Cause = z.infer<typeof Cause>

/**
 * One reason for a probability. `contribution` is in log-odds, so that the contributions and the intercept add up to
 * the logit of the probability; `value` is the feature in 0..1.
 */
export const Evidence = z.object({
  feature: z.string(),
  text: z.string(),
  value: z.number(),
  contribution: z.number(),
})
export type Evidence = z.infer<typeof Evidence>

/**
 * A forecast `horizonMs` ahead of the assessment, in the unit of the series, with the intervals that hold what comes in
 * 95 % (`lower`, `upper`) and in 80 % of cases.
 */
export const Forecast = z.object({
  horizonMs: z.number(),
  value: z.number(),
  lower: z.number(),
  upper: z.number(),
  lower80: z.number(),
  upper80: z.number(),
})
export type Forecast = z.infer<typeof Forecast>

/** Until a limit is reached, with the bounds that hold in about 80 % of cases; an upper bound of `null` is never. */
export const TimeToLimit = z.object({ ms: z.number(), lowerMs: z.number(), upperMs: z.number().nullable() })
export type TimeToLimit = z.infer<typeof TimeToLimit>

/**
 * What is to be thought of one container at one moment. `probability` is P(it fails within the next 60 s) or `null`
 * where nothing could be evaluated, which is not the same as low.
 */
export const Assessment = z.object({
  containerId: z.string(),
  at: z.number(),
  probability: z.number().min(0).max(1).nullable(),
  light: Light,
  cause: Cause.nullable(),
  /** Until memory reaches its limit, as in `TimeToLimit`. */
  timeToLimitMs: z.number().nullable(),
  timeToLimitLowerMs: z.number().nullable(),
  timeToLimitUpperMs: z.number().nullable(),
  /** The same for the number of processes. */
  pidsTimeToLimit: TimeToLimit.nullable().default(null),
  cpuCoresForecast: Forecast.nullable(),
  memoryBytesForecast: Forecast.nullable(),
  /** Further ahead: 60 s and 15 min, those that have warmed up. */
  cpuCoresFarForecasts: z.array(Forecast),
  memoryBytesFarForecasts: z.array(Forecast),
  cpuZScore: z.number().nullable(),
  memoryZScore: z.number().nullable(),
  /** How unusual, 0..1, from 0.5 on an alarm: by rarity among what the container itself did; `null` in its first seconds. */
  cpuAnomalyScore: z.number().nullable(),
  memoryAnomalyScore: z.number().nullable(),
  /** Lines of its log that reported an error, over the last half minute; `null` where the log is not to be seen. */
  logErrorsPerMinute: z.number().nullable().default(null),
  evidence: z.array(Evidence),
})
export type Assessment = z.infer<typeof Assessment>

/** Coefficients of the failure model: log-odds = intercept + sum of weight x feature. Kept in models/calibration.json. */
export const Calibration = z.object({
  version: z.string(),
  provenance: z.object({
    method: z.string(),
    data: z.string(),
    fittedAt: z.string().nullable(),
    /** The program's own commit that fitted it. */
    commit: z.string().optional(),
    scores: z.record(z.string(), z.number()),
  }),
  horizonMs: z.number().positive(),
  intercept: z.number(),
  weights: z.record(z.string(), z.number()),
})
export type Calibration = z.infer<typeof Calibration>
