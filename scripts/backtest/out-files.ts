import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { SeriesRun } from './run-series.ts'
import type { SeriesRows } from './series-files.ts'

const HEADER = 'timestamp,value,forecast10,lower80,upper80,exceedanceProbability,anomalyScore'

/** One line per row of the input, in its order, with timestamp and value as written there; empty where there is nothing. */
export function outLines(rows: SeriesRows, run: SeriesRun): string {
  const columns = [run.forecast, run.lower80, run.upper80, run.exceedance, run.anomaly]
  const lines = [HEADER]
  for (let row = 0; row < rows.timestamps.length; row++) {
    let line = `${rows.timestamps[row]},${rows.texts[row]}`
    for (const column of columns) line += Number.isNaN(column[row]!) ? ',' : `,${column[row]}`
    lines.push(line)
  }
  return `${lines.join('\n')}\n`
}

/** Where the output of a series goes, given its path relative to the data. */
export const outPath = (file: string): string => file.replace(/\.csv$/, '__value.csv')

export function writeOut(folder: string, file: string, rows: SeriesRows, run: SeriesRun): void {
  const path = join(folder, outPath(file))
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, outLines(rows, run))
}
