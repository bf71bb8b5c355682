import { expect, test } from 'vitest'
import { notEvaluated } from '../analyse/assess.ts'
import type { Assessment } from '../contracts/assessment.ts'
import { CALM_INTERVALS_MS, decideSampling, isCalm } from './sampling-policy.ts'

const decide = (cost: number, calmIntervalMs: number) =>
  decideSampling({ ownShareOfHost: cost / 2, engineShareOfHost: cost / 2, budgetShareOfHost: 0.02, calmIntervalMs })

test('within the budget nothing changes', () => {
  expect(decide(0.015, 1_000)).toEqual({
    calmIntervalMs: 1_000,
    reason: 'watching costs 1.5 % of the host, 2.0 % are allowed',
  })
})

test('above the budget calm containers are read less often, one step at a time, and it says so', () => {
  expect(decide(0.05, 1_000)).toMatchObject({ calmIntervalMs: 2_000, reason: expect.stringContaining('every 2 s') })
  expect(decide(0.05, 5_000).calmIntervalMs).toBe(10_000)
})

test('at the slowest there is no further step', () => {
  const slowest = CALM_INTERVALS_MS.at(-1)!
  expect(decide(0.5, slowest).calmIntervalMs).toBe(slowest)
})

test('well below the budget it goes back to each second, step by step', () => {
  let interval = 30_000
  for (const expected of [10_000, 5_000, 2_000, 1_000, 1_000]) {
    interval = decide(0.004, interval).calmIntervalMs
    expect(interval).toBe(expected)
  }
})

test('between the two it stays, so that it does not swing to and fro', () => {
  expect(decide(0.012, 5_000).calmIntervalMs).toBe(5_000)
})

test.for<[boolean, string, Partial<Assessment>]>([
  [true, 'a low light and no limit in sight', {}],
  [true, 'a limit that is hours away', { timeToLimitMs: 7_200_000 }],
  [false, 'a limit that is a minute away, however low the light', { timeToLimitMs: 60_000 }],
  [false, 'a limit of processes that is near', { pidsTimeToLimit: { ms: 30_000, lowerMs: 20_000, upperMs: null } }],
  [false, 'a medium light', { light: 'medium', probability: 0.6 }],
  [false, 'what could not be evaluated', { probability: null }],
])('whether a container is calm: %s for %s', ([calm, , differences]) => {
  const assessment: Assessment = { ...notEvaluated('a', 0), light: 'low', probability: 0.04 }
  expect(isCalm({ ...assessment, ...differences })).toBe(calm)
})
