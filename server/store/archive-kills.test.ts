import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openArchive } from './archive.ts'
import { archiveFolderOf, openDatabase } from './database.ts'
import { openSampleStore } from './samples.ts'
import { DEFAULT_TIERS, parseTiers } from './tiers.ts'

const KILLS = 50
const BEGIN = Date.parse('2026-11-20T00:00:00Z')
const STEP_MS = 1_800_000
const DAY_MS = 86_400_000
/** The child's own: it keeps everything, so that everything can be counted. */
const TIERS = parseTiers('raw=1y,10s=1y,1min=1y')
const ROWS_PER_BATCH = 2

/** One life of the child: the batches it said it stored, what else it said, and how it ended. */
async function liveAndDie(folder: string, fromMs: number, killAfterLines: number) {
  const child = spawn(process.execPath, [
    new URL('./archive.child.ts', import.meta.url).pathname,
    folder,
    String(fromMs),
  ])
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let text = ''
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const reached = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      text += chunk
      if (text.split('\n').length > killAfterLines) resolve()
    })
  })
  await Promise.race([reached, ended])
  await Promise.race([sleep(Math.random() * MOST_MS_AFTER_A_LINE), ended])
  child.kill('SIGKILL')
  await ended
  // A line that was cut is no acknowledgement.
  const lines = text.split('\n').slice(0, -1)
  return { batches: lines.filter((line) => /^\d+$/.test(line)).map(Number), lines, errors }
}

/** A life ends after so many of the child's lines at the most, and a moment after one: slow machines get as far as fast ones. */
const MOST_LINES = 24
const MOST_MS_AFTER_A_LINE = 30

const isMerged = (folder: string) =>
  readdirSync(join(folder, 'history', '10s')).some((name) => /^\d{4}-\d\d-\d\d\.parquet$/.test(name))

test(`killed ${KILLS} times while it writes, checkpoints, rolls up and merges it loses and repeats nothing`, async () => {
  const folder = temporaryFolder()
  const acknowledged = new Set<number>()
  let nowMs = BEGIN
  let rolled = 0
  let merged = 0
  let kills = 0
  for (; kills < KILLS || !isMerged(folder); kills++) {
    const { batches, lines, errors } = await liveAndDie(folder, nowMs, 1 + Math.floor(Math.random() * MOST_LINES))
    expect(errors).toBe('')
    // Every start finds all that was acknowledged before: it says what is missing.
    expect(lines.filter((line) => line.startsWith('repairs'))).toEqual([])
    for (const batch of batches) acknowledged.add(batch)
    // One more may have been stored whose acknowledgement was cut off: the next life does not write it again.
    nowMs = Math.max(nowMs, batches.at(-1) ?? 0) + 2 * STEP_MS
    rolled += lines.filter((line) => line === 'rolled').length
    merged += lines.filter((line) => line === 'merged').length
  }
  expect(rolled).toBeGreaterThan(0)
  expect(merged).toBeGreaterThan(0)

  const path = join(folder, 'x.duckdb')
  await using database = await openDatabase({ path, memoryLimitMegabytes: 64, now: () => nowMs })
  await using samples = await openSampleStore(database, folder)
  await samples.flush()
  const archive = await openArchive({ database, folder: archiveFolderOf(path), tiers: TIERS, now: () => nowMs })
  expect([database.repairs, archive.repairs, samples.missing]).toEqual([[], [], null])

  const rows = async (sql: string) =>
    (await database.read((connection) => connection.runAndReadAll(sql))).getRows().map((row) => row.map(Number))
  const everything = (tier: 'raw' | '10s' | '1min' | '1h', sql: (files: string) => string) =>
    archive.read({ tier, fromMs: 0, toMs: nowMs }, (paths) => {
      const names = paths.map((name) => `'${name}'`).join(', ')
      return rows(sql(`read_parquet([${names}])`))
    })
  const archived = await everything('raw', (files) => `SELECT at_ms, count(*) FROM ${files} GROUP BY 1`)
  const hot = await rows('SELECT at_ms, count(*) FROM samples GROUP BY 1')
  const stored = new Map<number, number>()
  for (const [at, count] of [...archived, ...hot] as [number, number][]) stored.set(at, (stored.get(at) ?? 0) + count)
  expect([...acknowledged].filter((at) => !stored.has(at))).toEqual([])
  expect([...stored].filter(([, count]) => count !== ROWS_PER_BATCH)).toEqual([])
  // A batch may have been stored whose acknowledgement the kill cut off: at most one each time.
  expect(stored.size - acknowledged.size).toBeLessThanOrEqual(kills)
  const rawRows = archived.reduce((sum, [, count]) => sum + count!, 0)
  expect(rawRows).toBeGreaterThan(0)
  for (const { name, stepMs } of DEFAULT_TIERS.slice(1)) {
    const buckets = await everything(
      name,
      (files) => `SELECT sum(samples), count(*), count(DISTINCT (container, at_ms)) FROM ${files}`,
    )
    const [[wanted]] = (await everything(
      'raw',
      (files) => `SELECT count(DISTINCT (container, at_ms // ${stepMs})) FROM ${files}`,
    )) as [[number]]
    expect(buckets).toEqual([[rawRows, wanted, wanted]])
  }
  expect(archive.pieces().some(({ fromMs, toMs }) => toMs - fromMs === DAY_MS)).toBe(true)
  for (const { name } of TIERS)
    expect(readdirSync(join(archiveFolderOf(path), name)).sort()).toEqual(
      archive
        .pieces()
        .filter(({ tier }) => tier === name)
        .map(({ file }) => file)
        .sort(),
    )
}, 300_000)
