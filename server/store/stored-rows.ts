import type { DuckDBConnection } from '@duckdb/node-api'
import { quoted } from './piece-files.ts'

const list = (texts: readonly string[]) => texts.map(quoted).join(', ')

/** Which rows: of some containers, from `fromMs` up to `toMs`. */
export type RowsWanted = { containerIds: readonly string[]; fromMs: number; toMs: number }

/**
 * A query for rows of `container` (its id), `at_ms` and some columns: those of the archive's files, and those of hours that
 * are still in the database. The select lists may differ, for a coarse file has other columns than the database.
 */
export function storedRowsSql(
  paths: readonly string[],
  { containerIds, fromMs, toMs }: RowsWanted,
  columns: { ofFiles: string; ofDatabase: string },
): string {
  const wanted = `IN (${list(containerIds)}) AND at_ms BETWEEN ${Math.round(fromMs)} AND ${Math.round(toMs)}`
  const hot = `SELECT containers.id AS container, at_ms, ${columns.ofDatabase}
    FROM samples JOIN containers ON samples.container = containers.number WHERE containers.id ${wanted}`
  if (paths.length === 0) return hot
  return `SELECT container, at_ms, ${columns.ofFiles} FROM read_parquet([${list(paths)}], union_by_name = true)
    WHERE container ${wanted} UNION ALL ${hot}`
}

export type Cell = number | string | boolean | null

/**
 * Columns of a query's rows by name, read chunk by chunk: requests and events get their turn in between. Numbers have to be
 * DOUBLE there, for a BIGINT would be an object of its own for each row.
 */
export async function readColumns(connection: DuckDBConnection, sql: string): Promise<Record<string, Cell[]>> {
  const result = await connection.run(sql)
  const columns = result.columnNames().map((): Cell[] => [])
  for (;;) {
    const chunk = await result.fetchChunk()
    // Asked for once: it is a call into DuckDB.
    const rowCount = chunk?.rowCount ?? 0
    if (chunk === null || rowCount === 0) break
    for (const [index, cells] of columns.entries()) {
      const vector = chunk.getColumnVector(index)
      for (let row = 0; row < rowCount; row++) cells.push(vector.getItem(row) as Cell)
    }
  }
  return Object.fromEntries(result.columnNames().map((name, index) => [name, columns[index]!]))
}
