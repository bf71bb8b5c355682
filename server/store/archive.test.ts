import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openArchive } from './archive.ts'
import { archiveFolderOf, openDatabase } from './database.ts'
import { readHistory } from './history.ts'
import { openSampleStore } from './samples.ts'
import { idOf, observation } from './stand-ins.ts'
import { DEFAULT_TIERS, parseTiers, type TierName } from './tiers.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MIDNIGHT = Date.parse('2026-11-20T00:00:00Z')

/** A store on a clock of its own; opens again on the same folder. */
async function openStore(folder = temporaryFolder(), tiers = DEFAULT_TIERS) {
  const clock = { now: MIDNIGHT }
  const path = join(folder, 'x.duckdb')
  const database = await openDatabase({ path, memoryLimitMegabytes: 64, now: () => clock.now })
  const samples = await openSampleStore(database, folder)
  const archive = await openArchive({ database, folder: archiveFolderOf(path), tiers, now: () => clock.now })
  const count = async (sql: string) =>
    Number((await database.read((connection) => connection.runAndReadAll(sql))).getRows()[0]![0])
  return {
    folder,
    path,
    clock,
    database,
    archive,
    /** Samples of container 1, whose CPU is the second of the hour. */
    async fill(fromMs: number, seconds: number, everySeconds = 1) {
      for (let second = 0; second < seconds; second += everySeconds) {
        const at = fromMs + second * 1000
        await samples.append(at, [observation(1, at, { cpuCores: second, oomKills: second === 7 ? 1 : 0 })])
      }
      await samples.flush()
    },
    hot: () => count('SELECT count(*) FROM samples'),
    files: (tier: TierName) => readdirSync(join(archiveFolderOf(path), tier)).sort(),
    read: (fromMs: number, toMs: number, stepMs: number) =>
      readHistory(
        { database, archive, tiers, nowMs: clock.now },
        { containerIds: [idOf(1)], fromMs, toMs, stepMs, horizonMs: 10_000 },
      ),
    async close() {
      await samples[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

test('an hour that is over moves into the archive whole, and reads the same as before', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 120)
  const before = await store.read(MIDNIGHT, MIDNIGHT + HOUR_MS, 1_000)
  store.clock.now = MIDNIGHT + HOUR_MS + 59_000
  await store.archive.rollUp()
  expect(await store.hot()).toBe(120)
  store.clock.now += 2_000
  await store.archive.rollUp()
  expect(await store.hot()).toBe(0)
  expect(store.files('raw')).toEqual(['2026-11-20T00.parquet'])
  expect(await store.read(MIDNIGHT, MIDNIGHT + HOUR_MS, 1_000)).toEqual(before)
  expect(before.seen.cpuCores).toHaveLength(120)
  await store.close()
})

test('the coarse tiers hold mean, minimum, maximum and 95th percentile of each bucket', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 60)
  store.clock.now = MIDNIGHT + 3 * DAY_MS
  await store.archive.rollUp()
  const minute = await store.read(MIDNIGHT, MIDNIGHT + 60_000, 60_000)
  // Raw no longer reaches back three days. 0 … 59: mean 29.5, 95th percentile 0.95 × 59 = 56.05.
  expect(minute).toMatchObject({ tier: '10s', stepMs: 60_000 })
  expect(minute.seen).toMatchObject({ at: [MIDNIGHT], cpuCores: [29.5], cpuCoresMin: [0], cpuCoresMax: [59] })
  const tenSeconds = await store.read(MIDNIGHT, MIDNIGHT + 60_000, 1_000)
  expect(tenSeconds.stepMs).toBe(10_000)
  expect(tenSeconds.seen.cpuCores).toEqual([4.5, 14.5, 24.5, 34.5, 44.5, 54.5])
  expect(tenSeconds.seen.cpuCoresP95![0]).toBeCloseTo(8.55, 3)
  await store.close()
})

test('hours of the archive and the running hour are one history', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 3_600 + 60, 30)
  store.clock.now = MIDNIGHT + HOUR_MS + 90_000
  await store.archive.rollUp()
  expect(await store.hot()).toBe(2)
  const { seen } = await store.read(MIDNIGHT, store.clock.now, 30_000)
  expect(seen.at).toHaveLength(122)
  await store.close()
})

