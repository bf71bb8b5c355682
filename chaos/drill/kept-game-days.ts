import { z } from 'zod'
import { GameDayFigures } from './game-day.ts'
import { readKept, writeKept } from './kept-file.ts'

/** What a game day is played on: the shop of docker-compose.yml, or small services of the drill's own. */
export const Ground = z.enum(['simulated', 'stack', 'web servers'])
export type Ground = z.infer<typeof Ground>

/** The same bad day twice: with a guard that only looks on, and with one that acts; `null` is not done. */
export const GameDay = z.object({
  at: z.iso.datetime({ precision: 3 }),
  version: z.string(),
  calibration: z.string(),
  engine: z.enum(['sim', 'docker']),
  ground: Ground,
  seed: z.number(),
  /** In each mode. */
  minutes: z.number(),
  observe: GameDayFigures.nullable(),
  auto: GameDayFigures.nullable(),
})
export type GameDay = z.infer<typeof GameDay>

/** Adds a game day, in place of what was kept of it while it ran. */
export function keepGameDay(path: string, day: GameDay): void {
  writeKept(path, [...readKept(path, GameDay).filter(({ at }) => at !== day.at), day])
}

const GROUNDS: Record<Ground, string> = {
  simulated: 'six simulated services',
  stack: 'the stack of docker-compose.yml, real engine',
  'web servers': 'six small web servers, real engine',
}

/** The game days as a table of Markdown, or nothing where there are none. */
export function gameDaysTable(days: readonly GameDay[]): string[] {
  if (days.length === 0) return []
  const cell = (figures: GameDayFigures | null) =>
    figures === null
      ? 'not done'
      : `${figures.failureMinutes.toFixed(1)} min, ${figures.failedRequests} of ${figures.requests} requests, ${figures.actions} actions${figures.judged === null ? '' : `, ${figures.judged.wrong} of them wrong`}`
  const rows = days.map(({ at, ground, seed, minutes, calibration, observe, auto }) => {
    const avoided =
      observe === null || auto === null ? '–' : `${(observe.failureMinutes - auto.failureMinutes).toFixed(1)} min`
    const strikes = (observe ?? auto)?.strikes ?? 0
    const when = at.slice(0, 16).replace('T', ' ')
    const cells = [
      when,
      GROUNDS[ground],
      `${minutes} min`,
      seed,
      strikes,
      calibration,
      cell(observe),
      cell(auto),
      avoided,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '## Game days',
    '',
    'Written by `npm run drill -- game-day --keep`: the same faults at the same times, with a guard that looks on and with',
    'one that acts. On the stack the load generator asks the entrance ten times a second; minutes of failure are those of the',
    'entrance, each second by the share of its requests that failed. Elsewhere each service is asked once a second, and',
    'minutes are those of services without an answer.',
    '',
    '| when (UTC) | on | in each mode | seed | faults | calibration | guard looks on | guard acts | failure avoided |',
    '| --- | --- | ---: | ---: | ---: | --- | --- | --- | ---: |',
    ...rows,
    '',
  ]
}
