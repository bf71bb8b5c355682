import type { EngineEvent } from '../../server/contracts/telemetry.ts'
import type { Failure } from './recording.ts'

/** A `die` so soon after somebody's `kill` was asked for. */
const ASKED_WITHIN_MS = 15_000
/** CPU at its limit for so long is a failure: everybody who waits for it has given up. */
const SATURATED_SECONDS = 300
const SATURATED_SHARE = 0.95
/** Of those seconds: a busy host gives even a container that asks for its limit less now and then. */
const SATURATED_MOST_OF = 0.9

export type FailureSign = Failure['sign']

/**
 * Tells a victim's failures from the engine's events and its CPU, without asking the guard: kills by the kernel, ends
 * that nobody asked for, a health check that turned unhealthy, CPU at its limit for nine tenths of five minutes.
 */
export function createFailureSigns(onFailure: (sign: FailureSign, atMs: number) => void): {
  event(event: EngineEvent): void
  /** Once a second. */
  cpu(shareOfLimit: number | null, atMs: number): void
} {
  let askedAtMs = Number.NEGATIVE_INFINITY
  const recent: boolean[] = []
  let wasSaturated = false
  return {
    event({ kind, at, signal, exitCode, health }) {
      if (kind === 'kill' && (signal === null || signal === 9 || signal === 15)) askedAtMs = at
      if (kind === 'oom') onFailure('oom', at)
      if (kind === 'die' && at - askedAtMs > ASKED_WITHIN_MS && exitCode !== 0) onFailure('exit', at)
      if (kind === 'health_status' && health === 'unhealthy') onFailure('unhealthy', at)
    },
    cpu(shareOfLimit, atMs) {
      if (shareOfLimit === null) return
      recent.push(shareOfLimit >= SATURATED_SHARE)
      if (recent.length > SATURATED_SECONDS) recent.shift()
      const isSaturated = recent.filter(Boolean).length >= SATURATED_SECONDS * SATURATED_MOST_OF
      if (isSaturated && !wasSaturated) onFailure('saturated', atMs)
      wasSaturated = isSaturated
    },
  }
}