test('samples that come late, for an hour that is archived already, are not lost', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 10)
  store.clock.now = MIDNIGHT + 2 * HOUR_MS
  await store.archive.rollUp()
  await store.fill(MIDNIGHT + 60_000, 5)
  await store.archive.rollUp()
  expect(store.files('raw')).toEqual(['2026-11-20T00.2.parquet', '2026-11-20T00.parquet'])
  expect((await store.read(MIDNIGHT, MIDNIGHT + HOUR_MS, 1_000)).seen.at).toHaveLength(15)
  await store.close()
})

test('a day of hours becomes one file per coarse tier, and nothing is lost or doubled', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 24 * 3_600, 600)
  store.clock.now = MIDNIGHT + DAY_MS + 3 * HOUR_MS
  await store.archive.rollUp()
  const before = await store.read(MIDNIGHT, MIDNIGHT + DAY_MS, HOUR_MS)
  expect(store.files('1min')).toHaveLength(24)
  await store.archive.merge()
  const pieces = store.archive.pieces().filter(({ tier }) => tier === '1min')
  expect(pieces).toMatchObject([{ file: '2026-11-20.parquet', rowCount: 144 }])
  expect(await store.read(MIDNIGHT, MIDNIGHT + DAY_MS, HOUR_MS)).toEqual(before)
  store.clock.now += 61_000
  await store.archive.prune()
  expect(store.files('1min')).toEqual(['2026-11-20.parquet'])
  await store.close()
})

test('six hours that are over become one file, which a lost database takes in again', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 9 * 3_600, 600)
  store.clock.now = MIDNIGHT + 9.5 * HOUR_MS
  await store.archive.rollUp()
  const before = await store.read(MIDNIGHT, MIDNIGHT + 9 * HOUR_MS, HOUR_MS)
  await store.archive.merge()
  store.clock.now += 61_000
  await store.archive.prune()
  const names = ['2026-11-20T00-05.parquet', ...[6, 7, 8].map((hour) => `2026-11-20T0${hour}.parquet`)]
  expect(store.files('1h')).toEqual(names)
  expect(store.files('raw')).toHaveLength(9)
  expect(await store.read(MIDNIGHT, MIDNIGHT + 9 * HOUR_MS, HOUR_MS)).toEqual(before)
  await store.close()
  renameSync(store.path, `${store.path}.lost`)

  const again = await openStore(store.folder)
  again.clock.now = store.clock.now
  expect(again.archive.pieces().filter(({ tier }) => tier === '1h')).toMatchObject(
    [6, 1, 1, 1].map((hours, index) => ({
      file: names[index],
      toMs: MIDNIGHT + [6, 7, 8, 9][index]! * HOUR_MS,
      fromMs: MIDNIGHT + ([6, 7, 8, 9][index]! - hours) * HOUR_MS,
    })),
  )
  expect(await again.read(MIDNIGHT, MIDNIGHT + 9 * HOUR_MS, HOUR_MS)).toEqual(before)
  again.clock.now = MIDNIGHT + DAY_MS + 3 * HOUR_MS
  await again.archive.merge()
  again.clock.now += 61_000
  await again.archive.prune()
  expect(again.files('1h')).toEqual(['2026-11-20.parquet'])
  expect(await again.read(MIDNIGHT, MIDNIGHT + 9 * HOUR_MS, HOUR_MS)).toEqual(before)
  await again.close()
})

test('what is past its retention is removed from the disk', async () => {
  const store = await openStore(temporaryFolder(), parseTiers('raw=2h,10s=4h'))
  for (let hour = 0; hour < 4; hour++) await store.fill(MIDNIGHT + hour * HOUR_MS, 60, 10)
  store.clock.now = MIDNIGHT + 4 * HOUR_MS + 61_000
  await store.archive.rollUp()
  await store.archive.prune()
  store.clock.now += 61_000
  await store.archive.prune()
  expect(store.files('raw')).toEqual(['2026-11-20T02.parquet', '2026-11-20T03.parquet'])
  for (const tier of ['10s', '1min', '1h'] as const) expect(store.files(tier)).toHaveLength(4)
  expect(store.archive.pieces().filter(({ tier }) => tier === 'raw')).toHaveLength(2)
  await store.close()
})

