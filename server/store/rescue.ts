import { rmSync } from 'node:fs'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { messageOf } from '../errors.ts'
import { migrate } from './migrations.ts'

const TABLES = ['containers', 'batches', 'samples', 'pieces', 'incidents', 'actions', 'scores']

/** Reads every block of every table; rejects with DuckDB's message where one is damaged, for it looks no earlier. */
export async function readWhole(connection: DuckDBConnection): Promise<void> {
  for (const table of TABLES) await connection.run(`SELECT bit_xor(hash(COLUMNS(*))) FROM ${table}`)
}

/**
 * Copies what can still be read of the damaged database at `path`, its log included, into a new one at `into`, table by
 * table. Gives the tables that could not be read, or `null` where the file cannot be opened at all; then there is no new
 * one. The damaged file is not changed.
 */
export async function rescue(
  path: string,
  into: string,
  options: Record<string, string>,
): Promise<{ lost: string[] } | null> {
  const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
  const discard = () => {
    for (const file of [into, `${into}.wal`]) rmSync(file, { force: true })
  }
  discard()
  const instance = await DuckDBInstance.create(':memory:', options)
  const connection = await instance.connect()
  try {
    await connection.run(`ATTACH ${quoted(path)} AS damaged (READ_ONLY)`)
    await connection.run(`ATTACH ${quoted(into)} AS rescued`)
    await connection.run('USE rescued')
    await migrate(connection)
    const lost: string[] = []
    for (const table of TABLES) {
      const copied = await connection.run(`INSERT INTO rescued.${table} SELECT * FROM damaged.${table}`).then(
        () => true,
        () => false,
      )
      if (!copied) lost.push(table)
    }
    if (lost.length === TABLES.length) throw new Error('no table can be read')
    await connection.run('USE memory')
    await connection.run('DETACH rescued')
    return { lost }
  } catch (error) {
    discard()
    if (/No space left/i.test(messageOf(error))) throw error
    return null
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
