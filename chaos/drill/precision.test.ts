import { expect, test } from 'vitest'
import { precisionInWords, precisionTable } from './kept-precision.ts'
import { precisionOf } from './precision.ts'

const COUNTED = { calibration: 'prior-1', seeds: 2, minutes: 60 }
const KEPT = { at: '2026-01-05T08:00:00.000Z', version: '0.1.0' }

test('the precision of drills and game days comes with its interval', () => {
  // Wilson's 95 % interval of 95 in 100, by the published formula: 0.888 to 0.978.
  const measured = precisionOf({ ...COUNTED, drills: { right: 35, wrong: 5 }, gameDays: { right: 60, wrong: 0 } })
  expect(measured).toMatchObject({ right: 95, wrong: 5, precision: 0.95 })
  expect(measured.lower).toBeCloseTo(0.888, 3)
  expect(measured.upper).toBeCloseTo(0.978, 3)
  expect(precisionInWords({ ...KEPT, ...measured })).toBe(
    '95 of 100 automatic actions were right: precision 95.0 % (95 % interval 88.8 % to 97.8 %)',
  )
  expect(precisionTable([{ ...KEPT, ...measured }]).at(-2)).toBe(
    '| 2026-01-05 08:00 | prior-1 | 1 to 2 | 35 of 40 | 60 of 60 | 95.0 % | 88.8 % to 97.8 % |',
  )
})

test('without an action there is no precision', () => {
  const nothing = precisionOf({ ...COUNTED, drills: { right: 0, wrong: 0 }, gameDays: { right: 0, wrong: 0 } })
  expect(nothing).toMatchObject({ precision: null, lower: 0, upper: 1 })
  expect(precisionInWords({ ...KEPT, ...nothing })).toBe('there was no automatic action')
  expect(precisionTable([])).toEqual([])
})
