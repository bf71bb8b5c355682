import { expect, test } from 'vitest'
import { plainThreshold, predictLinear } from './baselines.ts'
import { aReading } from './recording-stand-in.ts'

const memory = (shares: readonly number[]) => shares.map((memoryShareOfLimit) => aReading({ memoryShareOfLimit }))

test('the threshold speaks in the third second in a row at 90 % of memory or CPU', () => {
  expect(plainThreshold(memory([0.89, 0.9, 0.91, 0.92, 0.93]))).toBe(3)
  expect(plainThreshold(memory([0.95, 0.95, 0.5, 0.95, 0.95]))).toBeNull()
  expect(plainThreshold([1, 1, 1].map((cpuShareOfLimit) => aReading({ cpuShareOfLimit })))).toBe(2)
})

test('predict_linear speaks when the line of the last minute reaches the limit within the next', () => {
  // 1 % of the limit a second from 10 %: the line reaches 100 % 60 s ahead at 40 %, that is in second 30; held for 3 s.
  const rising = Array.from({ length: 60 }, (_, second) => 0.1 + 0.01 * second)
  expect(predictLinear(memory(rising))).toBe(32)
  expect(predictLinear(memory(Array(120).fill(0.5)))).toBeNull()
})

test('neither speaks of what was not seen', () => {
  expect(plainThreshold(Array(20).fill(null))).toBeNull()
  expect(predictLinear(Array(20).fill(null))).toBeNull()
  expect(predictLinear([])).toBeNull()
})
