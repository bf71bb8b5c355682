import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openArchive } from './archive.ts'
import { archiveFolderOf, openDatabase } from './database.ts'
import { readHistory } from './history.ts'
import { createIncidentStore } from './incidents.ts'
import { openSampleStore } from './samples.ts'
import { idOf, incident, observation } from './stand-ins.ts'
import { DEFAULT_TIERS } from './tiers.ts'

const DAMAGES = 200
const SEED = 20261120
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MIDNIGHT = Date.parse('2026-11-20T00:00:00Z')
const NOW = MIDNIGHT + DAY_MS + 3 * HOUR_MS
const CONTAINERS = [1, 2, 3]

async function openStore(folder: string) {
  const clock = { now: NOW }
  const path = join(folder, 'dockerpulse.duckdb')
  const database = await openDatabase({ path, memoryLimitMegabytes: 64, now: () => clock.now })
  const samples = await openSampleStore(database, folder)
  const archive = await openArchive({
    database,
    folder: archiveFolderOf(path),
    tiers: DEFAULT_TIERS,
    now: () => clock.now,
  })
  const incidents = createIncidentStore(database)
  return {
    clock,
    database,
    samples,
    archive,
    incidents,
    append: (at: number) =>
      samples.append(
        at,
        CONTAINERS.map((number) => observation(number, at, { cpuCores: (at / 1000) % 97, workingSetBytes: at % 1e9 })),
      ),
    read: async (tierStepMs: number) => {
      await samples.flush()
      return readHistory(
        { database, archive, tiers: DEFAULT_TIERS, nowMs: clock.now },
        {
          containerIds: CONTAINERS.map(idOf),
          fromMs: NOW - DAY_MS,
          toMs: NOW + 10_000,
          stepMs: tierStepMs,
          horizonMs: 1_000,
        },
      )
    },
    said: () => [...database.repairs, ...archive.repairs, ...(samples.missing === null ? [] : [samples.missing])],
    async [Symbol.asyncDispose]() {
      await samples[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}
type Store = Awaited<ReturnType<typeof openStore>>
type Content = { histories: unknown[]; incidents: unknown }

/** Everything that a person can ask for, in every tier. */
async function contentOf(store: Store): Promise<Content> {
  const histories = []
  for (const stepMs of [1_000, 10_000, 60_000, HOUR_MS]) histories.push((await store.read(stepMs)).seen)
  return { histories, incidents: await store.incidents.list({ limit: 100, offset: 0, open: true }) }
}

/** A data folder as a killed program leaves it: archived hours and a day, samples in the file and in the log. */
async function leftByAKill(): Promise<string> {
  const folder = temporaryFolder()
  await using store = await openStore(folder)
  for (let at = MIDNIGHT + 22 * HOUR_MS; at < NOW - HOUR_MS; at += 97_000) await store.append(at)
  await store.samples.flush()
  await store.archive.rollUp()
  await store.archive.merge()
  store.clock.now += 61_000
  await store.archive.prune()
  for (let at = NOW - HOUR_MS; at < NOW - 60_000; at += 60_000) await store.append(at)
  await store.samples.flush()
  for (let number = 0; number < 20; number++) await store.incidents.save(incident(number))
  await store.database.read((connection) => connection.run('CHECKPOINT'))
  for (let at = NOW - 60_000; at < NOW; at += 1_000) await store.append(at)
  await store.samples.flush()
  for (let at = NOW; at < NOW + 10_000; at += 1_000) await store.append(at)
  const copy = temporaryFolder()
  cpSync(folder, copy, { recursive: true })
  return copy
}

const WAYS = ['flip', 'zero', 'cut', 'garbage', 'insert'] as const
type Damage = { how: (typeof WAYS)[number]; path: string; place: number; bytes: number; seed: number }

/** Numbers below `limit` that look random and are the same every time (mulberry32). */
function createRandom(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}

/** The database and its log are most of what matters; the rest are pieces of the archive and the acknowledgement. */
function anyDamage(random: (limit: number) => number, folder: string): Damage {
  const pieces = readdirSync(join(folder, 'history'), { recursive: true, encoding: 'utf8' })
    .map((name) => join('history', name))
    .filter((name) => name.endsWith('.parquet'))
    .sort()
  const piece = pieces[random(pieces.length)]!
  const files = ['dockerpulse.duckdb', 'dockerpulse.duckdb', 'dockerpulse.duckdb.wal', 'dockerpulse.duckdb.wal', piece]
  const small = ['batches.acknowledged', 'batches.journal', 'batches.journal']
  const path = random(10) === 0 ? small[random(small.length)]! : files[random(files.length)]!
  const size = statSync(join(folder, path)).size
  return {
    how: WAYS[random(WAYS.length)]!,
    path,
    place: random(size),
    bytes: 1 + random(random(2) === 0 ? 16 : 4096),
    seed: random(2 ** 31),
  }
}

function spoil(path: string, { how, place: at, bytes, seed }: Damage): void {
  const whole = readFileSync(path)
  const noise = Buffer.from(
    Array.from({ length: bytes }, (_, index) => (Math.imul(seed + index, 2654435761) >>> 13) & 255),
  )
  const rest = whole.subarray(at + bytes)
  const middle = whole.subarray(at, at + bytes)
  const changed = {
    flip: () => [whole.subarray(0, at), middle.map((byte) => byte ^ (1 << (seed % 8))), rest],
    zero: () => [whole.subarray(0, at), Buffer.alloc(middle.length), rest],
    cut: () => [whole.subarray(0, at)],
    garbage: () => [whole.subarray(0, at), noise.subarray(0, middle.length), rest],
    insert: () => [whole.subarray(0, at), noise, whole.subarray(at)],
  }[how]()
  writeFileSync(path, Buffer.concat(changed))
}

test(`damaged in ${DAMAGES} ways the store opens, says what was lost, and goes on`, async () => {
  const whole = await leftByAKill()
  const intact = temporaryFolder()
  cpSync(whole, intact, { recursive: true })
  let before: Content
  {
    await using store = await openStore(intact)
    expect(store.said()).toEqual([])
    before = await contentOf(store)
  }
  const random = createRandom(SEED)
  let kept = 0
  for (let number = 0; number < DAMAGES; number++) {
    const damage = anyDamage(random, whole)
    const folder = temporaryFolder()
    cpSync(whole, folder, { recursive: true })
    spoil(join(folder, damage.path), damage)
    const what = `${number}: ${JSON.stringify(damage)}`
    try {
      await using store = await openStore(folder)
      const content = await contentOf(store)
      if (JSON.stringify(content) !== JSON.stringify(before)) expect(store.said().length, what).toBeGreaterThan(0)
      const said = store.said().join('; ')
      if (said.includes('were kept') && !/could not be read:[^;]*incidents/.test(said)) {
        kept += 1
        expect(content.incidents, what).toEqual(before.incidents)
      }
      await store.append(NOW + 10_000)
      expect(store.samples.dropped, what).toEqual({ count: 0, reason: null })
      store.clock.now += 3 * HOUR_MS
      await store.samples.flush()
      await store.archive.rollUp()
      await store.archive.merge()
      await store.archive.prune()
      const { seen } = await store.read(1_000)
      expect(seen.at, what).toContain(NOW + 10_000)
    } catch (error) {
      throw new Error(what, { cause: error })
    }
  }
  expect(kept).toBeGreaterThan(0)
}, 300_000)
