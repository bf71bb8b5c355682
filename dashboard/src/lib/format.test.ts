import { describe, expect, it } from 'vitest'
import { createFormat } from './format.ts'

const MIB = 1024 ** 2
const format = createFormat('en', 'UTC')
const formato = createFormat('es', 'UTC')
/** Numbers and units stay together on a line; the tests are read with ordinary spaces. */
const plain = (text: string): string => text.replaceAll('\u00a0', ' ')

describe('bytes', () => {
  it('have three significant figures and a binary unit', () => {
    expect([0, 512, 1536, 12.34 * MIB, 123.4 * MIB, 1024 * MIB].map((value) => plain(format.bytes(value)))).toEqual([
      '0 B',
      '512 B',
      '1.50 KiB',
      '12.3 MiB',
      '123 MiB',
      '1.00 GiB',
    ])
  })

  it('go to the next unit before a fourth figure is needed', () => {
    expect(plain(format.bytes(999.4 * MIB))).toBe('999 MiB')
    expect(plain(format.bytes(999.6 * MIB))).toBe('0.98 GiB')
    expect(plain(format.bytes(9.996 * MIB))).toBe('10.0 MiB')
  })

  it('are a dash where nothing is known', () => {
    expect(format.bytes(null)).toBe('–')
  })

  it('share one unit with their forecast', () => {
    expect(plain(format.bytesToForecast(990 * MIB, 1100 * MIB))).toBe('0.97 → 1.07 GiB')
    expect(plain(format.bytesToForecast(412 * MIB, null))).toBe('412 MiB')
  })

  it('drop the zeros where they are a limit', () => {
    expect(plain(format.plainBytes(1024 * MIB))).toBe('1 GiB')
    expect(plain(format.plainBytes(1.5 * 1024 * MIB))).toBe('1.5 GiB')
  })
})

describe('shares', () => {
  it('never claim a certainty that rounding made', () => {
    expect([0, 0.004, 0.5, 0.855, 0.996, 1].map((value) => plain(format.share(value)))).toEqual([
      '0 %',
      '< 1 %',
      '50 %',
      '86 %',
      '> 99 %',
      '100 %',
    ])
  })
})

describe('durations', () => {
  it('have two units at most, and the second only where it still matters', () => {
    const written = [-5, 900, 38_000, 60_000, 227_000, 15 * 60_000 + 20_000, 7_500_000, 90_000_000, 2 * 86_400_000]
    expect(written.map((value) => plain(format.duration(value)))).toEqual([
      '0 s',
      '0 s',
      '38 s',
      '1 min',
      '3 min 47 s',
      '15 min',
      '2 h 5 min',
      '1 d 1 h',
      '2 d',
    ])
  })
})

describe('changes', () => {
  it('carry a sign, and are nothing where they round to nothing', () => {
    expect(plain(format.change(-4 * MIB, format.bytes))).toBe('−4.00 MiB')
    expect(plain(format.change(2, format.count))).toBe('+2')
    expect(format.change(0.001, format.cores)).toBe('')
  })
})

it('writes figures the way of the language', () => {
  expect(formato.cores(1.5)).toBe('1,50')
  expect(plain(formato.bytes(1.5 * 1024 * MIB))).toBe('1,50 GiB')
  expect(format.signed(-1.25)).toBe('−1.3')
})

it('writes times on the clock of 24 hours', () => {
  expect(format.time('2026-11-20T00:05:09.000Z')).toBe('00:05:09')
  expect(formato.dateAndTime('2026-11-20T18:05:09.000Z')).toBe('20 nov, 18:05:09')
})
