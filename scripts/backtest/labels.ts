import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { windowsOfTimes } from './nab-corpus.ts'
import type { LabelWindow } from './nab-score.ts'
import { epochMs } from './series-files.ts'

const LabelsFile = z.union([
  z.object({ windows: z.record(z.string(), z.array(z.tuple([z.string(), z.string()]))) }),
  z.object({ anomalous_timestamps: z.record(z.string(), z.array(z.string())) }),
])

/** Labels of a folder's series by their path in it: windows of time, or single times. */
export type Labels = z.infer<typeof LabelsFile>

/** Labels of one series: anomalous rows as 0 or 1, and the windows they make where windows were given. */
export type SeriesLabels = { rows: Uint8Array; windows: LabelWindow[] | null }

/** Reads a `labels.json`; `null` where there is none or it holds other things. */
export function readLabels(path: string): Labels | null {
  if (!existsSync(path)) return null
  const parsed = LabelsFile.safeParse(JSON.parse(readFileSync(path, 'utf8')))
  return parsed.success ? parsed.data : null
}

/** The labels of a series with these timestamps; `null` where the file is not labelled. */
export function labelsOf(labels: Labels, file: string, timestamps: readonly string[]): SeriesLabels | null {
  const rows = new Uint8Array(timestamps.length)
  let last = Number.NEGATIVE_INFINITY
  const atMs = timestamps.map((timestamp) => {
    const time = epochMs(timestamp)
    if (!Number.isNaN(time)) last = time
    return last
  })
  if ('anomalous_timestamps' in labels) {
    const times = labels.anomalous_timestamps[file]
    if (times === undefined) return null
    const anomalous = new Set(times.map(epochMs))
    return { rows: rows.map((_, row) => (anomalous.has(atMs[row]!) ? 1 : 0)), windows: null }
  }
  const spans = labels.windows[file]
  if (spans === undefined) return null
  const windows = windowsOfTimes(
    atMs,
    spans.map(([from, to]) => [epochMs(from), epochMs(to)] as const),
  )
  for (const { from, to } of windows) rows.fill(1, from, to + 1)
  return { rows, windows }
}
