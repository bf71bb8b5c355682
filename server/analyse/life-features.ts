import type { Feature } from './risk.ts'
import type { LifeSigns } from './window.ts'

/** Three crashes in five minutes are a loop. */
export const CRASH_LOOP_COUNT = 3
export const CRASH_LOOP_WITHIN_MS = 300_000

/** The engine's default number of failed checks until it calls a container unhealthy. */
const HEALTH_RETRIES = 3
/** A life that has lasted so much longer than those before it is another one. */
const OUTLIVED = 2
const OUTLIVED_MS = 15_000

const clamp = (value: number) => Math.max(0, Math.min(1, value))

/**
 * How surely the next crash falls into the horizon if it goes on as before: 1 where every one of the last three lives was
 * shorter than what the horizon leaves, 0 where there was no second crash or where the present life has outlived them all.
 */
export function crashRhythm(crashTimesMs: readonly number[], at: number, horizonMs: number): number {
  const last = crashTimesMs.slice(-4)
  if (last.length < 2) return 0
  let due = 0
  let longest = 0
  const ageMs = at - last.at(-1)!
  for (let index = 1; index < last.length; index++) {
    const lasted = last[index]! - last[index - 1]!
    longest = Math.max(longest, lasted)
    if (lasted <= ageMs + horizonMs) due += 1 / (last.length - 1)
  }
  return ageMs > OUTLIVED * longest + OUTLIVED_MS ? 0 : due
}

/** What the signs of life say: health, failed checks in a row, crashes and their rhythm. */
export function lifeFeatures(life: LifeSigns, at: number, horizonMs: number): Feature[] {
  const crashes = life.crashTimesMs.filter((crash) => at - crash < CRASH_LOOP_WITHIN_MS)
  const unhealthy = life.health === 'unhealthy'
  const { healthFailingStreak: streak } = life
  return [
    { name: 'unhealthy', value: Number(unhealthy), text: 'its health check says unhealthy', cause: 'unhealthy' },
    {
      name: 'failedChecks',
      value: unhealthy ? 1 : clamp(streak / HEALTH_RETRIES),
      text: `its health check failed ${streak} times in a row`,
      cause: 'unhealthy',
    },
    {
      name: 'crashes',
      value: clamp(crashes.length / CRASH_LOOP_COUNT),
      text: `it ended by itself ${crashes.length} ${crashes.length === 1 ? 'time' : 'times'} in the last 5 minutes`,
      cause: 'crash-loop',
    },
    {
      name: 'crashRhythm',
      value: crashRhythm(crashes, at, horizonMs),
      text: 'the next crash is due if it lives as long as it did before',
      cause: 'crash-loop',
    },
  ]
}
