import { closeSync, createReadStream, existsSync, fsyncSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { TierName } from './tiers.ts'

/** A Parquet file of one tier and period, and what it takes. `crc32` is `null` where it was never known. */
export type Piece = {
  file: string
  tier: TierName
  fromMs: number
  toMs: number
  rowCount: number
  sizeBytes: number
  crc32: number | null
}

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
/** Hours become one piece after so long, and these a day's: a chart of a day opens ten files, not twenty-five. */
export const QUARTER_MS = 6 * HOUR_MS

export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

export const pathIn = (folder: string, { tier, file }: Pick<Piece, 'tier' | 'file'>) => join(folder, tier, file)

/**
 * The name of a piece in its time's own words, so that a folder reads like a calendar: `2026-11-20T05.parquet`,
 * `2026-11-20T06-11.parquet` for the hours from 06 up to 11, or `2026-11-20.parquet`, with `.2` and so on for what came later.
 */
export function pieceName(fromMs: number, toMs: number, copy: number): string {
  const first = new Date(fromMs).toISOString()
  const last = new Date(toMs - HOUR_MS).toISOString().slice(11, 13)
  const hours = toMs - fromMs > HOUR_MS ? `${first.slice(0, 13)}-${last}` : first.slice(0, 13)
  const base = toMs - fromMs >= DAY_MS ? first.slice(0, 10) : hours
  return copy === 1 ? `${base}.parquet` : `${base}.${copy}.parquet`
}

/** The period that a name stands for, or `null` where it is no piece's name. */
export function periodOf(file: string): { fromMs: number; toMs: number } | null {
  const [, day, first, last = first] =
    /^([+-]?\d+-\d\d-\d\d)(?:T(\d\d)(?:-(\d\d))?)?(?:\.\d+)?\.parquet$/.exec(file) ?? []
  const fromMs = Date.parse(`${day}T${first ?? '00'}:00:00Z`)
  const toMs = last === undefined ? fromMs + DAY_MS : Date.parse(`${day}T${last}:00:00Z`) + HOUR_MS
  return Number.isNaN(toMs) || toMs <= fromMs ? null : { fromMs, toMs }
}

/** Makes a file's content, or a folder's names, survive the loss of power. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

export async function checksumOf(path: string): Promise<number> {
  let sum = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 })) sum = crc32(chunk as Buffer, sum)
  return sum
}

/** Where a file that cannot be used is kept: beside its folder, never over another one. */
export function asideOf(folder: string, { tier, file }: Pick<Piece, 'tier' | 'file'>): string {
  const first = join(folder, `${tier}-${file}.damaged`)
  let aside = first
  for (let copy = 2; existsSync(aside); copy++) aside = `${first}-${copy}`
  return aside
}

export async function insertPiece(connection: DuckDBConnection, piece: Piece): Promise<void> {
  const { file, tier, fromMs, toMs, rowCount, sizeBytes, crc32 } = piece
  await connection.run(
    `INSERT INTO pieces VALUES (${quoted(file)}, ${quoted(tier)}, ${fromMs}, ${toMs}, ${rowCount}, ${sizeBytes}, ${crc32 ?? 'NULL'}, false)`,
  )
}

export async function deletePiece(connection: DuckDBConnection, { file, tier }: Piece): Promise<void> {
  await connection.run(`DELETE FROM pieces WHERE file = ${quoted(file)} AND tier = ${quoted(tier)}`)
}
