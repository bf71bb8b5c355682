import type { ChaosFault, Scenario } from '../scenario.ts'

/** A health check and a window of samples need this much, however short the rest is. */
const LEAST_CALM_SECONDS = 30
const LEAST_FAULT_SECONDS = 25
const LEAST_AFTER_SECONDS = 45
const LEAST_CRASH_SECONDS = 3

function fasterFault(fault: ChaosFault, factor: number): ChaosFault {
  if (fault.kind === 'memory-leak')
    return { ...fault, shareOfLimitPerSecond: Math.min(1, fault.shareOfLimitPerSecond * factor) }
  if (fault.kind === 'crash-loop')
    return { ...fault, everySeconds: Math.max(LEAST_CRASH_SECONDS, fault.everySeconds / factor) }
  return fault
}

/**
 * A scenario in less time: what grows grows `factor` times as fast. What is a failure only after five minutes keeps its
 * time.
 */
export function compressed(scenario: Scenario, factor: number): Scenario {
  const { fault, startSeconds, durationSeconds, watchSeconds, failure } = scenario
  const start = Math.max(LEAST_CALM_SECONDS, Math.round(startSeconds / factor))
  const after = watchSeconds - startSeconds - durationSeconds
  const keeps = failure === 'saturated'
  const duration = keeps
    ? durationSeconds
    : Math.min(durationSeconds, Math.max(LEAST_FAULT_SECONDS, Math.ceil(durationSeconds / factor)))
  return {
    ...scenario,
    fault: keeps ? fault : fasterFault(fault, factor),
    startSeconds: start,
    durationSeconds: duration,
    watchSeconds: start + duration + Math.min(after, Math.max(LEAST_AFTER_SECONDS, Math.round(after / factor))),
  }
}
