import { describe, expect, test } from 'vitest'
import { climbRate, climbTo, createClimb, goingOn, leftToRise } from './climb.ts'

const LIMIT = 1_000

/** A value a second; gives the climb after the last one, and its time. */
function climbAfter(seconds: number, valueAt: (second: number) => number) {
  const climb = createClimb()
  for (let second = 0; second <= seconds; second++) climbTo(climb, second * 1_000, valueAt(second), LIMIT)
  return { climb, nowMs: seconds * 1_000 }
}

describe('the pace of the highs', () => {
  test('of an even rise of 5 a second is 5 a second, over whatever span', () => {
    const { climb, nowMs } = climbAfter(100, (second) => 100 + 5 * second)
    for (const span of [12_000, 60_000, 100_000]) expect(climbRate(climb, nowMs, span)).toBeCloseTo(5, 0)
  })

  test('of a rise in steps counts the pauses: 40 every 8 s are 5 a second', () => {
    const { climb, nowMs } = climbAfter(100, (second) => 100 + 40 * Math.floor(second / 8))
    expect(climbRate(climb, nowMs, 60_000)).toBeCloseTo(5, 0)
  })

  test('of a sawtooth is 0: no tooth is higher than the first', () => {
    const { climb, nowMs } = climbAfter(100, (second) => 100 + 30 * (second % 20))
    expect(climbRate(climb, nowMs, 60_000)).toBe(0)
  })

  test('is 0 in a life of less than twelve seconds', () => {
    const { climb, nowMs } = climbAfter(11, (second) => 100 + 5 * second)
    expect(climbRate(climb, nowMs, 60_000)).toBe(0)
  })
})

describe('a climb', () => {
  test('goes on while it makes new highs, and is over when it rests for longer than it ever did', () => {
    const rising = climbAfter(60, (second) => 100 + 5 * second)
    expect(goingOn(rising.climb, rising.nowMs, 3)).toBe(1)
    const rested = climbAfter(80, (second) => 100 + 5 * Math.min(second, 60))
    expect(goingOn(rested.climb, rested.nowMs, 3)).toBe(0)
  })

  test('in steps goes on between them', () => {
    const { climb, nowMs } = climbAfter(98, (second) => 100 + 40 * Math.floor(second / 14))
    expect(goingOn(climb, nowMs + 13_000, 3)).toBe(1)
  })
})

describe('a climb that slows down', () => {
  test('gets as much higher as its halving steps add up to: after 400 and 200 another 200', () => {
    const { climb, nowMs } = climbAfter(20, (second) => 100 + 800 * (1 - 0.5 ** (second / 10)))
    expect(leftToRise(climb, nowMs, 10_000)).toBeCloseTo(200, -1)
  })

  test('is none where it is even or gathers pace, or before there are two spans of it', () => {
    const even = climbAfter(60, (second) => 100 + 10 * second)
    expect(leftToRise(even.climb, even.nowMs, 10_000)).toBeGreaterThan(100_000)
    const faster = climbAfter(60, (second) => 100 + second ** 1.5)
    expect(leftToRise(faster.climb, faster.nowMs, 10_000)).toBe(Number.POSITIVE_INFINITY)
    expect(leftToRise(climbAfter(15, (second) => 100 + second).climb, 15_000, 10_000)).toBe(Number.POSITIVE_INFINITY)
  })
})
