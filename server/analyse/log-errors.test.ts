import { expect, test } from 'vitest'
import { createLogErrors, forgetRecentLogErrors, takeLogErrors, unusualLogErrors } from './log-errors.ts'

function after(perSecond: readonly number[], stepMs = 1_000) {
  const errors = createLogErrors()
  for (const one of perSecond) takeLogErrors(errors, one, stepMs)
  return errors
}
const at = (perSecond: number, seconds: number) => Array<number>(seconds).fill(perSecond)

test('errors that were not there before are unusual, the more of them the more', () => {
  const scores = [0, 0.1, 0.3, 1, 1_000].map((most) => unusualLogErrors(after([...at(0, 100), ...at(most, 20)])))
  expect(scores).toEqual(scores.toSorted((a, b) => a - b))
  expect(new Set(scores).size).toBe(5)
  expect(scores[0]).toBe(0)
  expect(scores.at(-1)).toBe(1)
})

test('what is always there is usual, however much it is', () => {
  expect(unusualLogErrors(after(at(5, 300)))).toBe(0)
  expect(unusualLogErrors(after([...at(5, 300), ...at(8, 20)]))).toBe(0)
  expect(unusualLogErrors(after([...at(5, 300), ...at(40, 20)]))).toBeGreaterThan(0.5)
})

test('in the first seconds nothing is unusual, for nothing is usual yet', () => {
  expect(unusualLogErrors(after(at(20, 10)))).toBe(0)
})

test('half a minute after the last error little is left of it', () => {
  const errors = after([...at(0, 100), ...at(2, 20)])
  const during = unusualLogErrors(errors)
  for (const one of at(0, 60)) takeLogErrors(errors, one, 1_000)
  expect(unusualLogErrors(errors)).toBeLessThan(during / 4)
})

test('a slower pace of sampling sees the same', () => {
  const each = unusualLogErrors(after([...at(0, 100), ...at(2, 30)]))
  const tenth = unusualLogErrors(after([...at(0, 10), ...at(2, 3)], 10_000))
  expect(Math.abs(each - tenth)).toBeLessThan(0.05)
})

test('a new life begins without recent errors, and still knows what is usual', () => {
  const errors = after(at(3, 200))
  forgetRecentLogErrors(errors)
  for (const one of at(3, 30)) takeLogErrors(errors, one, 1_000)
  expect(unusualLogErrors(errors)).toBe(0)
})

test('clocks that stand still or go back, and long silences, leave numbers that are numbers', () => {
  for (const stepMs of [0, -5_000, 1e12]) {
    const errors = after([1, 0, 7], stepMs)
    expect(Object.values(errors).every(Number.isFinite)).toBe(true)
    expect(unusualLogErrors(errors)).toBeGreaterThanOrEqual(0)
  }
})
