import { expect, test } from 'vitest'
import { append, clear, createSeries, indexOfAge, replaceNewest, timeAt } from './series.ts'

/** The low half of a time begins anew every 49.7 days, as here. */
const TURN_MS = 400 * 2 ** 32

test('times are whole, also where their low half begins anew within the series', () => {
  const series = createSeries(4)
  const times = [-2000, -1000, 0, 1000, 2000].map((ms) => TURN_MS + ms)
  for (const [value, at] of times.entries()) append(series, at, value)
  const [oldest, ...rest] = [3, 2, 1, 0].map((age) => indexOfAge(series, age))
  expect([oldest!, ...rest].map((index) => timeAt(series, index))).toEqual(times.slice(1))
  expect(series.values[oldest!]).toBe(1)
  replaceNewest(series, TURN_MS + 2500, 9)
  expect([timeAt(series, indexOfAge(series, 0)), timeAt(series, oldest!)]).toEqual([TURN_MS + 2500, TURN_MS - 1000])
})

test('what is not newer is not taken, but after everything was forgotten', () => {
  const series = createSeries(4)
  append(series, 2000, 1)
  append(series, 2000, 2)
  append(series, 1000, 3)
  expect(series.length).toBe(1)
  clear(series)
  append(series, 1000, 3)
  expect([series.length, timeAt(series, indexOfAge(series, 0))]).toEqual([1, 1000])
})
