import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Archive, openArchive } from './archive.ts'
import { archiveFolderOf, type Database, openDatabase } from './database.ts'
import { readHistory } from './history.ts'
import { openSampleStore } from './samples.ts'
import { idOf, observation } from './stand-ins.ts'
import { DEFAULT_TIERS } from './tiers.ts'

const START = 1_000_000_000_000
const HORIZON_MS = 60_000
/** Seconds that were never sampled. */
const GAP = { from: 100, to: 130 }
const SECONDS = 200
const MIB = 1024 ** 2
const GIB = 1024 ** 3

let folder: string
let database: Database
let archive: Archive
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dockerpulse-history-'))
  database = await openDatabase({ path: join(folder, 'samples.duckdb'), memoryLimitMegabytes: 64, now: () => START })
  archive = await openArchive({
    database,
    folder: archiveFolderOf(join(folder, 'samples.duckdb')),
    tiers: DEFAULT_TIERS,
    now: () => START,
  })
  const samples = await openSampleStore(database, folder)
  for (let second = 0; second < SECONDS; second++) {
    if (second >= GAP.from && second < GAP.to) continue
    const at = START + second * 1000
    const forecast = foreseen(second + 0.5, second, second + 1)
    const memory = foreseen(second * MIB, second * MIB, (second + 1) * MIB)
    await samples.append(at, [
      // The first container's CPU is the second that it is, so that a mean can be checked by hand.
      observation(
        1,
        at,
        { cpuCores: second, workingSetBytes: second % 2 === 0 ? null : MIB },
        { probability: second / 1000, cpuCoresForecast: forecast, memoryBytesForecast: memory },
      ),
      observation(2, at, { cpuCores: -1, workingSetBytes: 40 * GIB }),
    ])
  }
  await samples[Symbol.asyncDispose]()
})
afterAll(async () => {
  await database[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const foreseen = (value: number, lower: number, upper: number) => ({
  horizonMs: HORIZON_MS,
  value,
  lower,
  upper,
  lower80: lower,
  upper80: upper,
})
const second = (number: number) => START + number * 1000
const read = (from: number, to: number, stepSeconds = 1, container = 1) =>
  readHistory(
    { database, archive, tiers: DEFAULT_TIERS, nowMs: START },
    {
      containerIds: [idOf(container)],
      fromMs: second(from),
      toMs: second(to),
      stepMs: stepSeconds * 1000,
      horizonMs: HORIZON_MS,
    },
  )
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

test('each second is a row, with its own container’s numbers alone', async () => {
  const { seen } = await read(10, 19)
  expect(seen.at).toEqual(range(10, 20).map(second))
  expect(seen.cpuCores).toEqual(range(10, 20))
  expect(seen.networkReceiveBytesPerSecond).toEqual(Array(10).fill(160))
  expect(seen.blockReadBytesPerSecond).toEqual(Array(10).fill(null))
  expect(new Set(Object.values(seen).map(({ length }) => length))).toEqual(new Set([10]))
})

test('a step is the mean of what was seen in it, the unknown left out, and the highest probability', async () => {
  const { seen } = await read(20, 39, 10)
  expect(seen.at).toEqual([second(20), second(30)])
  // (20 + … + 29) / 10, (30 + … + 39) / 10
  expect(seen.cpuCores).toEqual([24.5, 34.5])
  expect(seen.workingSetBytes).toEqual([MIB, MIB])
  expect(seen.probability).toEqual([0.029, 0.039])
})

test('steps stand on a common grid, wherever the range begins', async () => {
  const { seen } = await read(23, 37, 10)
  expect(seen.at).toEqual([second(20), second(30)])
  expect(seen.cpuCores).toEqual([26, 33.5])
})

test('bytes beyond 32 bits come back as they were, alone and as a mean', async () => {
  for (const step of [1, 10])
    expect((await read(0, 9, step, 2)).seen.workingSetBytes).toEqual(Array(10 / step).fill(40 * GIB))
})

test('a gap has no rows', async () => {
  const { seen } = await read(95, 135)
  expect(seen.at).toEqual([...range(95, 100), ...range(130, 136)].map(second))
})

test('a forecast stands in the row that it was made for', async () => {
  const { seen } = await read(50, 70)
  // Nothing was forecast before second 0, so nothing stands before second 60.
  expect(seen.cpuCoresForecast).toEqual([...Array(10).fill(null), ...range(0, 11).map((made) => made + 0.5)])
  expect(seen.memoryBytesLower!.slice(10)).toEqual(range(0, 11).map((made) => made * MIB))
  expect(seen.memoryBytesUpper!.slice(10)).toEqual(range(1, 12).map((made) => made * MIB))
})

test('the forecasts of seconds before the range reach into it', async () => {
  const { seen } = await read(150, 155)
  expect(seen.cpuCoresForecast).toEqual(range(90, 96).map((made) => made + 0.5))
})

test('in a step the band is the widest', async () => {
  const { seen } = await read(80, 89, 10)
  expect(seen.cpuCoresForecast).toEqual([25])
  expect(seen.cpuCoresLower).toEqual([20])
  expect(seen.cpuCoresUpper).toEqual([30])
})

test('ahead are the forecasts for after the newest sample, without a row twice', async () => {
  const { seen, ahead } = await read(190, SECONDS - 1)
  expect(seen.at.at(-1)).toBe(second(199))
  expect(ahead.at).toEqual(range(200, 260).map(second))
  expect(ahead.cpuCoresForecast).toEqual(range(140, 200).map((made) => made + 0.5))
  expect(ahead.cpuCores).toEqual(Array(60).fill(null))
})

test('a range without samples, and a container that nobody knows, are empty', async () => {
  for (const { seen, ahead } of [await read(5000, 6000), await read(10, 5), await read(0, 100, 1, 77)]) {
    expect(seen.at).toEqual([])
    expect(ahead.at).toEqual([])
    expect(seen.cpuCores).toEqual([])
  }
})

test('a container without forecasts has none, and nothing ahead', async () => {
  const { seen, ahead } = await read(0, 9, 1, 2)
  expect(seen.cpuCores).toEqual(Array(10).fill(-1))
  expect(seen.cpuCoresForecast).toEqual(Array(10).fill(null))
  expect(ahead.at).toEqual([])
})

test('times with fractions are taken to the millisecond', async () => {
  const { seen } = await readHistory(
    { database, archive, tiers: DEFAULT_TIERS, nowMs: START },
    {
      containerIds: [idOf(1)],
      fromMs: second(10) - 0.4,
      toMs: second(11) + 0.4,
      stepMs: 1000,
      horizonMs: HORIZON_MS,
    },
  )
  expect(seen.cpuCores).toEqual([10, 11])
})

test('a long range joins the archive’s minutes with the hour that is still running', async () => {
  const hour = Math.ceil(START / 3_600_000) * 3_600_000
  const own = mkdtempSync(join(tmpdir(), 'dockerpulse-history-'))
  const path = join(own, 'samples.duckdb')
  let now = hour + 3_590_000
  const store = await openDatabase({ path, memoryLimitMegabytes: 64, now: () => now })
  const pieces = await openArchive({
    database: store,
    folder: archiveFolderOf(path),
    tiers: DEFAULT_TIERS,
    now: () => now,
  })
  const samples = await openSampleStore(store, own)
  for (const [minute, cpuCores] of [
    [58, 1],
    [58, 3],
    [59, 5],
    [60, 7],
  ] as const) {
    const at = hour + minute * 60_000 + cpuCores * 1000
    await samples.append(at, [observation(1, at, { cpuCores }, { probability: cpuCores / 10 })])
  }
  await samples.flush()
  now = hour + 3_700_000
  await pieces.rollUp()
  const { tier, seen, ahead } = await readHistory(
    { database: store, archive: pieces, tiers: DEFAULT_TIERS, nowMs: now },
    {
      containerIds: [idOf(1)],
      fromMs: hour - 8 * 3_600_000,
      toMs: now,
      stepMs: 60_000,
      horizonMs: HORIZON_MS,
    },
  )
  await samples[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  rmSync(own, { recursive: true })
  expect(pieces.pieces().map((piece) => piece.tier)).toContain('1min')
  expect(tier).toBe('1min')
  expect(seen.at).toEqual([58, 59, 60].map((minute) => hour + minute * 60_000))
  expect(seen.cpuCores).toEqual([2, 5, 7])
  expect(seen.cpuCoresMin).toEqual([1, 5, 7])
  expect(seen.cpuCoresMax).toEqual([3, 5, 7])
  expect(seen.probability!.map((share) => Math.round(share! * 1000))).toEqual([300, 500, 700])
  expect(seen.cpuCoresForecast).toEqual([null, null, null])
  expect(ahead.at).toEqual([])
})
