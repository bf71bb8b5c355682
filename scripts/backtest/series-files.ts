import { readdirSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { AppError } from '../../server/errors.ts'

/** The rows of one series in the file's order; a row is a step, whatever its timestamp. */
export type SeriesRows = {
  timestamps: string[]
  /** The values as written in the file. */
  texts: string[]
  /** The values as numbers; a bad one is the last good one before it, NaN where there is none. */
  values: Float64Array
}

/** The marker of a folder of published scores, which holds no series. */
const PUBLISHED_MARKER = 'expected.json'

const isFile = (path: string) => {
  try {
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** All CSV files below a folder, as sorted relative paths with `/`; folders of published scores are left out. */
export function findSeriesFiles(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
    relative(folder, join(entry.parentPath, entry.name)),
  )
  const published = publishedFolders(paths.map((path) => path.replaceAll(sep, '/')))
  return paths
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => path.endsWith('.csv') && !published.some((other) => path.startsWith(`${other}/`)))
    .filter((path) => isFile(join(folder, path)))
    .sort()
}

/** Of relative paths, the folders that hold published scores to check a scorer with. */
export function publishedFolders(paths: readonly string[]): string[] {
  return paths
    .filter((path) => path.endsWith(`/${PUBLISHED_MARKER}`))
    .map((path) => path.slice(0, -PUBLISHED_MARKER.length - 1))
}

const unquoted = (cell: string | undefined) => (cell ?? '').trim().replace(/^"(.*)"$/, '$1')

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

function numberOf(cell: string): number {
  const text = unquoted(cell)
  const value = DECIMAL.test(text) ? Number(text) : Number.NaN
  return Number.isFinite(value) ? value : Number.NaN
}

/** Reads `timestamp,value` with a header; empty lines are no rows, further columns are not looked at. */
export function readSeries(text: string): SeriesRows {
  const [header, ...rows] = text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== '')
  const names = (header ?? '').split(',').map((name) => unquoted(name).toLowerCase())
  if (names[0] !== 'timestamp' || names[1] !== 'value') throw new AppError('has no header timestamp,value')
  if (rows.length === 0) throw new AppError('has no rows')
  const series: SeriesRows = { timestamps: [], texts: [], values: new Float64Array(rows.length) }
  let last = Number.NaN
  rows.forEach((row, index) => {
    const [timestamp = '', value = ''] = row.split(',', 2)
    const number = numberOf(value)
    if (!Number.isNaN(number)) last = number
    series.timestamps.push(timestamp)
    series.texts.push(value)
    series.values[index] = last
  })
  return series
}

/** Epoch milliseconds of epoch seconds, ISO 8601 or `YYYY-MM-DD hh:mm:ss`; UTC where no zone is named, NaN where neither. */
export function epochMs(timestamp: string): number {
  const text = unquoted(timestamp)
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const iso = text.replace(' ', 'T')
  return Date.parse(/T.*(Z|[+-]\d\d:?\d\d)$/i.test(iso) ? iso : `${iso.includes('T') ? iso : `${iso}T00:00:00`}Z`)
}
