import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../server/fixtures/temporary-folder.ts'
import { BacktestFigures } from './figures.ts'
import { runBacktest } from './run-backtest.ts'

function folderWith(files: Record<string, string>): string {
  const folder = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

const csv = (rows: number, value: (row: number) => number | string) =>
  `timestamp,value\n${Array.from({ length: rows }, (_, row) => `${1_600_000_000 + row},${value(row)}\n`).join('')}`

const backtest = (folder: string, out: string | null = null) => {
  const said: string[] = []
  return { said, figures: runBacktest({ folder, out, say: (text) => said.push(text), progress: () => {} }) }
}

test('series are scored by group, labels by folder, and a file that is none is named and passed over', () => {
  const folder = folderWith({
    'forecast/waves/one.csv': csv(400, (row) => 10 + Math.sin(row / 5)),
    'forecast/waves/flat.csv': csv(400, () => 3),
    'forecast/ramps/one.csv': csv(400, (row) => row + (row % 3) / 10),
    'forecast/ramps/broken.csv': 'no header here\n1,2\n',
    'nab/kind/jump.csv': csv(900, (row) => (row % 7) / 10 + (row > 500 ? 50 : 0)),
    'nab/labels.json': JSON.stringify({
      windows: { 'kind/jump.csv': [['2020-09-13 12:34:40', '2020-09-13 12:36:00']] },
    }),
  })
  const { figures, said } = backtest(folder)
  expect(BacktestFigures.parse(figures)).toEqual(figures)
  expect(said).toEqual([expect.stringContaining('forecast/ramps/broken.csv: has no header')])
  expect(figures.skipped).toHaveLength(1)
  const groups = figures.forecast!.groups
  expect(groups.map(({ group, series, leftOut }) => [group, series, leftOut])).toEqual([
    ['ramps', 1, 0],
    ['waves', 1, 1],
  ])
  for (const { maeToLast } of groups) expect(maeToLast).toBeLessThan(0.5)
  const [nab] = figures.anomaly.folders
  expect(nab).toMatchObject({ folder: 'nab', files: 1, anomalies: 1 })
  expect(nab!.nab!.standard.sweep).toBeGreaterThan(50)
})

test('what was said of each row is written in the order of the rows, and empty where there is nothing', () => {
  const text = csv(200, (row) => (row === 0 || row === 50 ? '' : row))
  const folder = folderWith({ 'forecast/group/one.csv': text })
  const out = temporaryFolder()
  backtest(folder, out)
  const lines = readFileSync(join(out, 'forecast/group/one__value.csv'), 'utf8').trimEnd().split('\n')
  expect(lines[0]).toBe('timestamp,value,forecast10,lower80,upper80,exceedanceProbability,anomalyScore')
  expect(lines).toHaveLength(201)
  expect(lines[1]).toBe('1600000000,,,,,,')
  expect(lines[51]).toMatch(/^1600000050,,[^,]+,[^,]+,[^,]+,,0$/)
  const [, value, forecast, lower, upper, probability, anomaly] = lines[180]!.split(',').map(Number)
  expect(value).toBe(179)
  expect(Math.abs(forecast! - 189)).toBeLessThan(3)
  expect(lower).toBeLessThanOrEqual(forecast!)
  expect(upper).toBeGreaterThanOrEqual(forecast!)
  expect(probability).toBeGreaterThan(0.9)
  expect(anomaly).toBeGreaterThanOrEqual(0)
})

test('a folder without series has nothing to score', () => {
  const { figures } = backtest(folderWith({ 'README.md': '' }))
  expect(figures).toMatchObject({ forecast: null, exceedance: null, anomaly: { folders: [] } })
})
