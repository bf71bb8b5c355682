import { describe, expect, test } from 'vitest'
import { fitLogistic, type Row } from './logistic.ts'

/** So many rows with these features, of which some came true. */
const rows = (x: number[], count: number, came: number): Row[] =>
  Array.from({ length: count }, (_, index) => ({ x: Float64Array.from(x), y: Number(index < came), weight: 1 }))

describe('logistic regression', () => {
  test('of one yes-or-no feature gives the log-odds: ln(1/3) without it, ln 9 more with it', () => {
    // 1 of 4 came true without, 3 of 4 with: odds 1/3 and 3, a ratio of 9.
    const { intercept, weights } = fitLogistic([...rows([0], 4, 1), ...rows([1], 4, 3)], 0)
    expect(intercept).toBeCloseTo(Math.log(1 / 3), 5)
    expect(weights[0]).toBeCloseTo(Math.log(9), 5)
  })

  test('never gives a negative weight: what speaks against a failure is left out, and the base rate stays', () => {
    const { intercept, weights } = fitLogistic([...rows([0, 1], 4, 3), ...rows([1, 0], 4, 1), ...rows([0, 0], 4, 1)], 0)
    expect(weights[0]).toBe(0)
    // Without the first feature: 2 of 8 came true, and 3 of 4 with the second.
    expect(intercept).toBeCloseTo(Math.log(2 / 6), 5)
    expect(weights[1]).toBeCloseTo(Math.log(3) - Math.log(2 / 6), 5)
  })

  test('counts by weight: a row of weight 3 is three rows', () => {
    const heavy = rows([1], 2, 1).map((row) => ({ ...row, weight: row.y === 1 ? 3 : 1 }))
    const { weights, intercept } = fitLogistic([...rows([0], 2, 1), ...heavy], 0)
    expect(intercept).toBeCloseTo(0, 5)
    expect(weights[0]).toBeCloseTo(Math.log(3), 5)
  })

  test('stays finite where the classes part cleanly, by its penalty', () => {
    const { weights } = fitLogistic([...rows([0], 10, 0), ...rows([1], 10, 10)], 0.01)
    expect(weights[0]).toBeGreaterThan(2)
    expect(weights[0]).toBeLessThan(20)
  })

  test('shares a weight evenly between two features that always come together', () => {
    const { weights } = fitLogistic([...rows([0, 0], 4, 1), ...rows([1, 1], 4, 3)], 1e-3)
    expect(weights[0]).toBeCloseTo(weights[1]!, 6)
  })
})
