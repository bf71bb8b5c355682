import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { needs } from '../fixtures/needs.ts'
import { canMount, smallDisk } from '../fixtures/small-disk.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { type Database, openDatabase } from './database.ts'
import { openSampleStore } from './samples.ts'
import { idOf, observation } from './stand-ins.ts'

const NOW = Date.parse('2026-11-20T06:00:00.000Z')

async function open(folder = temporaryFolder()) {
  const database = await openDatabase({
    path: join(folder, 'samples.duckdb'),
    memoryLimitMegabytes: 64,
    now: () => NOW,
  })
  const samples = await openSampleStore(database, join(folder, 'acknowledged'))
  const end = async () => {
    await samples[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  }
  onTestFinished(end)
  return { folder, database, samples, end }
}

async function rows(database: Database, sql: string): Promise<unknown[][]> {
  const reader = await database.read((connection) => connection.runAndReadAll(sql))
  return reader.getRows().map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)))
}

test('a second of all containers is one batch', async () => {
  const { database, samples } = await open()
  await samples.append(NOW, [observation(1, NOW), observation(2, NOW)])
  await samples.append(NOW + 1000, [observation(1, NOW + 1000)])
  await samples.append(NOW + 2000, [])
  expect(await rows(database, 'SELECT * FROM batches ORDER BY batch')).toEqual([
    [1, NOW, 2],
    [2, NOW + 1000, 1],
  ])
  expect(await rows(database, 'SELECT number, id, key, name FROM containers ORDER BY number')).toEqual([
    [1, idOf(1), 'shop/web/1', 'shop-web-1'],
    [2, idOf(2), 'shop/web/2', 'shop-web-2'],
  ])
  expect(await rows(database, 'SELECT at_ms, container FROM samples ORDER BY ALL')).toEqual([
    [NOW, 1],
    [NOW, 2],
    [NOW + 1000, 1],
  ])
})

test('a container that comes with two samples in its first round is one container', async () => {
  const { database, samples } = await open()
  await samples.append(NOW, [observation(1, NOW), observation(1, NOW + 1), observation(2, NOW)])
  await samples.append(NOW + 1000, [observation(3, NOW)])
  expect(await rows(database, 'SELECT number, id FROM containers ORDER BY number')).toEqual([
    [1, idOf(1)],
    [2, idOf(2)],
    [3, idOf(3)],
  ])
})

test('containers keep their numbers over a restart', async () => {
  const first = await open()
  await first.samples.append(NOW, [observation(1, NOW), observation(2, NOW)])
  await first.end()
  const { database, samples } = await open(first.folder)
  expect(samples.missing).toBeNull()
  await samples.append(NOW + 1000, [observation(3, NOW + 1000), observation(2, NOW + 1000)])
  expect(await rows(database, 'SELECT container FROM samples WHERE at_ms > 0 ORDER BY at_ms, container')).toEqual([
    [1],
    [2],
    [2],
    [3],
  ])
  expect(await rows(database, 'SELECT max(batch) FROM batches')).toEqual([[2]])
})

