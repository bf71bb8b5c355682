import { expect, test } from 'vitest'
import { createFailureSigns } from './failure-signs.ts'

/** When, in seconds, a container is told to have failed whose CPU is so each second. */
function saturatedAt(seconds: number, shareAt: (second: number) => number): number[] {
  const told: number[] = []
  const signs = createFailureSigns((sign, atMs) => {
    if (sign === 'saturated') told.push(atMs / 1000)
  })
  for (let second = 1; second <= seconds; second++) signs.cpu(shareAt(second), second * 1000)
  return told
}

test('CPU at its limit is a failure after five minutes, once the smoothed share has risen to it, and told once', () => {
  expect(saturatedAt(600, () => 1)).toEqual([313])
})

test('a busy host that gives less for every twentieth second delays it by two seconds each and does not hide it', () => {
  expect(saturatedAt(600, (second) => (second % 20 === 0 ? 0.7 : 1))).toEqual([349])
})

test('a container that gets its breath back a quarter of the time has not failed', () => {
  expect(saturatedAt(900, (second) => (second % 4 === 0 ? 0.5 : 1))).toEqual([])
})
