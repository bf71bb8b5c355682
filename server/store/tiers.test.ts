import { expect, test } from 'vitest'
import { DEFAULT_TIERS, parseTiers, tierFor } from './tiers.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = Date.parse('2026-11-20T06:00:00Z')

const chosen = (agoMs: number, rangeMs: number, stepMs: number) =>
  tierFor(DEFAULT_TIERS, { fromMs: NOW - agoMs, toMs: NOW - agoMs + rangeMs, stepMs, nowMs: NOW }).name

test('what is not named keeps its default', () => {
  expect(parseTiers('')).toEqual(DEFAULT_TIERS)
  expect(parseTiers('raw=48h, 1h=5y').map(({ name, keepMs }) => [name, keepMs / DAY_MS])).toEqual([
    ['raw', 2],
    ['10s', 14],
    ['1min', 90],
    ['1h', 1825],
  ])
})

test.for(['raw', 'raw=24', '5s=3d', 'raw=1h', 'raw=-3d', '10s=14 d', 'raw=30d', '1h=80d'])(
  '"%s" is refused with a clear word',
  (text) => {
    expect(() => parseTiers(text)).toThrow(/DOCKERPULSE_RETENTION/)
  },
)

test('short ranges are read raw, for only raw samples know what was forecast', () => {
  expect(chosen(5 * 60_000, 5 * 60_000, 1_000)).toBe('raw')
  expect(chosen(6 * HOUR_MS, 6 * HOUR_MS, 60_000)).toBe('raw')
})

test('long ranges are read from the coarsest tier that still has the step', () => {
  expect(chosen(DAY_MS, DAY_MS, 5_000)).toBe('raw')
  expect(chosen(DAY_MS, DAY_MS, 10_000)).toBe('10s')
  expect(chosen(DAY_MS, DAY_MS, 173_000)).toBe('1min')
  expect(chosen(80 * DAY_MS, 80 * DAY_MS, 4 * HOUR_MS)).toBe('1h')
})

test('where the fine tiers no longer reach, a coarser one answers', () => {
  expect(chosen(3 * DAY_MS, HOUR_MS, 1_000)).toBe('10s')
  expect(chosen(30 * DAY_MS, HOUR_MS, 1_000)).toBe('1min')
  expect(chosen(400 * DAY_MS, HOUR_MS, 1_000)).toBe('1h')
  expect(chosen(4000 * DAY_MS, HOUR_MS, 1_000)).toBe('1h')
})
