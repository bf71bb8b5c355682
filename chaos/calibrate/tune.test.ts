import { expect, test } from 'vitest'
import { SHIPPED_MEMORY_TUNING } from '../../server/analyse/memory-features.ts'
import { compare, type Figures, settings } from './tune.ts'

const figures = (losses: readonly number[], different: Partial<Figures> = {}): Figures => ({
  lossOfGroup: Object.fromEntries(losses.map((loss, index) => [`family ${index}`, loss])),
  falsePerDeceptiveHour: 1,
  leaksForeseen: 20,
  failuresForeseen: 60,
  ...different,
})
const shipped = figures([0.3, 0.4, 0.2, 0.5])

test('every setting differs from the shipped one in one constant, and each constant is tried', () => {
  const [first, ...others] = settings()
  expect(first!.tuning).toEqual(SHIPPED_MEMORY_TUNING)
  for (const { constant, value, tuning } of others) {
    expect(tuning).toEqual({ ...SHIPPED_MEMORY_TUNING, [constant!]: value })
    expect(value).not.toEqual(SHIPPED_MEMORY_TUNING[constant as keyof typeof SHIPPED_MEMORY_TUNING])
  }
  expect(new Set(others.map(({ constant }) => constant))).toEqual(new Set(Object.keys(SHIPPED_MEMORY_TUNING)))
})

test('better is what gains in all families alike, not on the whole in one of them', () => {
  const alike = compare(figures([0.28, 0.379, 0.18, 0.479]), shipped)
  expect(alike.difference).toBeCloseTo(-0.0205, 6)
  expect(alike.standardError).toBeCloseTo(0.0003, 4)
  expect(alike.isBetter).toBe(true)
  expect(compare(figures([0.1, 0.41, 0.21, 0.51]), shipped)).toMatchObject({ isBetter: false })
  expect(compare(shipped, shipped)).toMatchObject({ difference: 0, isBetter: false })
})

test('nor what pays for its gain with a false alarm or a failure missed', () => {
  const gains = [0.28, 0.379, 0.18, 0.479]
  for (const worse of [{ falsePerDeceptiveHour: 1.1 }, { leaksForeseen: 19 }, { failuresForeseen: 59 }])
    expect(compare(figures(gains, worse), shipped).isBetter).toBe(false)
  expect(compare(figures(gains, { leaksForeseen: 21 }), shipped).isBetter).toBe(true)
})
