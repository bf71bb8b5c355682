import type { EngineEvent } from '../../server/contracts/telemetry.ts'
import type { Failure } from './recording.ts'

/** A `die` so soon after somebody's `kill` was asked for. */
const ASKED_WITHIN_MS = 15_000
/** CPU at its limit for so long is a failure: everybody who waits for it has given up. */
const SATURATED_SECONDS = 300
const SATURATED_SHARE = 0.95
/** One second below it, which a scheduler's jitter makes, is no relief. */
const BREATH_COSTS_SECONDS = 10

export type FailureSign = Failure['sign']

/**
 * Tells a victim's failures from the engine's events and its CPU, without asking the guard: kills by the kernel, ends
 * that nobody asked for, a health check that turned unhealthy, CPU at its limit for five minutes.
 */
export function createFailureSigns(onFailure: (sign: FailureSign, atMs: number) => void): {
  event(event: EngineEvent): void
  /** Once a second. */
  cpu(shareOfLimit: number | null, atMs: number): void
} {
  let askedAtMs = Number.NEGATIVE_INFINITY
  let saturatedSeconds = 0
  return {
    event({ kind, at, signal, exitCode, health }) {
      if (kind === 'kill' && (signal === null || signal === 9 || signal === 15)) askedAtMs = at
      if (kind === 'oom') onFailure('oom', at)
      if (kind === 'die' && at - askedAtMs > ASKED_WITHIN_MS && exitCode !== 0) onFailure('exit', at)
      if (kind === 'health_status' && health === 'unhealthy') onFailure('unhealthy', at)
    },
    cpu(shareOfLimit, atMs) {
      if (shareOfLimit === null) return
      const before = saturatedSeconds
      saturatedSeconds =
        shareOfLimit >= SATURATED_SHARE ? saturatedSeconds + 1 : Math.max(0, saturatedSeconds - BREATH_COSTS_SECONDS)
      if (before < SATURATED_SECONDS && saturatedSeconds === SATURATED_SECONDS) onFailure('saturated', atMs)
    },
  }
}