test('numbers arrive in whole units, or not at all', async () => {
  const { database, samples } = await open()
  const stored = async (value: number | null) => {
    await samples.append(NOW, [
      observation(
        1,
        NOW,
        { workingSetBytes: value, cpuCores: value, blockReadBytesPerSecond: value },
        { probability: value },
      ),
    ])
    expect(samples.dropped).toEqual({ count: 0, reason: null })
    const [row] = await rows(
      database,
      'SELECT "workingSetBytes", "cpuCores", "blockReadBytesPerSecond", "probability" FROM samples',
    )
    await database.write((connection) => connection.run('DELETE FROM samples'))
    return row
  }
  // 16 KiB, thousandths of a core, 16 bytes a second with three figures, thousandths.
  expect(await stored(0)).toEqual([0, 0, 0, 0])
  expect(await stored(0.5)).toEqual([0, 500, 0, 500])
  expect(await stored(1_000_000)).toEqual([61, 1e9, 62_500, 1e9])
  expect(await stored(1_234_567)).toEqual([75, 1_234_567_000, 77_200, 1_234_567_000])
  for (const none of [null, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    expect(await stored(none)).toEqual([null, null, null, null])
  // Nothing that is measured comes near the end of a column; what does stays there.
  expect(await stored(1e300)).toEqual(Array(4).fill(2 ** 31 - 1))
})

test('a batch that cannot be written is dropped and counted whole, and leaves no trace', async () => {
  const { database, samples } = await open()
  await samples.append(NOW, [observation(1, NOW), observation(2, Number.NaN)])
  expect(samples.dropped).toMatchObject({ count: 2, reason: expect.stringContaining('NaN') })
  await samples.append(NOW, [observation(3, NOW)])
  expect(samples.dropped).toEqual({ count: 2, reason: null })
  expect(await rows(database, 'SELECT count(*) FROM samples')).toEqual([[1]])
  expect(await rows(database, 'SELECT number, id FROM containers')).toEqual([[1, idOf(3)]])
})

test('a write that was stored although it failed does not mix up containers or batches', async () => {
  const folder = temporaryFolder()
  await using database = await openDatabase({
    path: join(folder, 'samples.duckdb'),
    memoryLimitMegabytes: 64,
    now: () => NOW,
  })
  let failing = true
  // What DuckDB does on a disk that gets full in a checkpoint; everything else is the real thing.
  const storesAndFails: Database = {
    ...database,
    async write(job) {
      const result = await database.write(job)
      if (failing) throw new Error('COMMIT succeeded and is durable, but the autocheckpoint failed')
      return result
    },
  }
  await using samples = await openSampleStore(storesAndFails, join(folder, 'acknowledged'))
  await samples.append(NOW, [observation(1, NOW)])
  failing = false
  await samples.append(NOW + 1, [observation(2, NOW + 1), observation(1, NOW + 1)])
  expect(
    await rows(database, 'SELECT id, at_ms FROM samples JOIN containers ON container = number ORDER BY ALL'),
  ).toEqual([
    [idOf(1), NOW],
    [idOf(1), NOW + 1],
    [idOf(2), NOW + 1],
  ])
  expect(samples.dropped).toEqual({ count: 0, reason: null })
  expect(await rows(database, 'SELECT batch FROM batches ORDER BY batch')).toEqual([[1], [2]])
})

test('batches that were acknowledged and are not there are missed', async () => {
  const first = await open()
  await first.samples.append(NOW, [observation(1, NOW)])
  await first.end()
  writeFileSync(join(first.folder, 'acknowledged'), '4'.padStart(16))
  const second = await open(first.folder)
  expect(second.samples.missing).toBe('3 seconds of samples written before the last stop are missing (batches 2 to 4)')
  await second.samples.append(NOW, [observation(1, NOW)])
  await second.end()
  expect((await open(first.folder)).samples.missing).toBeNull()
  expect(readFileSync(join(first.folder, 'acknowledged'), 'utf8').trim()).toBe('5')
})

test.each(['', 'garbage', '-5', '1e999'])('an acknowledgement of "%s" says nothing', async (text) => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'acknowledged'), text)
  expect((await open(folder)).samples.missing).toBeNull()
})

test('killed at any moment it loses nothing that it acknowledged, and opens again', async () => {
  const folder = temporaryFolder()
  const acknowledged: number[] = []
  for (let round = 0; round < 10; round++) {
    const child = spawn(process.execPath, [new URL('./samples.child.ts', import.meta.url).pathname, folder])
    const ended = new Promise((resolve) => child.once('close', resolve))
    let text = ''
    const begun = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        text += chunk
        resolve()
      })
    })
    await Promise.race([begun, ended])
    await sleep(Math.random() * 150)
    child.kill('SIGKILL')
    await ended
    // A line that was cut is no acknowledgement.
    const lines = text.split('\n').slice(0, -1)
    expect(lines.length).toBeGreaterThan(0)
    acknowledged.push(...lines.map(Number))
  }
  const { database, samples } = await open(folder)
  expect(database.repairs).toEqual([])
  expect(samples.missing).toBeNull()
  const stored = new Set((await rows(database, 'SELECT at_ms FROM batches')).map(([at]) => at))
  expect(acknowledged.filter((at) => !stored.has(at))).toEqual([])
  const [[batches, numbers, counted]] = (await rows(
    database,
    'SELECT count(*), count(DISTINCT batch), (SELECT count(*) FROM samples) FROM batches',
  )) as [number[]]
  expect(numbers).toBe(batches)
  expect(counted).toBe(batches! * 3)
  expect(await rows(database, 'SELECT number FROM containers ORDER BY number')).toEqual([[1], [2]])
})

