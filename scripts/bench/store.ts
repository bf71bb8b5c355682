import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { assess } from '../../server/analyse/assess.ts'
import { createWindow, observe, type Window } from '../../server/analyse/window.ts'
import type { Calibration } from '../../server/contracts/assessment.ts'
import { openArchive } from '../../server/store/archive.ts'
import { archiveFolderOf, openDatabase } from '../../server/store/database.ts'
import { readHistory } from '../../server/store/history.ts'
import { openSampleStore } from '../../server/store/samples.ts'
import { type Observation, STORED_METRICS } from '../../server/store/stored-metrics.ts'
import { DEFAULT_TIERS } from '../../server/store/tiers.ts'
import { fleetSeconds } from './fleet-seconds.ts'
import { type Figure, percentile, say } from './measure.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DAYS = 7
const START = Date.parse('2026-11-12T00:00:00Z')
const QUERIES = 40

/** How many of the stored values are known; the unknown cost next to nothing and would flatter the figure. */
const knownValues = (observations: readonly Observation[]): number =>
  observations.reduce((sum, one) => sum + STORED_METRICS.filter((metric) => metric.of(one) != null).length, 0)

async function timed(count: number, query: (index: number) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = []
  for (let index = 0; index < count; index++) {
    const at = performance.now()
    await query(index)
    taken.push(performance.now() - at)
  }
  return taken
}

/** Bytes on disk, speed of writing, and chart queries over a week of many containers. */
export async function store({
  containers,
  calibration,
}: {
  containers: number
  calibration: Calibration
}): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-store-bench-'))
  try {
    const path = join(folder, 'dockerpulse.duckdb')
    let now = START
    const database = await openDatabase({ path, memoryLimitMegabytes: 512, now: () => now })
    const samples = await openSampleStore(database, folder)
    const archive = await openArchive({ database, folder: archiveFolderOf(path), tiers: DEFAULT_TIERS, now: () => now })

    say(`Writing an hour of ${containers} containers…`)
    let values = 0
    let rows = 0
    const writes: number[] = []
    const ids = new Set<string>()
    const windows = new Map<string, Window>()
    for (const seconds of fleetSeconds(containers, 3_600, START)) {
      const observations = seconds.map(({ name, sample }): Observation => {
        const window = windows.get(sample.containerId) ?? createWindow(sample.containerId)
        windows.set(sample.containerId, window)
        observe(window, sample)
        return { containerKey: name, containerName: name, sample, assessment: assess(window, calibration) }
      })
      values += knownValues(observations)
      rows += observations.length
      for (const { sample } of observations) ids.add(sample.containerId)
      now += 1000
      const at = performance.now()
      await samples.append(now, observations)
      writes.push(performance.now() - at)
    }
    await samples.flush()
    now += 120_000
    say('Archiving it…')
    const rollUpAt = performance.now()
    await archive.rollUp()
    const rollUpMs = performance.now() - rollUpAt
    const rawPiece = archive.pieces().find(({ tier }) => tier === 'raw')!

    const plainPath = join(folder, 'plain.duckdb')
    const plain = await DuckDBInstance.create(plainPath)
    const connection = await plain.connect()
    const rawFile = join(archiveFolderOf(path), 'raw', rawPiece.file)
    const doubles = STORED_METRICS.map(({ name, unit }) => `"${name}"::DOUBLE * ${unit} AS "${name}"`).join(', ')
    await connection.run(
      `CREATE TABLE samples AS SELECT container, at_ms, ${doubles} FROM read_parquet('${rawFile}') ORDER BY at_ms`,
    )
    await connection.run('CHECKPOINT')
    connection.closeSync()
    plain.closeSync()
    const plainBytes = statSync(plainPath).size

    say(`Making ${DAYS} days of it…`)
    // The same hour again and again, moved in time through the program's own archive.
    const names = STORED_METRICS.map(({ name }) => `"${name}"`).join(', ')
    for (let hour = 1; hour < DAYS * 24; hour++) {
      await database.write((writer) =>
        writer.run(
          `INSERT INTO samples SELECT at_ms + ${hour * HOUR_MS}, containers.number, ${names}
           FROM read_parquet('${rawFile}') AS piece JOIN containers ON containers.id = piece.container
           WHERE at_ms % 10000 < 1000 OR ${hour} >= ${(DAYS - 1) * 24}`,
        ),
      )
      now = START + (hour + 1) * HOUR_MS + 120_000
      await archive.rollUp()
      await archive.merge()
      if (hour % 24 === 0) say(`  day ${hour / 24}`)
    }
    now = START + DAYS * DAY_MS + 120_000
    await archive.rollUp()

    say('Asking for charts…')
    const all = [...ids]
    const parts = () => ({ database, archive, tiers: DEFAULT_TIERS, nowMs: now })
    const chart = (containerIds: string[], rangeMs: number, points: number) =>
      readHistory(parts(), {
        containerIds,
        fromMs: now - rangeMs,
        toMs: now,
        stepMs: Math.ceil(rangeMs / points / 1000) * 1000,
        horizonMs: 10_000,
      })
    const day = await timed(QUERIES, (index) => chart([all[index % all.length]!], DAY_MS, 500))
    const week = await timed(8, () => chart(all.slice(0, 100), DAYS * DAY_MS, 500))
    await samples[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
    return [
      {
        name: 'raw tier, bytes on disk per known value',
        value: rawPiece.sizeBytes / values,
        unit: 'B',
        reference: { name: 'the same as DOUBLE in a DuckDB table', value: plainBytes / values },
      },
      { name: 'raw tier, bytes on disk per container and day', value: (rawPiece.sizeBytes / rows) * 86_400, unit: 'B' },
      { name: `a batch of ${containers} samples, fsync included, p95`, value: percentile(writes, 0.95), unit: 'ms' },
      { name: `an hour of ${containers} containers into all tiers`, value: rollUpMs, unit: 'ms' },
      { name: 'chart: 24 h of one container in 500 points, p95', value: percentile(day, 0.95), unit: 'ms' },
      {
        name: `chart: ${DAYS} days of ${Math.min(100, all.length)} containers, p95`,
        value: percentile(week, 0.95),
        unit: 'ms',
      },
    ]
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
