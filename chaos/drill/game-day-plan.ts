import { createRandom } from '../random.ts'
import type { ChaosFault } from '../scenario.ts'

/** One fault of a game day: to which service, when, and until when at the latest: then somebody comes and ends it. */
export type Strike = { atSeconds: number; service: number; fault: ChaosFault; durationSeconds: number }

/** Faults of a bad day, with how often they come beside the others. */
export type FaultMix = readonly (readonly [weight: number, fault: ChaosFault])[]

/** For services of a drill's own. */
const FAULTS: FaultMix = [
  [3, { kind: 'memory-leak', shareOfLimitPerSecond: 0.012, shape: 'steady' }],
  [2, { kind: 'memory-leak', shareOfLimitPerSecond: 0.03, shape: 'steady' }],
  [3, { kind: 'hang' }],
  [2, { kind: 'pid-exhaustion', shareOfLimit: 0.98 }],
  [1, { kind: 'crash-loop', everySeconds: 8 }],
  [1, { kind: 'kill' }],
  [1, { kind: 'page-cache' }],
]

/**
 * For the stack: what a restart cures, and three things that it does not (a crash loop, a kill that the engine mends
 * itself, connections that come back).
 */
export const STACK_FAULTS: FaultMix = [
  [3, { kind: 'memory-leak', shareOfLimitPerSecond: 0.012, shape: 'steady' }],
  [2, { kind: 'memory-leak', shareOfLimitPerSecond: 0.03, shape: 'steady' }],
  [1, { kind: 'memory-bomb' }],
  [4, { kind: 'hang' }],
  [1, { kind: 'pid-exhaustion', shareOfLimit: 1 }],
  [1, { kind: 'crash-loop', everySeconds: 8 }],
  [1, { kind: 'kill' }],
  [1, { kind: 'connection-flood', connections: 600 }],
]

/** Time for windows of samples to fill, and for the last fault to show what it does. */
const CALM_SECONDS = 60
const LAST_SECONDS = 150
/** Mean time between two faults. */
const EVERY_SECONDS = 75
/** Until a person comes who ends a fault that nobody else has ended. */
const PERSON_COMES_SECONDS = 240

/**
 * Faults at random times (exponential gaps) on random services, never two at once on one. The same arguments give the
 * same day.
 */
export function planGameDay(options: { seconds: number; services: number; seed: number; faults?: FaultMix }): Strike[] {
  const { seconds, services, seed, faults = FAULTS } = options
  const random = createRandom(seed)
  const weights = faults.reduce((sum, [weight]) => sum + weight, 0)
  const pick = (): ChaosFault => {
    let left = random.next() * weights
    for (const [weight, fault] of faults) {
      if (left < weight) return fault
      left -= weight
    }
    return faults[0]![1]
  }
  const busyUntil = Array<number>(services).fill(0)
  const strikes: Strike[] = []
  for (let at = CALM_SECONDS; ; ) {
    at += Math.max(5, Math.round(-Math.log(1 - random.next()) * EVERY_SECONDS))
    if (at > seconds - LAST_SECONDS) return strikes
    const fault = pick()
    const service = Math.floor(random.next() * services)
    if (busyUntil[service]! > at) continue
    const durationSeconds = Math.min(PERSON_COMES_SECONDS, seconds - at - 30)
    busyUntil[service] = at + durationSeconds + CALM_SECONDS
    strikes.push({ atSeconds: at, service, fault, durationSeconds })
  }
}
