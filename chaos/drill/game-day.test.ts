import { expect, test } from 'vitest'
import { SCENARIOS } from '../scenarios.ts'
import { compressed } from './compressed.ts'
import { planGameDay } from './game-day-plan.ts'
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
    hours: 0.25,
    seed: 7,
    signal: new AbortController().signal,
    say: (text: string) => said.push(text),
  } as const
  const day = await runGameDay(options)
  expect(day.observe).toMatchObject({ requests: 5_400, actions: 0, skipped: [] })
  expect(day.observe.failedRequests).toBeGreaterThan(0)
  expect(day.auto.actions).toBeGreaterThan(0)
  expect(day.auto.failedRequests).toBeLessThan(day.observe.failedRequests)
  expect(await runGameDay(options)).toEqual(day)
  await expect(runGameDay({ ...options, hours: 0.01 })).rejects.toThrow('--hours')
})
