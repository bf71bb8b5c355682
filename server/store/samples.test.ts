import { spawn } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { needs } from '../fixtures/needs.ts'
import { canMount, smallDisk } from '../fixtures/small-disk.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { type Database, openDatabase } from './database.ts'
import { openSampleStore, type SampleStore } from './samples.ts'
import { idOf, observation } from './stand-ins.ts'

const NOW = Date.parse('2026-11-20T06:00:00.000Z')

type Opened = { database: Database; samples: SampleStore }

async function open(folder = temporaryFolder()) {
  const database = await openDatabase({
    path: join(folder, 'samples.duckdb'),
    memoryLimitMegabytes: 64,
    now: () => NOW,
  })
  const samples = await openSampleStore(database, folder)
  const end = async () => {
    await samples[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  }
  onTestFinished(end)
  return { folder, database, samples, end }
}

/** What is in the store, the journal's batches included. */
async function rows({ database, samples }: Pick<Opened, 'database' | 'samples'>, sql: string): Promise<unknown[][]> {
  await samples.flush()
  const reader = await database.read((connection) => connection.runAndReadAll(sql))
  return reader.getRows().map((row) => row.map((value) => (typeof value === 'bigint' ? Number(value) : value)))
}

test('a second of all containers is one batch', async () => {
  const { database, samples } = await open()
  await samples.append(NOW, [observation(1, NOW), observation(2, NOW)])
  await samples.append(NOW + 1000, [observation(1, NOW + 1000)])
  await samples.append(NOW + 2000, [])
  expect(await rows({ database, samples }, 'SELECT * FROM batches ORDER BY batch')).toEqual([
    [1, NOW, 2],
    [2, NOW + 1000, 1],
  ])
  expect(await rows({ database, samples }, 'SELECT number, id, key, name FROM containers ORDER BY number')).toEqual([
    [1, idOf(1), 'shop/web/1', 'shop-web-1'],
    [2, idOf(2), 'shop/web/2', 'shop-web-2'],
  ])
  expect(await rows({ database, samples }, 'SELECT at_ms, container FROM samples ORDER BY ALL')).toEqual([
    [NOW, 1],
    [NOW, 2],
    [NOW + 1000, 1],
  ])
})

test('a container that comes with two samples in its first round is one container', async () => {
  const { database, samples } = await open()
  await samples.append(NOW, [observation(1, NOW), observation(1, NOW + 1), observation(2, NOW)])
  await samples.append(NOW + 1000, [observation(3, NOW)])
  expect(await rows({ database, samples }, 'SELECT number, id FROM containers ORDER BY number')).toEqual([
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
  expect(
    await rows({ database, samples }, 'SELECT container FROM samples WHERE at_ms > 0 ORDER BY at_ms, container'),
  ).toEqual([[1], [2], [2], [3]])
  expect(await rows({ database, samples }, 'SELECT max(batch) FROM batches')).toEqual([[2]])
})

test('a container that was away for long comes back under another number, one that was away for a while does not', async () => {
  const { database, samples } = await open()
  const at = (batch: number) => NOW + batch * 1000
  for (let batch = 0; batch < 700; batch++) {
    const seen = [1, ...(batch % 100 === 0 ? [2] : []), ...(batch === 0 || batch === 650 ? [3] : [])]
    await samples.append(
      at(batch),
      seen.map((container) => observation(container, at(batch))),
    )
    if (batch % 60 === 59) await samples.prune()
  }
  const stored = await rows(
    { database, samples },
    'SELECT id, count(DISTINCT number), count(*) FROM samples JOIN containers ON container = number GROUP BY id ORDER BY id',
  )
  expect(stored).toEqual([
    [idOf(1), 1, 700],
    [idOf(2), 1, 7],
    [idOf(3), 2, 2],
  ])
  expect(await rows({ database, samples }, 'SELECT count(*), count(DISTINCT number) FROM containers')).toEqual([[4, 4]])
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
      { database, samples },
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
  expect(await rows({ database, samples }, 'SELECT count(*) FROM samples')).toEqual([[1]])
  expect(await rows({ database, samples }, 'SELECT id FROM containers')).toEqual([[idOf(3)]])
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
  await using samples = await openSampleStore(storesAndFails, folder)
  await samples.append(NOW, [observation(1, NOW)])
  await expect(samples.flush()).rejects.toThrow('autocheckpoint')
  failing = false
  await samples.append(NOW + 1, [observation(2, NOW + 1), observation(1, NOW + 1)])
  expect(
    await rows(
      { database, samples },
      'SELECT id, at_ms FROM samples JOIN containers ON container = number ORDER BY ALL',
    ),
  ).toEqual([
    [idOf(1), NOW],
    [idOf(1), NOW + 1],
    [idOf(2), NOW + 1],
  ])
  expect(samples.dropped).toEqual({ count: 0, reason: null })
  expect(await rows({ database, samples }, 'SELECT batch FROM batches ORDER BY batch')).toEqual([[1], [2]])
})

describe('a container that has two numbers', () => {
  const insert = (database: Database, number: number) =>
    database.write((connection) =>
      connection.run(`INSERT INTO containers VALUES (${number}, '${idOf(1)}', 'shop/web/1', 'shop-web-1', ${NOW})`),
    )

  test('is not entered again where the database was in doubt', async () => {
    const folder = temporaryFolder()
    await using database = await openDatabase({
      path: join(folder, 'samples.duckdb'),
      memoryLimitMegabytes: 64,
      now: () => NOW,
    })
    let refusing = false
    const refuses: Database = {
      ...database,
      write: (job) => (refusing ? Promise.reject(new Error('no space')) : database.write(job)),
    }
    await using samples = await openSampleStore(refuses, folder)
    await samples.append(NOW, [observation(1, NOW)])
    await samples.flush()
    await insert(database, 99)
    refusing = true
    await samples.append(NOW + 1, [observation(1, NOW + 1)])
    await expect(samples.flush()).rejects.toThrow('no space')
    refusing = false
    expect(await rows({ database, samples }, 'SELECT number FROM containers ORDER BY number')).toEqual([[1], [99]])
    expect(await rows({ database, samples }, 'SELECT count(*) FROM samples')).toEqual([[2]])
  })

  test('shares neither with another, whichever was written first', async () => {
    const first = await open()
    await insert(first.database, 99)
    await insert(first.database, 1)
    await first.end()
    const { database, samples } = await open(first.folder)
    await samples.append(NOW, [observation(2, NOW)])
    expect(await rows({ database, samples }, 'SELECT number FROM containers ORDER BY number')).toEqual([
      [1],
      [99],
      [100],
    ])
  })
})

test('batches that were acknowledged and are not there are missed', async () => {
  const first = await open()
  await first.samples.append(NOW, [observation(1, NOW)])
  await first.end()
  writeFileSync(join(first.folder, 'batches.acknowledged'), '4'.padStart(16))
  const second = await open(first.folder)
  expect(second.samples.missing).toBe('3 seconds of samples written before the last stop are missing (batches 2 to 4)')
  await second.samples.append(NOW, [observation(1, NOW)])
  await second.end()
  expect((await open(first.folder)).samples.missing).toBeNull()
  expect(readFileSync(join(first.folder, 'batches.acknowledged'), 'utf8').trim()).toBe('2')
})

test('a log that was cut short is noticed although the journal goes on after it', async () => {
  const first = await open()
  for (let number = 1; number <= 5; number++) await first.samples.append(NOW + number, [observation(1, NOW + number)])
  await first.samples.flush()
  for (let number = 6; number <= 8; number++) await first.samples.append(NOW + number, [observation(1, NOW + number)])
  await first.database.write((connection) => connection.run('DELETE FROM batches WHERE batch > 3'))
  const copy = temporaryFolder()
  await first.database.read((connection) => connection.run('CHECKPOINT'))
  cpSync(first.folder, copy, { recursive: true })
  const second = await open(copy)
  expect(second.samples.missing).toBe('2 seconds of samples written before the last stop are missing (batches 4 to 5)')
  expect(await rows(second, 'SELECT max(batch) FROM batches')).toEqual([[8]])
})

describe('the journal', () => {
  /** A folder as a kill leaves it: three batches in the journal, the database without one of them. */
  async function leftByAKill(): Promise<string> {
    const { folder, samples } = await open()
    await samples.append(NOW, [observation(1, NOW), observation(2, NOW)])
    await samples.append(NOW + 1000, [observation(2, NOW + 1000), observation(3, NOW + 1000, { cpuCores: null })])
    await samples.append(NOW + 2000, [observation(1, NOW + 2000)])
    const copy = temporaryFolder()
    cpSync(folder, copy, { recursive: true })
    return copy
  }
  const times = async (opened: Opened) =>
    (await rows(opened, 'SELECT DISTINCT at_ms FROM samples ORDER BY 1')).map(([at]) => Number(at) - NOW)

  test('is what a killed program left: all of it is in the store afterwards, with its containers', async () => {
    const opened = await open(await leftByAKill())
    expect(opened.samples.missing).toBeNull()
    expect(
      await rows(
        opened,
        'SELECT id, at_ms, "cpuCores" FROM samples JOIN containers ON container = number ORDER BY at_ms, id',
      ),
    ).toEqual([
      [idOf(1), NOW, 500],
      [idOf(2), NOW, 500],
      [idOf(2), NOW + 1000, 500],
      [idOf(3), NOW + 1000, null],
      [idOf(1), NOW + 2000, 500],
    ])
    await opened.samples.append(NOW + 3000, [observation(4, NOW + 3000)])
    expect(await times(opened)).toEqual([0, 1000, 2000, 3000])
  })

  test('is passed over where the database has its batches already', async () => {
    const folder = await leftByAKill()
    const journal = readFileSync(join(folder, 'batches.journal'))
    const first = await open(folder)
    await first.end()
    writeFileSync(join(folder, 'batches.journal'), journal)
    expect(await rows(await open(folder), 'SELECT count(*) FROM samples')).toEqual([[5]])
  })

  test('names its containers for itself: a database that was lost mixes none up', async () => {
    const folder = await leftByAKill()
    for (const name of ['samples.duckdb', 'samples.duckdb.wal']) rmSync(join(folder, name), { force: true })
    const opened = await open(folder)
    await opened.samples.append(NOW + 3000, [observation(9, NOW + 3000)])
    expect(
      await rows(
        opened,
        'SELECT id, count(*) FROM samples JOIN containers ON container = number GROUP BY id ORDER BY id',
      ),
    ).toEqual([
      [idOf(1), 2],
      [idOf(2), 2],
      [idOf(3), 1],
      [idOf(9), 1],
    ])
  })

  test.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, -10)],
    [
      'flipped in its last batch',
      (bytes: Buffer) => bytes.fill(bytes.at(-20)! ^ 1, bytes.length - 20, bytes.length - 19),
    ],
  ])('that is %s loses the batches from there on, and says how many', async (_, spoil) => {
    const folder = await leftByAKill()
    const path = join(folder, 'batches.journal')
    writeFileSync(path, spoil(readFileSync(path)))
    const opened = await open(folder)
    expect(opened.samples.missing).toBe('1 second of samples written before the last stop are missing (batches 3 to 3)')
    await opened.samples.append(NOW + 3000, [observation(1, NOW + 3000)])
    expect(await times(opened)).toEqual([0, 1000, 3000])
  })
})

