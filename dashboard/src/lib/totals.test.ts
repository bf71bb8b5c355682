import { expect, it } from 'vitest'
import { containerView } from './testing.ts'
import { comparedWith, remember, type Totals, total } from './totals.ts'

const at = (seconds: number): Totals => total(seconds * 1_000, [containerView()], 0)

it('adds up current readings only', () => {
  const stale = containerView({ freshness: 'stale', light: 'critical' })
  expect(total(0, [containerView(), stale], 1)).toMatchObject({
    watched: 2,
    critical: 1,
    cpuCores: 0.25,
    openIncidents: 1,
  })
  expect(total(0, [stale], 0).cpuCores).toBeNull()
})

it('counts what does not run, whatever its light', () => {
  const ended = containerView({ state: 'exited' })
  const looping = containerView({ state: 'restarting', light: 'critical' })
  expect(total(0, [containerView(), ended, looping], 0)).toMatchObject({ watched: 3, critical: 1, notRunning: 2 })
})

it('compares with a minute ago, or with the first it knows', () => {
  let history: Totals[] = []
  expect(comparedWith(history)).toBeNull()
  for (let second = 0; second <= 10; second++) history = remember(history, at(second))
  expect(comparedWith(history)?.at).toBe(0)
  for (let second = 11; second <= 300; second++) history = remember(history, at(second))
  expect(comparedWith(history)?.at).toBe(240_000)
  expect(history.length).toBeLessThanOrEqual(62)
})
