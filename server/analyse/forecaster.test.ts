import { describe, expect, test } from 'vitest'
import { createForecaster, exceedance, type Forecaster, learn, predict } from './forecaster.ts'
import { seededNormal } from './seeded-stand-in.ts'

function learnt(values: readonly number[]): Forecaster {
  const forecaster = createForecaster()
  for (const value of values) learn(forecaster, value)
  return forecaster
}

/** Less than single precision can hold: not the same value, and the same to all that forecasts are made from. */
const HARDLY = 1e-50

const calm = (steps: number) => Array.from({ length: steps }, () => 0)
const hardlyCalm = (steps: number) => Array.from({ length: steps }, (_, step) => (step % 2) * HARDLY)

describe('a stretch without change', () => {
  const normal = seededNormal(5)
  const busy = (steps: number) => Array.from({ length: steps }, () => 100 + normal())
  const [before, after] = [busy(400), busy(80)]

  test.each([
    ['from the start', (quiet: readonly number[]) => [...quiet, ...after]],
    ['long after other values', (quiet: readonly number[]) => [0, ...before, ...quiet, ...after]],
  ])('%s is worked out at once, and changes no forecast', (_, series) => {
    for (const steps of [5, 29, 30, 41, 700, 3000]) {
      const [one, other] = [learnt(series(calm(steps))), learnt(series(hardlyCalm(steps)))]
      const [made, expected] = [predict(one)!, predict(other)!]
      expect(made.value).toBe(expected.value)
      // Levels are added up in single precision.
      for (const bound of ['lower80', 'upper80', 'lower95', 'upper95'] as const)
        expect(made[bound]).toBeCloseTo(expected[bound], 1)
      for (const threshold of [0, 99, 101]) expect(exceedance(one, threshold)).toBe(exceedance(other, threshold))
    }
  })

  test('is forecast to go on, and takes no memory as long as nothing else was', () => {
    const forecaster = learnt(Array.from({ length: 5000 }, () => 7))
    expect(predict(forecaster)).toEqual({ value: 7, lower80: 7, upper80: 7, lower95: 7, upper95: 7 })
    expect([exceedance(forecaster, 7), exceedance(forecaster, 7, true), exceedance(forecaster, 6.5, true)]).toEqual([
      1, 0, 1,
    ])
    expect([forecaster.few, forecaster.packed]).toEqual([null, null])
  })
})

test('thirty values are needed for a forecast, and what is not a number counts as the last one', () => {
  const rising = Array.from({ length: 29 }, (_, step) => step)
  expect(predict(learnt([Number.NaN, ...rising]))).toBeNull()
  expect(predict(learnt([...rising, Number.NaN]))).toEqual(predict(learnt([...rising, 28])))
})

test('forecasters at work in turn know nothing of each other', () => {
  const normal = seededNormal(12)
  const series = [
    Array.from({ length: 900 }, (_, step) => 50 + 10 * Math.sin(step / 20) + normal()),
    Array.from({ length: 900 }, (_, step) => 1e9 + 1e5 * step + 1e6 * normal()),
  ]
  const alone = series.map((values) => predict(learnt(values)))
  const forecasters = series.map(() => createForecaster())
  for (let step = 0; step < 900; step++)
    for (const [index, forecaster] of forecasters.entries()) learn(forecaster, series[index]![step]!)
  expect(forecasters.map((one) => predict(one))).toEqual(alone)
})