test('a removed file that still waits for running queries is no surprise to the next start', async () => {
  const tiers = parseTiers('raw=2h')
  const store = await openStore(temporaryFolder(), tiers)
  for (let hour = 0; hour < 4; hour++) await store.fill(MIDNIGHT + hour * HOUR_MS, 60, 10)
  store.clock.now = MIDNIGHT + 4 * HOUR_MS + 61_000
  await store.archive.rollUp()
  await store.archive.prune()
  expect(store.files('raw')).toHaveLength(4)
  await store.close()
  const again = await openStore(store.folder, tiers)
  expect(again.archive.repairs).toEqual([])
  expect(again.files('raw')).toHaveLength(2)
  await again.close()
})

test('what a crash left between files and table is removed, and the hour is archived once', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 30)
  store.clock.now = MIDNIGHT + HOUR_MS + 61_000
  await store.archive.rollUp()
  await store.fill(MIDNIGHT + HOUR_MS, 30)
  await store.close()
  const raw = join(archiveFolderOf(store.path), 'raw')
  copyFileSync(join(raw, '2026-11-20T00.parquet'), join(raw, '2026-11-20T01.parquet'))
  writeFileSync(join(raw, '2026-11-20T02.parquet.new'), 'half a file')

  const again = await openStore(store.folder)
  expect(again.files('raw')).toEqual(['2026-11-20T00.parquet'])
  again.clock.now = MIDNIGHT + 2 * HOUR_MS + 61_000
  await again.archive.rollUp()
  expect((await again.read(MIDNIGHT, MIDNIGHT + 2 * HOUR_MS, 1_000)).seen.at).toHaveLength(60)
  await again.close()
})

test('a file that is gone is said, and the rest is still read', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 30)
  await store.fill(MIDNIGHT + HOUR_MS, 30)
  store.clock.now = MIDNIGHT + 3 * HOUR_MS
  await store.archive.rollUp()
  await store.close()
  rmSync(join(archiveFolderOf(store.path), 'raw', '2026-11-20T00.parquet'))
  const again = await openStore(store.folder)
  expect(again.archive.repairs.join()).toContain('1 files of history are gone')
  again.clock.now = MIDNIGHT + 3 * HOUR_MS
  expect((await again.read(MIDNIGHT, MIDNIGHT + 2 * HOUR_MS, 1_000)).seen.at).toHaveLength(30)
  await again.close()
})

test('when the database is lost its archive is taken in again; a file that is damaged is set aside', async () => {
  const store = await openStore()
  await store.fill(MIDNIGHT, 30)
  await store.fill(MIDNIGHT + HOUR_MS, 30)
  store.clock.now = MIDNIGHT + 3 * HOUR_MS
  await store.archive.rollUp()
  await store.close()
  renameSync(store.path, `${store.path}.lost`)
  const folder = archiveFolderOf(store.path)
  writeFileSync(join(folder, 'raw', '2026-11-20T01.parquet'), 'not Parquet')

  const again = await openStore(store.folder)
  expect(again.archive.repairs.join()).toMatch(/7 files of history were taken in again/)
  expect(again.archive.repairs.join()).toMatch(/cannot be read and was set aside/)
  expect(existsSync(join(folder, 'raw-2026-11-20T01.parquet.damaged'))).toBe(true)
  again.clock.now = MIDNIGHT + 3 * HOUR_MS
  expect((await again.read(MIDNIGHT, MIDNIGHT + 2 * HOUR_MS, 1_000)).seen.at).toHaveLength(30)
  await again.close()
})

test('queries while hours move see every sample once', async () => {
  const store = await openStore()
  for (let hour = 0; hour < 6; hour++) await store.fill(MIDNIGHT + hour * HOUR_MS, 20)
  store.clock.now = MIDNIGHT + 6 * HOUR_MS + 61_000
  const moving = store.archive.rollUp()
  let finished = false
  void moving.then(() => {
    finished = true
  })
  let reads = 0
  while (!finished) {
    expect((await store.read(MIDNIGHT, MIDNIGHT + 6 * HOUR_MS, 1_000)).seen.at).toHaveLength(120)
    reads += 1
  }
  await moving
  expect(reads).toBeGreaterThan(1)
  await store.close()
})
