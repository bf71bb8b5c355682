import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { LabelWindow } from './nab-score.ts'

/** One labelled series of a folder laid out as NAB's. A cell that is no number is NaN. */
export type LabelledSeries = { name: string; category: string; values: Float64Array; windows: LabelWindow[] }

/** Epoch milliseconds of a time of day without a zone, taken as UTC. */
export function epochMs(time: string): number {
  return Date.parse(`${time.trim().replace(' ', 'T')}Z`)
}

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
    const lines = readFileSync(join(folder, name), 'utf8').trim().split('\n').slice(1)
    const cells = lines.map((line) => line.split(','))
    const values = Float64Array.from(cells, ([, value]) => (value?.trim() ? Number(value) : Number.NaN))
    const atMs = cells.map(([time]) => epochMs(time!))
    const windows = windowsOfTimes(
      atMs,
      spans.map(([from, to]) => [epochMs(from), epochMs(to)] as const),
    )
    return { name, category: dirname(name), values, windows }
  })
}
