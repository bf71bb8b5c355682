import { describe, expect, test } from 'vitest'
import type { RunHeader } from '../record/run-file.ts'
import type { Observed, Second } from './observe-run.ts'
import { failuresSeen, falseAlarms, reliability } from './scores.ts'

/** A run of so many seconds from time 0 with failures at these seconds. */
function runOf(length: number, failedAt: number[]): Observed {
  const header = { family: 'test', kind: 'leak', failures: failedAt.map((at) => ({ sign: 'oom', at: at * 1000 })) }
  const seconds = Array.from({ length }, (_, second) => ({ at: second * 1000, failing: false }) as Second)
  return { header: header as RunHeader, seconds }
}
const alarmsIn = (length: number, ...spans: [number, number][]) =>
  Array.from({ length }, (_, second) => spans.some(([from, to]) => second >= from && second < to))

describe('a failure is foreseen', () => {
  const foreseen = (...spans: [number, number][]) => failuresSeen(runOf(100, [80]), alarmsIn(100, ...spans))[0]

  test('by an alarm that stands from five seconds before until it comes', () => {
    expect(foreseen([75, 100])).toMatchObject({ foreseen: true, leadSeconds: 5 })
    expect(foreseen([40, 80])).toMatchObject({ foreseen: true, leadSeconds: 40 })
  })

  test('not by one that comes later, or went before, or paused', () => {
    expect(foreseen([76, 100])).toMatchObject({ foreseen: false })
    expect(foreseen([40, 79])).toMatchObject({ foreseen: false, leadSeconds: null })
    expect(foreseen([40, 77], [78, 80])).toMatchObject({ foreseen: false, leadSeconds: 2 })
  })
})

describe('a false alarm', () => {
  test('is one that no failure follows within a minute; coming back within half a minute it is the same', () => {
    expect(falseAlarms(runOf(200, []), alarmsIn(200, [10, 12], [30, 32], [100, 101]))).toBe(2)
    expect(falseAlarms(runOf(200, [160]), alarmsIn(200, [110, 160]))).toBe(0)
    expect(falseAlarms(runOf(200, [190]), alarmsIn(200, [110, 190]))).toBe(1)
  })
})

describe('reliability', () => {
  test('of 0.8 that comes in half of the cases: Brier (0.04 + 0.64) / 2, ECE 0.3', () => {
    const { brier, ece, baseRate, brierSkill } = reliability(
      [
        {
          outcomes: [
            { p: 0.8, y: 1 },
            { p: 0.8, y: 0 },
          ],
        },
      ],
      'second',
    )
    expect(brier).toBeCloseTo(0.34, 12)
    expect(ece).toBeCloseTo(0.3, 12)
    expect(baseRate).toBe(0.5)
    expect(brierSkill).toBeCloseTo(1 - 0.34 / 0.25, 12)
  })

  test('lets a long run count no more than a short one', () => {
    const long = { outcomes: Array.from({ length: 99 }, () => ({ p: 0, y: 0 })) }
    expect(reliability([long, { outcomes: [{ p: 0, y: 1 }] }], 'run').brier).toBeCloseTo(0.5, 12)
  })
})
