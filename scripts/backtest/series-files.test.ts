import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../server/fixtures/temporary-folder.ts'
import { epochMs, findSeriesFiles, readSeries } from './series-files.ts'

test('rows stay in the order of the file, whatever their timestamps', () => {
  const { timestamps, texts, values } = readSeries('timestamp,value\n30,3\n10,1\n10,1.5\n')
  expect(timestamps).toEqual(['30', '10', '10'])
  expect(texts).toEqual(['3', '1', '1.5'])
  expect([...values]).toEqual([3, 1, 1.5])
})

test('a bad value carries the last one forward, before the first there is none', () => {
  const { values } = readSeries('timestamp,value\n1,\n2,abc\n3,5\n4,\n5,NaN\n6,1e999\n7,0x10\n8,-2.5e1\n9')
  expect([...values]).toEqual([Number.NaN, Number.NaN, 5, 5, 5, 5, 5, -25, -25])
})

test('a byte order mark, Windows lines, quotes, empty lines and further columns are got over', () => {
  const { timestamps, values } = readSeries('\uFEFFTimestamp,Value,label\r\n"2020-01-01 00:00:00","7",x\r\n\r\n2,8\r\n')
  expect([...values]).toEqual([7, 8])
  expect(epochMs(timestamps[0]!)).toBe(Date.UTC(2020, 0, 1))
})

test.each([
  ['', 'has no header timestamp,value'],
  ['a,b\n1,2\n', 'has no header timestamp,value'],
  ['timestamp,value\n', 'has no rows'],
])('%j is no series', (text, reason) => {
  expect(() => readSeries(text)).toThrow(reason)
})

test.each([
  ['1577836800', Date.UTC(2020, 0, 1)],
  ['1577836800.5', Date.UTC(2020, 0, 1) + 500],
  ['2020-01-01 00:00:00', Date.UTC(2020, 0, 1)],
  ['2020-01-01T00:00:00Z', Date.UTC(2020, 0, 1)],
  ['2020-01-01T01:00:00+01:00', Date.UTC(2020, 0, 1)],
  ['2020-01-01', Date.UTC(2020, 0, 1)],
  ['yesterday', Number.NaN],
])('%s is a time', (text, ms) => {
  expect(epochMs(text)).toBe(ms)
})

test('series are found below a folder; published scores and other files are none', () => {
  const folder = temporaryFolder()
  for (const path of [
    'forecast/b/2.csv',
    'forecast/a/1.csv',
    'nab/x.csv',
    'scores/x.csv',
    'scores/expected.json',
    'README.md',
  ]) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), '')
  }
  expect(findSeriesFiles(folder)).toEqual(['forecast/a/1.csv', 'forecast/b/2.csv', 'nab/x.csv'])
})
