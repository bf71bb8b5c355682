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

export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

export const pathIn = (folder: string, { tier, file }: Pick<Piece, 'tier' | 'file'>) => join(folder, tier, file)

/**
 * The name of a piece in its time's own words, so that a folder reads like a calendar: `2026-11-20T05.parquet` or
 * `2026-11-20.parquet`, with `.2` and so on for what came later.
 */
export function pieceName(fromMs: number, toMs: number, copy: number): string {
  const base = new Date(fromMs).toISOString().slice(0, toMs - fromMs >= DAY_MS ? 10 : 13)
  return copy === 1 ? `${base}.parquet` : `${base}.${copy}.parquet`
}

/** The period that a name stands for, or `null` where it is no piece's name. */
export function periodOf(file: string): { fromMs: number; toMs: number } | null {
  const [, day, hour] = /^([+-]?\d+-\d\d-\d\d)(?:T(\d\d))?(?:\.\d+)?\.parquet$/.exec(file) ?? []
  const fromMs = Date.parse(`${day}T${hour ?? '00'}:00:00Z`)
  return Number.isNaN(fromMs) ? null : { fromMs, toMs: fromMs + (hour === undefined ? DAY_MS : HOUR_MS) }
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
