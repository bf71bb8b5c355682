import { spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, test } from 'vitest'
import { StoreError } from '../errors.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openDatabase } from './database.ts'
import { openSampleStore } from './samples.ts'
import { observation } from './stand-ins.ts'

const NOW = Date.parse('2026-11-20T06:00:00.000Z')
const ASIDE = '.damaged-2026-11-20T060000.000Z'

const open = (folder: string) =>
  openDatabase({ path: join(folder, 'samples.duckdb'), memoryLimitMegabytes: 64, now: () => NOW })
const openSamples = async (folder: string) => {
  const database = await open(folder)
  return { database, samples: await openSampleStore(database, folder) }
}

async function countOf(
  folder: string,
): Promise<{ samples: number; repairs: readonly string[]; missing: string | null }> {
  const { database, samples } = await openSamples(folder)
  await using _ = database
  await samples.flush()
  const reader = await database.read((connection) => connection.runAndReadAll('SELECT count(*) FROM samples'))
  const count = Number(reader.getRows()[0]![0])
  // A store that opens can also be written.
  await samples.append(NOW, [observation(9, NOW)])
  expect(samples.dropped.count).toBe(0)
  return { samples: count, repairs: database.repairs, missing: samples.missing }
}

/** A folder as a killed program leaves it: batches in the main file and batches in the write-ahead log. */
async function leftByAKill(): Promise<string> {
  const folder = temporaryFolder()
  const { database, samples } = await openSamples(folder)
  for (let index = 0; index < 5; index++) await samples.append(NOW + index, [observation(1, NOW + index)])
  await samples.flush()
  await database.write(async () => {})
  await database.read((connection) => connection.run('CHECKPOINT'))
  for (let index = 5; index < 12; index++) {
    await samples.append(NOW + index, [observation(1, NOW + index)])
    await samples.flush()
  }
  const copy = join(folder, 'left')
  mkdirSync(copy)
  for (const name of ['samples.duckdb', 'samples.duckdb.wal', 'batches.acknowledged', 'batches.journal'])
    copyFileSync(join(folder, name), join(copy, name))
  await database[Symbol.asyncDispose]()
  return copy
}

const walOf = (folder: string) => join(folder, 'samples.duckdb.wal')
const fileOf = (folder: string) => join(folder, 'samples.duckdb')

function change(path: string, edit: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path)
  edit(bytes)
  writeFileSync(path, bytes)
}
const flip = (at: (length: number) => number) => (bytes: Buffer) => {
  const place = at(bytes.length)
  bytes[place] = bytes[place]! ^ 0xff
}

test('what was written is there after a kill, without a word', async () => {
  expect(await countOf(await leftByAKill())).toEqual({ samples: 12, repairs: [], missing: null })
})

