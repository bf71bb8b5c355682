import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { SCENARIOS } from '../scenarios.ts'
import { compressed } from './compressed.ts'
import { planGameDay } from './game-day-plan.ts'
import { readKept } from './kept-file.ts'
import { GameDay, gameDaysTable, keepGameDay } from './kept-game-days.ts'
import { runGameDay } from './run-game-day.ts'

const HOUR = { seconds: 3_600, services: 6, seed: 7 }

test('a day is the same with the same seed, and another one with another', () => {
  expect(planGameDay(HOUR)).toEqual(planGameDay(HOUR))
  expect(planGameDay({ ...HOUR, seed: 8 })).not.toEqual(planGameDay(HOUR))
})

test('faults come after a calm minute, end before the day does, and never two at once on one service', () => {
  for (let seed = 0; seed < 50; seed++) {
    const until = Array(HOUR.services).fill(0)
    for (const { atSeconds, durationSeconds, service } of planGameDay({ ...HOUR, seed })) {
      expect(atSeconds).toBeGreaterThanOrEqual(60)
      expect(atSeconds).toBeGreaterThanOrEqual(until[service])
      until[service] = atSeconds + durationSeconds
      expect(until[service]).toBeLessThan(HOUR.seconds)
    }
  }
  expect(planGameDay({ ...HOUR, seconds: 100 })).toEqual([])
})

test('a scenario in less time grows as much faster, and what needs its five minutes keeps them', () => {
  const named = (name: string) => compressed(SCENARIOS.find((one) => one.name === name)!, 2.5)
  expect(named('leak-fast')).toMatchObject({
    fault: { shareOfLimitPerSecond: 0.05 },
    startSeconds: 30,
    durationSeconds: 36,
    watchSeconds: 106,
  })
  expect(named('cpu-burn').durationSeconds).toBe(SCENARIOS.find(({ name }) => name === 'cpu-burn')!.durationSeconds)
  for (const { name } of SCENARIOS) {
    const { startSeconds, durationSeconds, watchSeconds } = named(name)
    expect(watchSeconds, name).toBeGreaterThan(startSeconds + durationSeconds)
  }
})

test('a guard that acts leaves fewer requests without an answer than one that looks on', {
  timeout: 60_000,
}, async () => {
  const said: string[] = []
  const options = {
    engine: 'sim',
    minutes: 15,
    seed: 7,
    signal: new AbortController().signal,
    say: (text: string) => said.push(text),
  } as const
  const day = await runGameDay(options)
  expect(day.observe).toMatchObject({ requests: 5_400, actions: 0, skipped: [] })
  if (day.observe === null || day.auto === null) throw new Error('a mode was not done')
  expect(day.observe.failedRequests).toBeGreaterThan(0)
  expect(day.auto.actions).toBeGreaterThan(0)
  expect(day.auto.failedRequests).toBeLessThan(day.observe.failedRequests)
  expect(await runGameDay(options)).toEqual(day)
  await expect(runGameDay({ ...options, minutes: 1 })).rejects.toThrow('--minutes')
})

test('kept game days say on what, how many requests failed, and what was avoided', () => {
  const figures = {
    failedRequests: 30,
    requests: 9_000,
    strikes: 8,
    skipped: [],
    incidents: 4,
    judged: { right: 3, wrong: 0 },
  }
  const day: GameDay = {
    at: '2026-01-05T08:00:00.000Z',
    version: '0.1.0',
    calibration: 'prior-1',
    engine: 'docker',
    ground: 'stack',
    seed: 7,
    minutes: 15,
    observe: { ...figures, failureMinutes: 6.04, actions: 0 },
    auto: { ...figures, failureMinutes: 2.5, actions: 3 },
  }
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-game-days-'))
  const path = join(folder, 'game-days.json')
  keepGameDay(path, { ...day, auto: null })
  expect(gameDaysTable(readKept(path, GameDay)).join()).toContain('| not done | – |')
  keepGameDay(path, day)
  const kept = readKept(path, GameDay)
  rmSync(folder, { recursive: true })
  expect(kept).toEqual([day])
  expect(gameDaysTable(kept).at(-2)).toBe(
    '| 2026-01-05 08:00 | the stack of docker-compose.yml, real engine | 15 min | 7 | 8 | prior-1 | 6.0 min, 30 of 9000 requests, 0 actions, 0 of them wrong | 2.5 min, 30 of 9000 requests, 3 actions, 0 of them wrong | 3.5 min |',
  )
  expect(gameDaysTable([])).toEqual([])
})
