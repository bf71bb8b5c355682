import type { Assessment } from '../contracts/assessment.ts'

/** How often calm containers may be read, fastest first. All others are always read each second. */
export const CALM_INTERVALS_MS: readonly number[] = [1_000, 2_000, 5_000, 10_000, 30_000]

/** Going faster must pay off: below this share of the budget the next faster interval still fits. */
const FASTER_BELOW = 0.4

/** Four readings at the slowest pace: whoever may reach a limit sooner cannot be read less often. */
const NEAR_LIMIT_MS = 120_000

/**
 * Whether a container may be read less often: one that was evaluated, at a low light, with no limit near. A light is low
 * until shortly before the end of a leak, so that it alone would let a leak be seen too late.
 */
export function isCalm({ light, probability, timeToLimitMs, pidsTimeToLimit }: Assessment): boolean {
  const soonestMs = Math.min(timeToLimitMs ?? Number.POSITIVE_INFINITY, pidsTimeToLimit?.ms ?? Number.POSITIVE_INFINITY)
  return light === 'low' && probability !== null && soonestMs > NEAR_LIMIT_MS
}

export type SamplingVerdict = { calmIntervalMs: number; reason: string }

/**
 * How often calm containers are read from now on, given what the last measured period cost as a share of the host's CPU
 * (0..1): one step slower above the budget, one step faster well below it.
 */
export function decideSampling(input: {
  ownShareOfHost: number
  engineShareOfHost: number
  budgetShareOfHost: number
  calmIntervalMs: number
}): SamplingVerdict {
  const { ownShareOfHost, engineShareOfHost, budgetShareOfHost, calmIntervalMs } = input
  const cost = ownShareOfHost + engineShareOfHost
  const step = Math.max(0, CALM_INTERVALS_MS.indexOf(calmIntervalMs))
  const percent = (share: number) => `${(share * 100).toPrecision(2)} %`
  const spent = `watching costs ${percent(cost)} of the host, ${percent(budgetShareOfHost)} are allowed`
  const slower = CALM_INTERVALS_MS[step + 1]
  const faster = CALM_INTERVALS_MS[step - 1]
  if (cost > budgetShareOfHost && slower !== undefined)
    return { calmIntervalMs: slower, reason: `${spent}: calm containers are read every ${slower / 1000} s` }
  if (faster !== undefined && cost < budgetShareOfHost * FASTER_BELOW)
    return { calmIntervalMs: faster, reason: `${spent}: calm containers are read every ${faster / 1000} s again` }
  return { calmIntervalMs, reason: spent }
}
