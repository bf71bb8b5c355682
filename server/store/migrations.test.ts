import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { migrate } from './migrations.ts'

async function prepare() {
  const folder = join(temporaryFolder(), 'migrations')
  mkdirSync(folder)
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()
  return {
    connection,
    write: (name: string, sql: string) => writeFileSync(join(folder, name), sql),
    forget: (name: string) => rmSync(join(folder, name)),
    run: () => migrate(connection, pathToFileURL(`${folder}/`)),
    rows,
    applied: async () =>
      (await rows('SELECT number FROM schema_migrations ORDER BY rowid')).map(([number]) => Number(number)),
  }
}

test('migrations are applied once and in their order, new ones when they come', async () => {
  const { write, run, applied, rows } = await prepare()
  write('002-rows.sql', "INSERT INTO words VALUES ('two')")
  write('001-first.sql', "CREATE TABLE words (word VARCHAR); INSERT INTO words VALUES ('one');")
  write('notes.txt', 'no migration')
  await run()
  await run()
  write('010-more.sql', "INSERT INTO words VALUES ('ten')")
  await run()
  expect(await applied()).toEqual([1, 2, 10])
  expect(await rows('SELECT word FROM words ORDER BY rowid')).toEqual([['one'], ['two'], ['ten']])
})

test('one that fails leaves nothing of itself, and is tried again', async () => {
  const { connection, write, run, applied, rows } = await prepare()
  write('001-first.sql', 'CREATE TABLE words (word VARCHAR)')
  write('002-broken.sql', "INSERT INTO words VALUES ('half'); INSERT INTO nowhere VALUES (1);")
  await expect(run()).rejects.toThrow('nowhere')
  await connection.run('ROLLBACK')
  expect(await applied()).toEqual([1])
  expect(await rows('SELECT * FROM words')).toEqual([])
  write('002-broken.sql', "INSERT INTO words VALUES ('whole')")
  await run()
  expect(await rows('SELECT word FROM words')).toEqual([['whole']])
})

test('a database that knows more than the program is refused', async () => {
  const { write, forget, run, applied } = await prepare()
  write('001-first.sql', 'CREATE TABLE words (word VARCHAR)')
  write('002-later.sql', 'CREATE TABLE later (word VARCHAR)')
  await run()
  forget('002-later.sql')
  await expect(run()).rejects.toThrow(
    'written by a newer DockerPulse (schema 2, this program knows 1): update the program',
  )
  expect(await applied()).toEqual([1, 2])
})
