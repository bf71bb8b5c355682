import { describe, expect, test } from 'vitest'
import type { Judgement } from '../contracts/autonomy.ts'
import { mayActAlone, runOfWrong, trackRecord, wilsonLower } from './autonomy.ts'
import { SETTINGS } from './incident-stand-in.ts'

const judged = (outcomes: string, done = false): Judgement[] =>
  [...outcomes].map((letter, index) => ({
    at: index * 1000,
    actionId: `a${index}`,
    incidentId: `i${index}`,
    containerKey: 'shop/api/1',
    cause: 'memory-limit',
    kind: 'restart',
    done: done || letter === letter.toUpperCase(),
    outcome: ({ r: 'right', w: 'wrong', u: 'unknown' } as const)[letter.toLowerCase() as 'r' | 'w' | 'u'],
    reason: '',
    durationMs: null,
    failureMs: null,
  }))

test('the lower bound is that of Wilson: 9 of 10 with 90 % confidence is 0.718, 5 of 5 is 0.753', () => {
  // By hand, z = 1.281552, z² = 1.642376: (0.9 + 0.082119 - 1.281552 √(0.009 + 0.00410594)) / 1.1642376 = 0.7175.
  expect(wilsonLower(9, 10)).toBeCloseTo(0.7175, 3)
  // Of all right the bound is n / (n + z²).
  expect(wilsonLower(5, 5)).toBeCloseTo(5 / 6.642376, 6)
  expect(wilsonLower(0, 0)).toBe(0)
  expect(wilsonLower(0, 5)).toBe(0)
})

test('what could not be told counts neither way', () => {
  expect(trackRecord(judged('rruwr'))).toMatchObject({ judged: 4, right: 3, unknown: 1, precision: 0.75 })
  expect(trackRecord([])).toEqual({ judged: 0, right: 0, unknown: 0, precision: null, precisionLower: 0 })
})

describe('acting alone', () => {
  const allowed = (outcomes: string) => mayActAlone(judged(outcomes), SETTINGS)

  test('is earned by seven right decisions of seven: with five, the precision may still be below 80 %', () => {
    expect(['rrrr', 'rrrrr', 'rrrrrr', 'rrrrrrr'].map((outcomes) => allowed(outcomes).allowed)).toEqual([
      false,
      false,
      false,
      true,
    ])
    expect(allowed('rrrr').reason).toBe('4 of 4 decisions were right, 5 have to be judged')
    expect(allowed('rrrrrrr').reason).toContain('precision above 81 % (90 % sure), 80 % are enough')
  })

  test('is lost by one wrong action, and has to be earned again; a wrong decision that was not carried out weighs less', () => {
    expect(allowed('rrrrrrrrrW').allowed).toBe(false)
    expect(allowed('rrrrrrrrrWrrrrrr').allowed).toBe(false)
    expect(allowed('rrrrrrrrrWrrrrrrr').allowed).toBe(true)
    expect(allowed(`w${'r'.repeat(20)}`).allowed).toBe(true)
    expect(allowed('W').reason).toBe('0 of 0 decisions were right since a wrong action, 5 have to be judged')
  })
})

test('two wrong actions in a row pause even auto, until one is right', () => {
  expect(['W', 'RW', 'WRW', 'ww'].map((outcomes) => runOfWrong(judged(outcomes)))).toEqual([null, null, null, null])
  expect(runOfWrong(judged('RWW'))).toContain('the last 2 actions of this kind on it were wrong')
  expect(runOfWrong(judged('WUW'))).not.toBeNull()
  expect(runOfWrong(judged('WWR'))).toBeNull()
})
