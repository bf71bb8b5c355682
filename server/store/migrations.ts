import { readdirSync, readFileSync } from 'node:fs'
import type { DuckDBConnection } from '@duckdb/node-api'
import { StoreError } from '../errors.ts'

const FOLDER = new URL('./migrations/', import.meta.url)

type Migration = { number: number; sql: string }

function readMigrations(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter((file) => /^\d{3}-.+\.sql$/.test(file))
    .sort()
    .map((file) => ({ number: Number(file.slice(0, 3)), sql: readFileSync(new URL(file, folder), 'utf8') }))
}

/**
 * Brings the schema to the newest number, each migration in its own transaction, and checkpoints after a change because
 * DuckDB's replay of DDL has bugs. Throws StoreError where the file was written by a newer program; nothing is changed
 * then. `folder` is another one in tests.
 */
export async function migrate(connection: DuckDBConnection, folder = FOLDER): Promise<void> {
  const migrations = readMigrations(folder)
  const newest = migrations.at(-1)?.number ?? 0
  await connection.run(
    'CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER NOT NULL, applied_at TIMESTAMP NOT NULL)',
  )
  const reader = await connection.runAndReadAll('SELECT coalesce(max(number), 0) FROM schema_migrations')
  const current = Number(reader.getRows()[0]![0])
  if (current > newest) {
    throw new StoreError(
      `the database was written by a newer DockerPulse (schema ${current}, this program knows ${newest}): update the program, or point DOCKERPULSE_DATA at another folder. Nothing was changed.`,
    )
  }
  const missing = migrations.filter(({ number }) => number > current)
  for (const { number, sql } of missing) {
    await connection.run('BEGIN')
    await connection.run(sql)
    await connection.run(`INSERT INTO schema_migrations VALUES (${number}, now()::TIMESTAMP)`)
    await connection.run('COMMIT')
  }
  if (missing.length > 0) await connection.run('CHECKPOINT')
}
