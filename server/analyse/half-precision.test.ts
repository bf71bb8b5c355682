import { expect, test } from 'vitest'
import { fromHalf, toHalf } from './half-precision.ts'

const kept = (value: number) => fromHalf(toHalf(value))

test('the whole range of single precision is kept to 0.2 %, sign and zero exactly', () => {
  for (const size of [1e-30, 0.003, 1, 3, 255, 1_234_567, 6.4e10, 2e30])
    for (const value of [size, -size]) expect(Math.abs(kept(value) / value - 1)).toBeLessThan(0.002)
  expect([kept(0), kept(-256), kept(Number.POSITIVE_INFINITY)]).toEqual([0, -256, Number.POSITIVE_INFINITY])
})
