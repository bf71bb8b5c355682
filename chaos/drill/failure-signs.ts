import { createSaturation, SATURATION_FAILS_MS, saturate } from '../../server/analyse/saturation.ts'
import type { EngineEvent } from '../../server/contracts/telemetry.ts'
import type { Failure } from './recording.ts'

/** A `die` so soon after somebody's `kill` was asked for. */
const ASKED_WITHIN_MS = 15_000
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
  const saturation = createSaturation()
  let cpuAtMs: number | null = null
  return {
    event({ kind, at, signal, exitCode, health }) {
      if (kind === 'kill' && (signal === null || signal === 9 || signal === 15)) askedAtMs = at
      if (kind === 'oom') onFailure('oom', at)
      if (kind === 'die' && at - askedAtMs > ASKED_WITHIN_MS && exitCode !== 0) onFailure('exit', at)
      if (kind === 'health_status' && health === 'unhealthy') onFailure('unhealthy', at)
    },
    cpu(shareOfLimit, atMs) {
      if (shareOfLimit === null) return
      const before = saturation.ms
      saturate(saturation, shareOfLimit, cpuAtMs === null ? 1_000 : atMs - cpuAtMs)
      cpuAtMs = atMs
      if (before < SATURATION_FAILS_MS && saturation.ms >= SATURATION_FAILS_MS) onFailure('saturated', atMs)
    },
  }
}
