import type { ContainerState, ContainerView, Light } from './api.ts'
import type { Messages, Terms } from './messages.ts'

/** What is to be seen of a container at a glance: its light, or why it has none. */
export type Mark = Light | 'none' | 'not-running'

export const MARKS: readonly Mark[] = ['critical', 'medium', 'low', 'none', 'not-running']

/** Of an `unknown` state nobody knows whether it runs. */
const RUNNING: readonly ContainerState[] = ['running', 'unknown']

export const isRunning = ({ state }: Pick<ContainerView, 'state'>): boolean => RUNNING.includes(state)

/** A light that is not low stays, whatever the state. Low is said only of what runs and could be evaluated. */
export function markOf({ light, probability, state }: ContainerView): Mark {
  if (light !== 'low') return light
  if (!isRunning({ state })) return 'not-running'
  return probability === null ? 'none' : 'low'
}

/** The word that goes with a container's mark: its light, or why it has none. */
export function markWord(container: ContainerView, terms: Terms, words: Messages): string {
  const mark = markOf(container)
  if (mark === 'not-running') return terms.state[container.state]
  return mark === 'none' && container.freshness === 'stale' ? words.stale : terms.mark[mark]
}

/** The state to say beside the light of a container that is in trouble and does not run, or `null`. */
export function stateBeside(container: ContainerView, terms: Terms): string | null {
  return isRunning(container) || markOf(container) === 'not-running' ? null : terms.state[container.state]
}

export function countMarks(containers: readonly ContainerView[]): Record<Mark, number> {
  const counts: Record<Mark, number> = { critical: 0, medium: 0, low: 0, none: 0, 'not-running': 0 }
  for (const container of containers) counts[markOf(container)] += 1
  return counts
}

/**
 * A container as it is now: the last reading of one that does not run is no figure of today, and what spoke for or
 * against a failure ended with it, unless its light says otherwise.
 */
export function asOfNow(container: ContainerView): ContainerView {
  if (isRunning(container)) return container
  const now: ContainerView = {
    ...container,
    timeToLimitMs: null,
    timeToLimitLowerMs: null,
    timeToLimitUpperMs: null,
    pidsTimeToLimit: null,
    cpuCores: null,
    cpuShareOfLimit: null,
    throttledShare: null,
    logErrorsPerMinute: null,
    workingSetBytes: null,
    memoryShareOfLimit: null,
    pids: null,
    cpuCoresForecast: null,
    cpuCoresFarForecasts: [],
    memoryBytesFarForecasts: [],
    memoryBytesForecast: null,
    cpuZScore: null,
    memoryZScore: null,
  }
  return markOf(container) === 'not-running' ? { ...now, probability: null, cause: null, evidence: [] } : now
}
