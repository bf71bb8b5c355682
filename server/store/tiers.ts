import { ConfigError } from '../errors.ts'

export type TierName = 'raw' | '10s' | '1min' | '1h'

/** How finely and how long samples are kept. */
export type Tier = { name: TierName; stepMs: number; keepMs: number }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Finest first. A year of the coarsest ones fits beside the application. */
export const DEFAULT_TIERS: readonly Tier[] = [
  { name: 'raw', stepMs: 1_000, keepMs: DAY_MS },
  { name: '10s', stepMs: 10_000, keepMs: 14 * DAY_MS },
  { name: '1min', stepMs: 60_000, keepMs: 90 * DAY_MS },
  { name: '1h', stepMs: HOUR_MS, keepMs: 730 * DAY_MS },
]

const UNITS_MS: Record<string, number> = { h: HOUR_MS, d: DAY_MS, y: 365 * DAY_MS }

/**
 * The tiers with the retention that `text` gives, such as `raw=24h,10s=14d,1min=90d,1h=2y`; those not named keep their
 * default. Throws ConfigError for an unknown tier or unit, less than two hours, or a tier kept shorter than a finer one.
 */
export function parseTiers(text: string): readonly Tier[] {
  const keep = new Map<string, number>()
  for (const part of text.split(',').map((word) => word.trim())) {
    if (part === '') continue
    const [, name = '', amount, unit = ''] = /^(\w+)=(\d+)([hdy])$/.exec(part) ?? []
    const ms = Number(amount) * (UNITS_MS[unit] ?? Number.NaN)
    if (!DEFAULT_TIERS.some((tier) => tier.name === name) || !(ms >= 2 * HOUR_MS))
      throw new ConfigError(
        `DOCKERPULSE_RETENTION: "${part}" is not TIER=TIME with raw, 10s, 1min or 1h and at least 2h, such as raw=24h or 1h=2y`,
      )
    keep.set(name, ms)
  }
  const tiers = DEFAULT_TIERS.map((tier) => ({ ...tier, keepMs: keep.get(tier.name) ?? tier.keepMs }))
  for (const [index, tier] of tiers.entries()) {
    const finer = tiers[index - 1]
    if (finer !== undefined && tier.keepMs < finer.keepMs)
      throw new ConfigError(`DOCKERPULSE_RETENTION: ${tier.name} must be kept at least as long as ${finer.name}`)
  }
  return tiers
}

/** So long a range is read from raw samples even in long steps: only they know what was forecast. */
const RAW_RANGE_MS = 6 * HOUR_MS

/**
 * The tier to answer a query from: the coarsest that is not coarser than the step asked for (raw for up to six hours), or
 * a coarser one where the finer ones no longer reach back to `fromMs`.
 */
export function tierFor(
  tiers: readonly Tier[],
  query: { fromMs: number; toMs: number; stepMs: number; nowMs: number },
): Tier {
  const short = query.toMs - query.fromMs <= RAW_RANGE_MS
  const fitting = (short ? undefined : tiers.findLast(({ stepMs }) => stepMs <= query.stepMs)) ?? tiers[0]!
  const reaching = tiers.find(({ stepMs, keepMs }) => stepMs >= fitting.stepMs && query.nowMs - keepMs <= query.fromMs)
  return reaching ?? tiers.at(-1)!
}
