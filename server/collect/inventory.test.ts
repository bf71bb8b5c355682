import fc from 'fast-check'
import { expect, test } from 'vitest'
import { retryDelayMs } from './inventory.ts'

test('without luck the delays double from one second and stay at thirty', () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 100].map((failures) => retryDelayMs(failures, () => 1))
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

test('chance takes at most half of a delay, so that many programs do not come back at once', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const longest = retryDelayMs(failures, () => 1)
      const delay = retryDelayMs(failures, () => chance)
      expect(delay).toBeGreaterThanOrEqual(longest / 2)
      expect(delay).toBeLessThanOrEqual(longest)
      expect(longest).toBeLessThanOrEqual(30_000)
    }),
  )
})
