import type { Judgement } from '../contracts/autonomy.ts'

/** What the automatic actions spared, by the record; see `failureAvoided`. */
export type Avoided = {
  failureAvoidedMs: number
  /** Of the actions that helped, those for which nothing was learnt yet, so that a minute was assumed. */
  assumedActions: number
}

/** What a failure that nobody cures costs where none was seen yet: as the choice of remedies takes it to be. */
const ASSUMED_FAILURE_MS = 60_000

const meanOf = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length

/**
 * An estimate of the time of failure that was avoided, in milliseconds. For each action that was done and helped: how long
 * failures lasted that were decided about and not acted upon, on that container for that cause, else for that cause on any,
 * else a minute; less the time that the action itself took. An action that did not help counts the time that it took
 * against it. What would really have come, nobody knows.
 */
export function failureAvoided(judgements: readonly Judgement[]): Avoided {
  const lasted = (wanted: (one: Judgement) => boolean) =>
    meanOf(judgements.filter((one) => !one.done && wanted(one)).flatMap(({ failureMs }) => failureMs ?? []))
  let failureAvoidedMs = 0
  let assumedActions = 0
  for (const { done, outcome, containerKey, cause, durationMs } of judgements) {
    if (!done || outcome === 'unknown') continue
    failureAvoidedMs -= durationMs ?? 0
    if (outcome === 'wrong') continue
    const learnt =
      lasted((one) => one.containerKey === containerKey && one.cause === cause) ?? lasted((one) => one.cause === cause)
    if (learnt === null) assumedActions += 1
    failureAvoidedMs += learnt ?? ASSUMED_FAILURE_MS
  }
  return { failureAvoidedMs: Math.round(failureAvoidedMs), assumedActions }
}