test('what was written is there after a proper end, in one file', async () => {
  const folder = temporaryFolder()
  const { database, samples } = await openSamples(folder)
  await samples.append(NOW, [observation(1, NOW)])
  expect(database.sizeBytes()).toBeGreaterThan(0)
  await samples[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  await database[Symbol.asyncDispose]()
  expect(readdirSync(folder).sort()).toEqual(['batches.acknowledged', 'batches.journal', 'samples.duckdb'])
  expect(await countOf(folder)).toMatchObject({ samples: 1, repairs: [] })
})

describe('a write-ahead log', () => {
  test.each([
    ['flipped at its begin', flip(() => 20)],
    ['flipped in the middle', flip((length) => length >> 1)],
    ['flipped near its end', flip((length) => length - 30)],
    ['zeroed from the middle', (bytes: Buffer) => void bytes.fill(0, bytes.length >> 1)],
  ])('%s is set aside and named, and the file opens with what it has', async (_how, edit) => {
    const folder = await leftByAKill()
    change(walOf(folder), edit)
    const damaged = readFileSync(walOf(folder))
    const { samples, repairs, missing } = await countOf(folder)
    expect(repairs).toEqual([`the write-ahead log was damaged and set aside as ${walOf(folder)}${ASIDE}`])
    expect(readFileSync(`${walOf(folder)}${ASIDE}`).equals(damaged)).toBe(true)
    expect(samples).toBe(5)
    expect(missing).toBe('7 seconds of samples written before the last stop are missing (batches 6 to 12)')
  })

  test('cut anywhere opens, and what is missing is said', async () => {
    const whole = await leftByAKill()
    const length = statSync(walOf(whole)).size
    for (const share of [0.1, 0.3, 0.5, 0.7, 0.9, 0.99]) {
      const folder = temporaryFolder()
      for (const name of readdirSync(whole)) copyFileSync(join(whole, name), join(folder, name))
      truncateSync(walOf(folder), Math.floor(length * share))
      const { samples, repairs, missing } = await countOf(folder)
      expect(samples).toBeLessThan(12)
      expect(missing).toMatch(new RegExp(`^${12 - samples} seconds? of samples`))
      for (const repair of repairs) expect(existsSync(repair.split(' as ')[1]!)).toBe(true)
    }
  })

  /** DuckDB takes these for a log without a whole entry, as a cut one. */
  test.each([
    ['emptied', (folder: string) => truncateSync(walOf(folder), 0)],
    ['gone', (folder: string) => rmSync(walOf(folder))],
    ['zeroed whole', (folder: string) => change(walOf(folder), (bytes) => void bytes.fill(0))],
    ['of garbage', (folder: string) => change(walOf(folder), (bytes) => void bytes.fill('garbage!'))],
  ])('%s is missed', async (_how, spoil) => {
    const folder = await leftByAKill()
    spoil(folder)
    expect(await countOf(folder)).toMatchObject({
      samples: 5,
      missing: expect.stringContaining('7 seconds of samples'),
    })
  })
})

describe('a database file', () => {
  const ends = [
    ['flipped in its first header', flip(() => 9)],
    ['flipped in its version', flip(() => 12)],
    ['flipped in its second header', flip(() => 4096 + 20)],
    ['flipped in its third header', flip(() => 8192 + 20)],
    [
      'flipped in both database headers',
      (bytes: Buffer) => {
        for (const at of [4096 + 20, 8192 + 20]) flip(() => at)(bytes)
      },
    ],
    ['flipped in its first block', flip(() => 12_288 + 100)],
    ['zeroed', (bytes: Buffer) => void bytes.fill(0)],
    ['of garbage', (bytes: Buffer) => void bytes.fill('garbage!')],
  ] as const

  test.each(ends)('%s opens, or is set aside and named', async (_how, edit) => {
    const folder = await leftByAKill()
    change(fileOf(folder), edit)
    const damaged = readFileSync(fileOf(folder))
    const { repairs, samples, missing } = await countOf(folder)
    if (samples === 12) return expect(repairs).toEqual([])
    expect(missing).toContain('seconds of samples written before the last stop are missing')
    expect(repairs.length).toBeGreaterThan(0)
    const aside = readdirSync(folder).filter((name) => name.endsWith(ASIDE))
    expect(aside.length).toBe(repairs.length)
    if (aside.includes(`samples.duckdb${ASIDE}`))
      expect(readFileSync(`${fileOf(folder)}${ASIDE}`).equals(damaged)).toBe(true)
  })

  test.each([0, 1, 100, 5000, 12_288])('cut to %i bytes opens, and what is missing is said', async (length) => {
    const folder = await leftByAKill()
    truncateSync(fileOf(folder), length)
    const { samples, missing } = await countOf(folder)
    expect(samples).toBeLessThan(12)
    expect(missing).toContain('seconds of samples written before the last stop are missing')
  })
})

test('a file that another process holds is left alone, and the process is named', async () => {
  const folder = temporaryFolder()
  const child = spawn(process.execPath, [new URL('./samples.child.ts', import.meta.url).pathname, folder])
  await new Promise((resolve) => child.stdout.once('data', resolve))
  await expect(open(folder)).rejects.toThrow(StoreError)
  await expect(open(folder)).rejects.toThrow(`in use by another process (PID ${child.pid}`)
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
})

test('a schema of a newer program is refused, and not a byte is changed', async () => {
  const folder = temporaryFolder()
  await (await open(folder))[Symbol.asyncDispose]()
  const instance = await DuckDBInstance.create(fileOf(folder))
  const connection = await instance.connect()
  await connection.run('INSERT INTO schema_migrations VALUES (999, now()::TIMESTAMP)')
  await connection.run('CHECKPOINT')
  connection.closeSync()
  instance.closeSync()
  const before = readFileSync(fileOf(folder))
  await expect(open(folder)).rejects.toThrow(/written by a newer DockerPulse \(schema 999, .*Nothing was changed/)
  expect(readFileSync(fileOf(folder)).equals(before)).toBe(true)
  expect(readdirSync(folder)).toEqual(['samples.duckdb'])
})

test('a job that fails leaves nothing behind, and the next one works', async () => {
  await using database = await open(temporaryFolder())
  const batches = async () =>
    Number(
      (await database.read((connection) => connection.runAndReadAll('SELECT count(*) FROM batches'))).getRows()[0]![0],
    )
  await expect(
    database.write(async (connection) => {
      await connection.run('INSERT INTO batches VALUES (1, 1, 1)')
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect(await batches()).toBe(0)
  await database.write((connection) => connection.run('INSERT INTO batches VALUES (1, 1, 1)'))
  expect(await batches()).toBe(1)
})

test('jobs run one after the other, whatever they wait for', async () => {
  await using database = await open(temporaryFolder())
  const order: string[] = []
  const job = (name: string, turns: number) =>
    database.write(async () => {
      order.push(`${name} begins`)
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
      order.push(`${name} ends`)
    })
  await Promise.all([job('slow', 20), job('quick', 0)])
  expect(order).toEqual(['slow begins', 'slow ends', 'quick begins', 'quick ends'])
})

test('after its end it says so', async () => {
  const database = await open(temporaryFolder())
  await database[Symbol.asyncDispose]()
  await expect(database.read(async () => 1)).rejects.toThrow('the database is closed')
  await expect(database.write(async () => 1)).rejects.toThrow('the database is closed')
})

test('an instance that DuckDB gave up is opened again for whoever comes next', async () => {
  await using database = await open(temporaryFolder())
  const fatal = async (): Promise<never> => {
    throw new Error('FATAL Error: database has been invalidated because of a previous fatal error')
  }
  const still = database.read((connection) => connection.runAndReadAll('SELECT count(*) FROM range(2000000)'))
  await expect(database.write(fatal)).rejects.toThrow('FATAL')
  await still
  await database.write((connection) => connection.run('INSERT INTO batches VALUES (1, 1, 1)'))
  await expect(database.read(fatal)).rejects.toThrow('FATAL')
  await database.write(async () => {})
  const reader = await database.read((connection) => connection.runAndReadAll('SELECT count(*) FROM batches'))
  expect(Number(reader.getRows()[0]![0])).toBe(1)
})
