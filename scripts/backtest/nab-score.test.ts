import { describe, expect, test } from 'vitest'
import { windowsOfTimes } from './nab-corpus.ts'
import { NAB_PROFILES, nabFileScore, nabScore, nabSweep, probationRows } from './nab-score.ts'

/** Ten rows (the first is probation), alarms in some, and a window over the rows 4..7. */
const alarmsIn = (...rows: number[]) => ({
  scores: Array.from({ length: 10 }, (_, row) => (rows.includes(row) ? 1 : 0)),
  windows: [{ from: 4, to: 7 }],
})
const { standard, lowFalseNegatives, lowFalsePositives } = NAB_PROFILES

describe('NAB score of a file', () => {
  test('an alarm in the first row of a window is worth 1', () => {
    expect(nabFileScore(alarmsIn(4), 1, standard)).toBeCloseTo(1, 12)
  })

  test('of several alarms in a window only the earliest counts: row 6 lies at -(7 - 6 + 1) / 4 = -0.5', () => {
    // (2 / (1 + e^-2.5) - 1) / (2 / (1 + e^-5) - 1) = 0.848284 / 0.986614
    expect(nabFileScore(alarmsIn(6, 7), 1, standard)).toBeCloseTo(0.859793, 6)
  })

  test('a false alarm before any window costs its full weight, one after it by its distance', () => {
    expect(nabFileScore(alarmsIn(2, 4), 1, standard)).toBeCloseTo(1 - 0.11, 12)
    // Row 8 lies at (8 - 7) / (4 - 1) = 1/3: 2 / (1 + e^(5/3)) - 1 = -0.682262
    expect(nabFileScore(alarmsIn(4, 8), 1, standard)).toBeCloseTo(1 - 0.11 * 0.682262, 6)
    expect(nabFileScore(alarmsIn(4, 8), 1, lowFalsePositives)).toBeCloseTo(1 - 0.22 * 0.682262, 6)
  })

  test('a missed window costs the miss of the profile', () => {
    expect(nabFileScore(alarmsIn(), 1, standard)).toBe(-1)
    expect(nabFileScore(alarmsIn(), 1, lowFalseNegatives)).toBe(-2)
  })

  test('neither alarms nor windows in the probation count', () => {
    expect(probationRows(10)).toBe(1)
    expect(probationRows(20_000)).toBe(750)
    expect(nabFileScore(alarmsIn(0, 4), 1, standard)).toBeCloseTo(1, 12)
    expect(nabFileScore({ scores: Array(20).fill(0), windows: [{ from: 0, to: 2 }] }, 1, standard)).toBe(0)
  })
})

describe('NAB score of a corpus', () => {
  test('silence is 0, all windows hit in their first rows is 100', () => {
    expect(nabScore([alarmsIn(), alarmsIn()], 1, standard)).toBe(0)
    expect(nabScore([alarmsIn(4), alarmsIn(4)], 1, lowFalseNegatives)).toBeCloseTo(100, 10)
    expect(nabScore([alarmsIn(4), alarmsIn()], 1, standard)).toBeCloseTo(50, 10)
  })

  test('the sweep finds the one best threshold for all files', () => {
    const early = { scores: [0, 0.2, 0.2, 0.2, 0.7, 0, 0, 0, 0, 0], windows: [{ from: 4, to: 7 }] }
    const noisy = { scores: [0, 0.5, 0.5, 0.5, 0.6, 0, 0, 0, 0, 0], windows: [{ from: 4, to: 7 }] }
    expect(nabSweep([early, noisy], standard)).toEqual({ score: expect.closeTo(100, 10), threshold: 0.6 })
  })

  test('the sweep agrees with trying every threshold', () => {
    const files = Array.from({ length: 5 }, (_, file) => ({
      scores: Array.from({ length: 60 }, (_, row) => ((row * 37 + file * 11 + row * row) % 23) / 23),
      windows: [
        { from: 15, to: 20 + file },
        { from: 40 - file, to: 47 },
      ],
    }))
    for (const profile of Object.values(NAB_PROFILES)) {
      const tried = [Infinity, ...files.flatMap(({ scores }) => scores)].map((at) => nabScore(files, at, profile))
      const { score, threshold } = nabSweep(files, profile)
      expect(score).toBeCloseTo(Math.max(...tried), 9)
      expect(nabScore(files, threshold, profile)).toBeCloseTo(score, 9)
    }
  })

  test('a detector that is better off silent sweeps to 0 at no threshold', () => {
    const file = { scores: [0, 1, 1, 1, 1, 1, 1, 1, 1, 1], windows: [] }
    expect(nabSweep([file, file, alarmsIn()], standard)).toEqual({ score: 0, threshold: Infinity })
  })
})

test('windows given by time become rows, ends included', () => {
  expect(
    windowsOfTimes(
      [0, 10, 20, 30, 40],
      [
        [30, 45],
        [5, 20],
        [41, 50],
      ],
    ),
  ).toEqual([
    { from: 1, to: 2 },
    { from: 3, to: 4 },
  ])
})
