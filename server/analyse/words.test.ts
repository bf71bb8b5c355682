import { expect, test } from 'vitest'
import { bytesInWords, durationInWords, shareInWords } from './words.ts'

test('bytes are said in binary units with three figures', () => {
  expect([0, 512, 1024, 1536, 128 * 1024 ** 2, 1.234 * 1024 ** 3, 5_000 * 1024 ** 4].map(bytesInWords)).toEqual([
    '0 B',
    '512 B',
    '1 KiB',
    '1.5 KiB',
    '128 MiB',
    '1.23 GiB',
    '5000 TiB',
  ])
})

test('durations are said in the two largest units', () => {
  expect([0, 12_400, 59_600, 60_000, 200_000, 3_600_000, 7_500_000].map(durationInWords)).toEqual([
    '0 s',
    '12 s',
    '1 min',
    '1 min',
    '3 min 20 s',
    '1 h',
    '2 h 5 min',
  ])
})

test('shares are said per cent', () => {
  expect([0, 0.874, 1].map(shareInWords)).toEqual(['0 %', '87 %', '100 %'])
})
