import { expect, test } from 'vitest'
import { readCalibration } from '../../server/read-calibration.ts'
import { versionOf } from './version.ts'

test('two models of one day have two names, and the order of the weights makes no other', () => {
  const one = versionOf({ intercept: -3, weights: { a: 1, b: 2 } }, '2026-11-25')
  expect(one).toMatch(/^runs-2026-11-25-[0-9a-f]{6}$/)
  expect(versionOf({ intercept: -3, weights: { b: 2, a: 1 } }, '2026-11-25')).toBe(one)
  expect(versionOf({ intercept: -3, weights: { a: 1, b: 2.1 } }, '2026-11-25')).not.toBe(one)
})

test('the shipped model has the name of its numbers: nobody changed them by hand', () => {
  const shipped = readCalibration()
  expect(shipped.version).toBe(versionOf(shipped, shipped.version.slice(5, 15)))
})
