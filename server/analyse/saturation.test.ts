import { expect, test } from 'vitest'
import { createSaturation, SATURATION_FAILS_MS, saturate } from './saturation.ts'

/** So long at the limit after a share a second. */
function msAfter(shares: number[]): number {
  const saturation = createSaturation()
  for (const share of shares) saturate(saturation, share, 1_000)
  return saturation.ms
}
const at = (share: number, seconds: number) => Array<number>(seconds).fill(share)

test('CPU at its limit fails after five minutes and the seconds in which that is noticed', () => {
  expect(msAfter(at(1, 300))).toBeLessThan(SATURATION_FAILS_MS)
  expect(msAfter(at(1, 320))).toBeGreaterThanOrEqual(SATURATION_FAILS_MS)
})

test('seconds a tenth above and below the limit are at the limit: the kernel deals CPU out by tenths', () => {
  expect(msAfter(at(1, 340).map((share, second) => share + (second % 2 === 0 ? 0.1 : -0.1)))).toBeGreaterThanOrEqual(
    SATURATION_FAILS_MS,
  )
})

test('one second of rest costs some, half a minute costs more than itself, and all below the limit is nothing', () => {
  const one = msAfter([...at(1, 200), 0.5, ...at(1, 50)])
  const more = msAfter([...at(1, 200), ...at(0.5, 30), ...at(1, 50)])
  expect(one).toBeGreaterThan(200_000)
  expect(more).toBeLessThan(one - 30_000)
  expect(msAfter(at(0.9, 600))).toBe(0)
})
