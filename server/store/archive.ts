import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { Database } from './database.ts'
import { STORED_METRICS } from './stored-metrics.ts'
import type { Tier, TierName } from './tiers.ts'

/** A Parquet file of one tier and period, and what it takes. */
export type Piece = { file: string; tier: TierName; fromMs: number; toMs: number; rowCount: number; sizeBytes: number }

export type Archive = {
  /** Moves every hour that is over out of the database into pieces of all tiers. Rejects where the disk refuses; nothing is lost then. */
  rollUp(): Promise<void>
  /** Makes one piece of a day's pieces. */
  merge(): Promise<void>
  /** Removes pieces past their retention, and gives their space back. */
  prune(): Promise<void>
  /**
   * Runs a query over the files of a tier that overlap a period. The rows still in the database and these files together
   * are complete: the query is repeated where an hour moved meanwhile.
   */
  read<T>(query: { tier: TierName; fromMs: number; toMs: number }, run: (paths: string[]) => Promise<T>): Promise<T>
  pieces(): readonly Piece[]
  sizeBytes(): number
  /** What had to be set aside or is missing since the last run. */
  readonly repairs: readonly string[]
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** The last samples of an hour arrive a little after its end. */
const HOUR_CLOSES_AFTER_MS = 60_000
const DAY_CLOSES_AFTER_MS = 2 * HOUR_MS

/** A removed file stays this long, for queries that began before. */
const UNLINK_AFTER_MS = 60_000

const PARQUET = '(FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)'

/** Names in a time's own words, so that a folder reads like a calendar: `2026-11-20T05`. */
const hourName = (ms: number) => new Date(ms).toISOString().slice(0, 13)

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

const metricColumns = STORED_METRICS.map(({ name }) => `"${name}"`).join(', ')

/** Minimum, mean, maximum and 95th percentile of every metric that goes into the longer tiers. */
const aggregates = STORED_METRICS.filter(({ coarse }) => coarse)
  .map(
    ({ name }) =>
      `min("${name}") AS "${name}Min", round(avg("${name}"))::INTEGER AS "${name}", max("${name}") AS "${name}Max", ` +
      `round(quantile_cont("${name}", 0.95))::INTEGER AS "${name}P95"`,
  )
  .join(', ')

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

/**
 * History beside the database: each hour that is over becomes one compressed, sorted Parquet file per tier. The table
 * `pieces` says which files count; a row there and the removal of the samples it replaces are one transaction, so a
 * crash repeats no bucket and loses none. Files without a row are leavings of a crash and are removed, unless the
 * database itself was lost: then they are taken in again.
 */
export async function openArchive(options: {
  database: Database
  folder: string
  tiers: readonly Tier[]
  now: () => number
}): Promise<Archive> {
  const { database, folder, tiers, now } = options
  const repairs: string[] = []
  let pieces: Piece[] = []
  /** Odd while a change of the table and the files is being committed. */
  let generation = 0
  let committing: Promise<unknown> = Promise.resolve()
  let changing: Promise<unknown> = Promise.resolve()
  const unlinkAt: { path: string; atMs: number }[] = []
  const pathOf = ({ tier, file }: Pick<Piece, 'tier' | 'file'>) => join(folder, tier, file)
  for (const { name } of tiers) mkdirSync(join(folder, name), { recursive: true })

  /** Changes files and table together; readers wait for it or look again. */
  const change = (job: () => Promise<void>): Promise<void> => {
    const turn = changing.catch(() => {}).then(job)
    changing = turn.catch(() => {})
    return turn
  }

  const commit = async (
    added: readonly Piece[],
    removed: readonly Piece[],
    also: (connection: DuckDBConnection) => Promise<void>,
  ) => {
    generation += 1
    const written = database.write(async (connection) => {
      for (const { file, tier, fromMs, toMs, rowCount, sizeBytes } of added) {
        await connection.run(
          `INSERT INTO pieces VALUES (${quoted(file)}, ${quoted(tier)}, ${fromMs}, ${toMs}, ${rowCount}, ${sizeBytes})`,
        )
      }
      for (const { file, tier } of removed) {
        await connection.run(`DELETE FROM pieces WHERE file = ${quoted(file)} AND tier = ${quoted(tier)}`)
      }
      await also(connection)
    })
    committing = written.catch(() => {})
    try {
      await written
      const gone = new Set(removed)
      pieces = [...pieces.filter((piece) => !gone.has(piece)), ...added]
      for (const piece of removed) unlinkAt.push({ path: pathOf(piece), atMs: now() + UNLINK_AFTER_MS })
    } finally {
      generation += 1
    }
  }

  /** Writes a query's result as a piece that does not count yet: durable under its own name before anybody refers to it. */
  const write = async (tier: TierName, fromMs: number, toMs: number, select: string): Promise<Piece> => {
    const taken = new Set(pieces.filter((piece) => piece.tier === tier).map(({ file }) => file))
    const base = toMs - fromMs >= DAY_MS ? hourName(fromMs).slice(0, 10) : hourName(fromMs)
    let file = `${base}.parquet`
    for (let copy = 2; taken.has(file); copy++) file = `${base}.${copy}.parquet`
    const path = join(folder, tier, file)
    const rowCount = await database.write(async (connection) => {
      const result = await connection.runAndReadAll(`COPY (${select}) TO ${quoted(`${path}.new`)} ${PARQUET}`)
      return Number(result.getRows()[0]![0])
    })
    syncPath(`${path}.new`)
    renameSync(`${path}.new`, path)
    syncPath(join(folder, tier))
    return { file, tier, fromMs, toMs, rowCount, sizeBytes: statSync(path).size }
  }

  const rollUpHour = async (hourMs: number) => {
    const end = hourMs + HOUR_MS
    const raw = await write(
      'raw',
      hourMs,
      end,
      `SELECT containers.id AS container, at_ms, ${metricColumns} FROM samples JOIN containers ON samples.container = containers.number
       WHERE at_ms >= ${hourMs} AND at_ms < ${end} ORDER BY container, at_ms`,
    )
    const added = [raw]
    for (const { name, stepMs } of tiers) {
      if (name === 'raw') continue
      added.push(
        await write(
          name,
          hourMs,
          end,
          `SELECT container, at_ms // ${stepMs} * ${stepMs} AS at_ms, count(*)::INTEGER AS samples, ${aggregates}
           FROM read_parquet(${quoted(pathOf(raw))}) GROUP BY ALL ORDER BY container, at_ms`,
        ),
      )
    }
    await commit(added, [], async (connection) => {
      await connection.run(`DELETE FROM samples WHERE at_ms >= ${hourMs} AND at_ms < ${end}`)
      await connection.run(`DELETE FROM batches WHERE at_ms < ${end} AND batch < (SELECT max(batch) FROM batches)`)
    })
  }

  const unlinkDue = () => {
    for (let first = unlinkAt[0]; first !== undefined && first.atMs <= now(); first = unlinkAt[0]) {
      rmSync(first.path, { force: true })
      unlinkAt.shift()
    }
  }

  await recover()

  async function recover(): Promise<void> {
    const rows = await database.read((connection) =>
      connection.runAndReadAll('SELECT file, tier, from_ms, to_ms, row_count, size_bytes FROM pieces ORDER BY from_ms'),
    )
    const known = rows.getRows().map(
      ([file, tier, fromMs, toMs, rowCount, sizeBytes]): Piece => ({
        file: String(file),
        tier: String(tier) as TierName,
        fromMs: Number(fromMs),
        toMs: Number(toMs),
        rowCount: Number(rowCount),
        sizeBytes: Number(sizeBytes),
      }),
    )
    pieces = known.filter((piece) => existsSync(pathOf(piece)))
    const lost = known.length - pieces.length
    if (lost > 0) repairs.push(`${lost} files of history are gone from ${folder}`)
    const adopt = known.length === 0
    let adopted = 0
    for (const { name: tier } of tiers) {
      const counted = new Set(pieces.filter((piece) => piece.tier === tier).map(({ file }) => file))
      for (const file of readdirSync(join(folder, tier))) {
        if (counted.has(file)) continue
        const piece = adopt && file.endsWith('.parquet') ? await describe(tier, file) : null
        if (piece === null) rmSync(join(folder, tier, file), { force: true })
        else {
          await commit([piece], [], async () => {})
          adopted += 1
        }
      }
    }
    if (adopted > 0) repairs.push(`${adopted} files of history were taken in again after the database was lost`)
  }

  async function describe(tier: TierName, file: string): Promise<Piece | null> {
    const path = join(folder, tier, file)
    try {
      const rows = await database.read((connection) =>
        connection.runAndReadAll(`SELECT min(at_ms), max(at_ms), count(*) FROM read_parquet(${quoted(path)})`),
      )
      const [first, last, rowCount] = rows.getRows()[0]!.map(Number) as [number, number, number]
      return { file, tier, fromMs: first, toMs: last + 1, rowCount, sizeBytes: statSync(path).size }
    } catch {
      const aside = join(folder, `${tier}-${file}.damaged`)
      renameSync(path, aside)
      repairs.push(`${path} cannot be read and was set aside as ${aside}`)
      return null
    }
  }

  return {
    repairs,
    pieces: () => pieces,
    sizeBytes: () => pieces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    rollUp: () =>
      change(async () => {
        const closed = now() - HOUR_CLOSES_AFTER_MS - HOUR_MS
        const rows = await database.read((connection) =>
          connection.runAndReadAll(
            `SELECT DISTINCT at_ms // ${HOUR_MS} * ${HOUR_MS} AS hour FROM samples WHERE at_ms <= ${Math.floor(closed) + HOUR_MS - 1} ORDER BY 1`,
          ),
        )
        for (const [hour] of rows.getRows()) if (Number(hour) <= closed) await rollUpHour(Number(hour))
      }),
    merge: () =>
      change(async () => {
        for (const { name } of tiers) {
          if (name === 'raw') continue
          for (const [dayMs, parts] of daysToMerge(pieces, name, now() - DAY_CLOSES_AFTER_MS)) {
            const paths = parts.map((part) => quoted(pathOf(part))).join(', ')
            const whole = await write(
              name,
              dayMs,
              dayMs + DAY_MS,
              `SELECT * FROM read_parquet([${paths}]) ORDER BY container, at_ms`,
            )
            await commit([whole], parts, async () => {})
          }
        }
      }),
    prune: () =>
      change(async () => {
        unlinkDue()
        const past = pieces.filter(({ tier, toMs }) => {
          const keepMs = tiers.find(({ name }) => name === tier)?.keepMs ?? 0
          return toMs < now() - keepMs
        })
        if (past.length > 0) await commit([], past, async () => {})
      }),
    async read({ tier, fromMs, toMs }, run) {
      for (let attempt = 0; ; attempt++) {
        await committing
        const before = generation
        const paths = pieces
          .filter((piece) => piece.tier === tier && piece.toMs > fromMs && piece.fromMs <= toMs)
          .map(pathOf)
        const result = await run(paths)
        if ((generation === before && before % 2 === 0) || attempt === 3) return result
      }
    },
  }
}

/** Days that are over and lie in more than one piece, with their pieces. */
function daysToMerge(pieces: readonly Piece[], tier: TierName, closedMs: number): Map<number, Piece[]> {
  const days = new Map<number, Piece[]>()
  for (const piece of pieces) {
    const dayMs = Math.floor(piece.fromMs / DAY_MS) * DAY_MS
    if (piece.tier !== tier || dayMs + DAY_MS > closedMs) continue
    days.set(dayMs, [...(days.get(dayMs) ?? []), piece])
  }
  for (const [dayMs, parts] of days) if (parts.length < 2) days.delete(dayMs)
  return days
}
