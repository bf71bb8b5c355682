import { describe, expect, test } from 'vitest'
import { vusPr } from './vus-pr.ts'

const LABELS = [0, 0, 1, 1, 0, 0]

describe('VUS-PR', () => {
  test('a score that ranks all anomalous rows first and no other has an area of 1', () => {
    expect(vusPr([0.1, 0.2, 0.9, 0.8, 0.3, 0], LABELS, 0)).toBeCloseTo(1, 12)
  })

  test('without a buffer it is the average precision: a false alarm first gives (1/2 + 2/3) / 2', () => {
    expect(vusPr([0.1, 0.95, 0.9, 0.8, 0.3, 0], LABELS, 0)).toBeCloseTo((1 / 2 + 2 / 3) / 2, 12)
  })

  test('with buffers up to 2 an alarm one row early counts as sqrt(1 - 1/2) of one', () => {
    // Buffers 0 and 1 (half of it: 0 rows) give the average precision. With 2, going down the thresholds:
    // 0.95 raises s = sqrt(1/2) of 1 row, positives are 2 + s / 2; 0.9 adds 1, 0.8 adds 1 and recall is full.
    const s = Math.SQRT1_2
    const first = s / (2 + s / 2)
    const second = (s + 1) / (2 + s / 2)
    const withBuffer = first * s + (second - first) * ((s + 1) / 2) + (1 - second) * ((s + 2) / 3)
    const without = (1 / 2 + 2 / 3) / 2
    expect(vusPr([0.1, 0.95, 0.9, 0.8, 0.3, 0], LABELS, 2)).toBeCloseTo((2 * without + withBuffer) / 3, 12)
  })

  test('recall counts only by the share of anomalies that were found at all', () => {
    // Two anomalies; the first one's two rows come first, then the other's: recall 2/3 halved, then 1 in full.
    expect(vusPr([0.9, 0.8, 0, 0.7, 0], [1, 1, 0, 1, 0], 0)).toBeCloseTo(1, 12)
    // A false alarm in between: precision 3/4 for the step from 1/3 (2/3 halved) to 1.
    expect(vusPr([0.9, 0.8, 0.75, 0.7, 0], [1, 1, 0, 1, 0], 0)).toBeCloseTo(1 / 3 + (2 / 3) * (3 / 4), 12)
  })

  test('anomalies whose buffers meet are one to find', () => {
    // With buffer 2 the anomalies at rows 1 and 3 are one range: one alarm has found it, recall is not halved.
    const s = Math.SQRT1_2
    const apart = (1 / 2) * (1 / 2) + (1 - (1 / 2) * (1 / 2)) * (2 / 5)
    const labels = [0, 1, 0, 1, 0]
    // Buffers 0 and 1: one alarm (recall 1/2, existence 1/2), then all five rows at once.
    // Buffer 2: row 2 gets s from either side, at most 1. All raised: right 2 + 2 s + 1 of 5, recall full.
    const met = (1 / 2) * 1 + (1 / 2) * ((2 + 2 * s + 1) / 5)
    expect(vusPr([0, 1, 0, 0, 0], labels, 2)).toBeCloseTo((2 * apart + met) / 3, 12)
  })

  test('without an anomaly there is no figure', () => {
    expect(vusPr([0.1, 0.2], [0, 0])).toBeNull()
  })
})
