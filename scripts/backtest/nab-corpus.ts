import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LabelWindow } from './nab-score.ts'
import { epochMs, readSeries } from './series-files.ts'

/** One labelled series of a folder laid out as NAB's. A bad value is the last good one before it. */
export type LabelledSeries = { name: string; category: string; values: Float64Array; windows: LabelWindow[] }

/** Windows given by their first and last time as rows, in the order of the rows; those without a row are left out. */
export function windowsOfTimes(atMs: readonly number[], spans: readonly (readonly [number, number])[]): LabelWindow[] {
  const windows: LabelWindow[] = []
  for (const [fromMs, toMs] of spans) {
    const inside = (at: number) => at >= fromMs && at <= toMs
    const from = atMs.findIndex(inside)
    if (from >= 0) windows.push({ from, to: atMs.findLastIndex(inside) })
  }
  return windows.sort((a, b) => a.from - b.from)
}

/** Reads `<folder>/<category>/<file>.csv` (`timestamp,value`) for every file named in `<folder>/labels.json`. */
export function readNabCorpus(folder: string): LabelledSeries[] {
  const labels = JSON.parse(readFileSync(join(folder, 'labels.json'), 'utf8')) as {
    windows: Record<string, [string, string][]>
  }
  return Object.entries(labels.windows).map(([name, spans]) => {
    const { timestamps, values } = readSeries(readFileSync(join(folder, name), 'utf8'))
    const atMs = timestamps.map(epochMs)
    const windows = windowsOfTimes(
      atMs,
      spans.map(([from, to]) => [epochMs(from), epochMs(to)] as const),
    )
    return { name, category: dirname(name), values, windows }
  })
}