test('containers without samples are forgotten, and numbers are never given to two', async () => {
  const { database, samples } = await open()
  await samples.append(NOW, [observation(1, NOW), observation(2, NOW), observation(3, NOW)])
  await database.write((connection) => connection.run('DELETE FROM samples WHERE container <> 2'))
  await samples.prune()
  expect(await rows(database, 'SELECT number, id FROM containers')).toEqual([[2, idOf(2)]])
  await samples.append(NOW + 1, [observation(3, NOW), observation(2, NOW), observation(4, NOW)])
  expect(await rows(database, 'SELECT number, id FROM containers ORDER BY number')).toEqual([
    [2, idOf(2)],
    [3, idOf(3)],
    [4, idOf(4)],
  ])
  expect(
    await rows(
      database,
      'SELECT id, count(*) FROM samples JOIN containers ON container = number GROUP BY id ORDER BY min(number)',
    ),
  ).toEqual([
    [idOf(2), 2],
    [idOf(3), 1],
    [idOf(4), 1],
  ])
})

describe.skipIf(!needs('the right to mount a tmpfs', canMount()))('on a full disk', () => {
  const many = (at: number) =>
    Array.from({ length: 200 }, (_, index) => observation(index, at, { workingSetBytes: Math.random() }))
  const storedIn = async (database: Database) => Number((await rows(database, 'SELECT count(*) FROM samples'))[0]![0])

  test('samples are dropped and counted, and stored again when there is space', async () => {
    const { folder, fill, free } = smallDisk(24)
    const { database, samples } = await open(folder)
    let appended = 0
    const append = async (times: number) => {
      for (let index = 0; index < times; index++) await samples.append(NOW + ++appended, many(NOW + appended))
    }
    await append(5)
    fill()
    await append(50)
    expect(samples.dropped.count).toBeGreaterThan(0)
    expect(samples.dropped.reason).toMatch(/No space left/)
    expect(await storedIn(database)).toBe(appended * 200 - samples.dropped.count)
    free()
    await append(5)
    expect(samples.dropped.reason).toBeNull()
    expect(await storedIn(database)).toBe(appended * 200 - samples.dropped.count)
    expect(await rows(database, 'SELECT count(*) FROM containers')).toEqual([[200]])
  })

  test('a checkpoint that finds no space ends the instance, and is got over', async () => {
    const { folder, fill, free } = smallDisk(64)
    const { database, samples } = await open(folder)
    let appended = 0
    const reasons = new Set<string>()
    const append = async (times: number) => {
      for (let index = 0; index < times; index++) {
        await samples.append(NOW + ++appended, many(NOW + appended))
        if (samples.dropped.reason !== null) reasons.add(samples.dropped.reason)
      }
    }
    // The log comes near the 4 MB where DuckDB makes a checkpoint by itself; then there is room for the log alone.
    while (database.sizeBytes() < 3_700_000) await append(1)
    fill(650_000)
    await append(60)
    expect([...reasons].join()).toContain('autocheckpoint failed')
    free()
    await append(5)
    expect(samples.dropped.reason).toBeNull()
    expect(await storedIn(database)).toBe(appended * 200 - samples.dropped.count)
    expect(await rows(database, 'SELECT count(*) - count(DISTINCT batch) FROM batches')).toEqual([[0]])
    expect(await rows(database, 'SELECT count(*) FROM containers')).toEqual([[200]])
  })

  test('an end and a new begin lose nothing', async () => {
    const { folder, fill, free } = smallDisk(24)
    const first = await open(folder)
    for (let index = 0; index < 5; index++) await first.samples.append(NOW + index, many(NOW + index))
    fill()
    await first.end()
    free()
    const second = await open(folder)
    expect(second.database.repairs).toEqual([])
    expect(second.samples.missing).toBeNull()
    expect(await rows(second.database, 'SELECT count(*) FROM samples')).toEqual([[1000]])
  })
})