test.each(['', 'garbage', '-5', '1e999'])('an acknowledgement of "%s" says nothing', async (text) => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'batches.acknowledged'), text)
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
  const stored = new Set((await rows({ database, samples }, 'SELECT at_ms FROM batches')).map(([at]) => at))
  expect(acknowledged.filter((at) => !stored.has(at))).toEqual([])
  const [[batches, numbers, counted]] = (await rows(
    { database, samples },
    'SELECT count(*), count(DISTINCT batch), (SELECT count(*) FROM samples) FROM batches',
  )) as [number[]]
  expect(numbers).toBe(batches)
  expect(counted).toBe(batches! * 3)
  expect(await rows({ database, samples }, 'SELECT number FROM containers ORDER BY number')).toEqual([[1], [2]])
})

test('containers without samples are forgotten, and numbers are never given to two', async () => {
  const { database, samples } = await open()
  await samples.append(NOW, [observation(1, NOW), observation(2, NOW), observation(3, NOW)])
  await samples.flush()
  await database.write((connection) => connection.run('DELETE FROM samples WHERE container <> 2'))
  await samples.prune()
  expect(await rows({ database, samples }, 'SELECT number, id FROM containers')).toEqual([[2, idOf(2)]])
  await samples.append(NOW + 1, [observation(3, NOW), observation(2, NOW), observation(4, NOW)])
  expect(await rows({ database, samples }, 'SELECT number, id FROM containers ORDER BY number')).toEqual([
    [2, idOf(2)],
    [3, idOf(3)],
    [4, idOf(4)],
  ])
  expect(
    await rows(
      { database, samples },
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
  const storedIn = async (opened: Opened) => Number((await rows(opened, 'SELECT count(*) FROM samples'))[0]![0])

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
    expect(samples.dropped.reason).toMatch(/no space left/i)
    free()
    await append(5)
    expect(samples.dropped.reason).toBeNull()
    expect(await storedIn({ database, samples })).toBe(appended * 200 - samples.dropped.count)
    expect(await rows({ database, samples }, 'SELECT count(*) FROM containers')).toEqual([[200]])
  })

  test('a checkpoint that finds no space ends the instance, and is got over', async () => {
    const { folder, fill, free } = smallDisk(64)
    const { database, samples } = await open(folder)
    let appended = 0
    const reasons = new Set<string>()
    const append = async (times: number) => {
      for (let index = 0; index < times; index++) {
        await samples.append(NOW + ++appended, many(NOW + appended))
        await samples.flush().catch(() => {})
        if (samples.dropped.reason !== null) reasons.add(samples.dropped.reason)
      }
    }
    // The log comes near the 2 MB where DuckDB makes a checkpoint by itself; then there is room for the log alone.
    while (database.sizeBytes() < 1_800_000) await append(1)
    fill(600_000)
    await append(60)
    expect([...reasons].join()).toContain('autocheckpoint failed')
    free()
    await append(5)
    expect(samples.dropped.reason).toBeNull()
    expect(await storedIn({ database, samples })).toBe(appended * 200 - samples.dropped.count)
    expect(await rows({ database, samples }, 'SELECT count(*) - count(DISTINCT batch) FROM batches')).toEqual([[0]])
    expect(await rows({ database, samples }, 'SELECT count(*) FROM containers')).toEqual([[200]])
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
    expect(await rows(second, 'SELECT count(*) FROM samples')).toEqual([[1000]])
  })
})
