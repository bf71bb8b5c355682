import { type Context, restingPhase, type Situation, type Watch } from './incident-steps.ts'
import { SUSTAINED_HEALTH_MS } from './rails.ts'
import type { PolicySettings } from './remediation-policy.ts'

/**
 * Two readings in a row must be critical, so far apart: one odd reading restarts nobody. Readings come once a second, and
 * may be early by a quarter of one.
 */
export const SUSTAIN_MS = 750
/** Whoever flaps must stay critical for longer: this, doubled with each incident more that came and went. */
const FLAPPING_SUSTAIN_MS = 6_000
/** So soon after it turned critical another look is worth more than waiting for the next second. */
const SUSPECT_MS = 2_000
/** Actions count for an hour; they are kept for a day, so that a clock set forward and back forgets none. */
const REMEMBER_ACTIONS_MS = 86_400_000
/** Incidents that passed by themselves within this time are flapping, each makes the next one wait twice as long. */
const FLAPPING_MS = 600_000
const LONGEST_SUSTAIN_MS = 24_000

/** Looks are a second apart; after this much more the clock has jumped, or the host slept. */
const JUMP_MS = 30_000

/**
 * Starts and stops the clocks, and begins them anew after a jump of time: nobody knows what was in between. What is not
 * evaluated is neither critical nor calm.
 */
export function timed(watch: Watch, { situation, settings }: Context): Watch {
  const { at, container, assessment } = situation
  const jumped = watch.lookedAtMs !== null && Math.abs(at - watch.lookedAtMs) > JUMP_MS
  const since = (beganMs: number | null): number => (beganMs === null || jumped ? at : beganMs)
  const probability = assessment?.probability ?? null
  const isStarting = container.state === 'running' && container.health === 'starting'
  const calm =
    probability !== null &&
    assessment?.light === 'low' &&
    container.state === 'running' &&
    (container.health === 'healthy' || container.health === 'none')
  return {
    ...watch,
    ...criticality(watch, situation, settings, jumped),
    calmSinceMs: calm ? since(watch.calmSinceMs) : null,
    downSinceMs: container.state === 'exited' || container.state === 'dead' ? since(watch.downSinceMs) : null,
    verifyingSinceMs: watch.incident?.phase === 'verifying' && !isStarting ? since(watch.verifyingSinceMs) : null,
    lookedAtMs: at,
    actionTimesMs: watch.actionTimesMs.filter((action) => at - action < REMEMBER_ACTIONS_MS),
    passedTimesMs: watch.passedTimesMs.filter((passed) => Math.abs(at - passed) < FLAPPING_MS),
    healthySinceMs: calm ? since(watch.healthySinceMs) : null,
    attempts: calm && at - since(watch.healthySinceMs) >= SUSTAINED_HEALTH_MS ? 0 : watch.attempts,
  }
}

/** Since when it has been critical: by our clock, and by the time of the reading that said so first. */
export function criticality(
  { criticalSinceMs, criticalReadAtMs, heldUp }: Watch,
  { at, assessment }: Situation,
  { threshold }: PolicySettings,
  jumped: boolean,
): Pick<Watch, 'criticalSinceMs' | 'criticalReadAtMs' | 'heldUp'> {
  const probability = assessment?.probability ?? null
  if (assessment === null || probability === null || (assessment.light !== 'critical' && !(probability >= threshold)))
    return { criticalSinceMs: null, criticalReadAtMs: null, heldUp: false }
  if (criticalSinceMs === null || criticalReadAtMs === null || jumped)
    return { criticalSinceMs: at, criticalReadAtMs: assessment.at, heldUp: false }
  // A reading from before the first one is of a clock that was set back.
  return { criticalSinceMs, criticalReadAtMs: Math.min(criticalReadAtMs, assessment.at), heldUp }
}

/** Whether a second reading has confirmed the first; a reading that nothing follows is a single one, however old. */
export function isSustained(
  { criticalSinceMs, criticalReadAtMs, passedTimesMs }: Watch,
  { at, assessment }: Situation,
): boolean {
  if (criticalSinceMs === null || criticalReadAtMs === null || assessment === null) return false
  const readMs = assessment.at - criticalReadAtMs
  const times = passedTimesMs.length
  const neededMs = times < 2 ? SUSTAIN_MS : Math.min(LONGEST_SUSTAIN_MS, FLAPPING_SUSTAIN_MS * 2 ** (times - 2))
  return readMs > 0 && Math.max(readMs, at - criticalSinceMs) >= neededMs
}

/** Whether it has just turned critical and the next reading decides: then it is worth another look at once. */
export const isSuspect = ({ criticalSinceMs, incident }: Watch, at: number): boolean =>
  criticalSinceMs !== null &&
  at - criticalSinceMs < SUSPECT_MS &&
  (incident === null || (incident.actions.length === 0 && incident.phase === restingPhase(incident)))
