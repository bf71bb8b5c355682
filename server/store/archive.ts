import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { messageOf } from '../errors.ts'
import { takeStock } from './archive-stock.ts'
import type { Database } from './database.ts'
import {
  asideOf,
  checksumOf,
  DAY_MS,
  deletePiece,
  HOUR_MS,
  insertPiece,
  type Piece,
  pathIn,
  pieceName,
  QUARTER_MS,
  quoted,
  syncPath,
} from './piece-files.ts'
import { STORED_METRICS } from './stored-metrics.ts'
import type { Tier, TierName } from './tiers.ts'

export type { Piece } from './piece-files.ts'

export type Archive = {
  /** Moves every hour that is over out of the database into pieces of all tiers. Rejects where the disk refuses; nothing is lost then. */
  rollUp(): Promise<void>
  /** Makes one piece of a quarter of a day's pieces, and one of a day's. */
  merge(): Promise<void>
  /**
   * Removes pieces past their retention, and gives their space back. A clock alone is not believed: a piece goes only
   * when the clock says that it is too old *and* as much time as it is to be kept was recorded after it. So a clock that
   * jumps ahead removes nothing, and time in which nothing was recorded does not count.
   */
  prune(): Promise<void>
  /**
   * Runs a query over the files of a tier that overlap a period. The rows still in the database and these files together
   * are complete: the query is repeated where an hour moved meanwhile. A damaged file is set aside and the rest is read.
   */
  read<T>(query: { tier: TierName; fromMs: number; toMs: number }, run: (paths: string[]) => Promise<T>): Promise<T>
  pieces(): readonly Piece[]
  sizeBytes(): number
  /** What had to be set aside or is missing since the last run. */
  readonly repairs: readonly string[]
}

/** The last samples of an hour arrive a little after its end. */
const HOUR_CLOSES_AFTER_MS = 60_000
/** By then the last of its hours is in the archive. */
const MERGED_AFTER_MS = 2 * HOUR_MS

/** A removed file stays this long, for queries that began before. */
const UNLINK_AFTER_MS = 60_000

/** A query is begun so often anew when the archive changes beneath it. */
const MOST_ATTEMPTS = 4

const metricColumns = STORED_METRICS.map(({ name }) => `"${name}"`).join(', ')

/** Minimum, mean, maximum and 95th percentile of every metric that goes into the longer tiers. */
const aggregates = STORED_METRICS.filter(({ coarse }) => coarse)
  .map(
    ({ name }) =>
      `min("${name}") AS "${name}Min", round(avg("${name}"))::INTEGER AS "${name}", max("${name}") AS "${name}Max", ` +
      `round(quantile_cont("${name}", 0.95))::INTEGER AS "${name}P95"`,
  )
  .join(', ')

/**
 * History beside the database: each hour that is over becomes one compressed, sorted Parquet file per tier. The table
 * `pieces` says which files count; a row there and the removal of the samples it replaces are one transaction, so a
 * crash repeats no bucket and loses none. What files and table disagree about is settled at the start.
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
  /** Pieces that count no more, whose files are still there. */
  let leaving: { piece: Piece; atMs: number }[] = []
  /** Files of a commit that failed: it may have been stored all the same, so the database is asked before the next. */
  let doubtful: Piece[] = []
  /** Pieces whose files were read whole by this program and found as they were written. */
  const verified = new Set<Piece>()
  /** Odd while a change of the table and the files is being committed. */
  let generation = 0
  let committing: Promise<unknown> = Promise.resolve()
  let changing: Promise<unknown> = Promise.resolve()
  const pathOf = (piece: Pick<Piece, 'tier' | 'file'>) => pathIn(folder, piece)
  for (const { name } of tiers) mkdirSync(join(folder, name), { recursive: true })

  /** Changes files and table together; readers wait for it or look again. */
  const change = (job: () => Promise<void>): Promise<void> => {
    const turn = changing.then(async () => {
      await settle()
      await job()
    })
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
      for (const piece of added) await insertPiece(connection, piece)
      for (const { file, tier } of removed) {
        await connection.run(`UPDATE pieces SET removed = true WHERE file = ${quoted(file)} AND tier = ${quoted(tier)}`)
      }
      await also(connection)
    })
    committing = written.catch(() => {})
    try {
      await written
      const gone = new Set(removed)
      pieces = [...pieces.filter((piece) => !gone.has(piece)), ...added]
      for (const piece of removed) leaving.push({ piece, atMs: now() + UNLINK_AFTER_MS })
    } catch (error) {
      doubtful.push(...added, ...removed)
      throw error
    } finally {
      generation += 1
    }
  }

  /** After a commit that failed the table says what counts; files that it does not know are removed. */
  async function settle(): Promise<void> {
    if (doubtful.length === 0) return
    const asked = doubtful
    const { counting, removed } = await readPieces(database)
    const same = (a: Piece) => (b: Piece) => a.file === b.file && a.tier === b.tier
    pieces = counting.map((piece) => pieces.find(same(piece)) ?? piece)
    leaving = removed.map((piece) => leaving.find((one) => same(piece)(one.piece)) ?? { piece, atMs: now() })
    for (const piece of asked)
      if (!counting.some(same(piece)) && !removed.some(same(piece))) rmSync(pathOf(piece), { force: true })
    doubtful = []
  }

  /** A name that no file of these tiers has: the files of one hour are known by one name in all tiers. */
  const freeName = (among: readonly Pick<Tier, 'name'>[], fromMs: number, toMs: number): string => {
    const held = [...pieces, ...leaving.map(({ piece }) => piece)].filter(({ tier }) =>
      among.some(({ name }) => name === tier),
    )
    const taken = new Set(held.map(({ file }) => file))
    for (let copy = 1; ; copy++) {
      const file = pieceName(fromMs, toMs, copy)
      if (!taken.has(file) && !among.some(({ name }) => existsSync(pathOf({ tier: name, file })))) return file
    }
  }

  /** Writes a query's result as a piece that does not count yet: durable under its own name before anybody refers to it. */
  const write = async (
    piece: Pick<Piece, 'file' | 'tier' | 'fromMs' | 'toMs'>,
    select: string,
    replaces: readonly Piece[] = [],
  ): Promise<Piece> => {
    const path = pathOf(piece)
    const names = replaces.map(({ file, sizeBytes }) => `${file}:${sizeBytes}`).join(' ')
    const format = `(FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, KV_METADATA {replaces: ${quoted(names)}})`
    try {
      const rowCount = await database.write(async (connection) => {
        const result = await connection.runAndReadAll(`COPY (${select}) TO ${quoted(`${path}.new`)} ${format}`)
        return Number(result.getRows()[0]![0])
      })
      syncPath(`${path}.new`)
      const crc32 = await checksumOf(`${path}.new`)
      renameSync(`${path}.new`, path)
      syncPath(join(folder, piece.tier))
      return { ...piece, rowCount, sizeBytes: statSync(path).size, crc32 }
    } catch (error) {
      rmSync(`${path}.new`, { force: true })
      rmSync(path, { force: true })
      throw error
    }
  }

  const writeCoarse = (raw: Piece, { name, stepMs }: Tier): Promise<Piece> =>
    write(
      { ...raw, tier: name },
      `SELECT container, at_ms // ${stepMs} * ${stepMs} AS at_ms, count(*)::INTEGER AS samples, ${aggregates}
       FROM read_parquet(${quoted(pathOf(raw))}) GROUP BY ALL ORDER BY container, at_ms`,
    )

  const rollUpHour = async (hourMs: number) => {
    const end = hourMs + HOUR_MS
    const within = `at_ms >= ${hourMs} AND at_ms < ${end}`
    const added: Piece[] = []
    try {
      const raw = await write(
        { tier: 'raw', file: freeName(tiers, hourMs, end), fromMs: hourMs, toMs: end },
        `SELECT containers.id AS container, at_ms, ${metricColumns} FROM samples JOIN containers ON samples.container = containers.number
         WHERE ${within} ORDER BY container, at_ms`,
      )
      added.push(raw)
      for (const tier of tiers) if (tier.name !== 'raw') added.push(await writeCoarse(raw, tier))
    } catch (error) {
      for (const piece of added) rmSync(pathOf(piece), { force: true })
      throw error
    }
    await commit(added, [], async (connection) => {
      const counted = await connection.runAndReadAll(`SELECT count(*) FROM samples WHERE ${within}`)
      // Samples can come for this hour while it is being written, when the clock was set back.
      if (Number(counted.getRows()[0]![0]) !== added[0]!.rowCount) throw new Error('samples came meanwhile')
      await connection.run(`DELETE FROM samples WHERE ${within}`)
      await connection.run(`DELETE FROM batches WHERE at_ms < ${end} AND batch < (SELECT max(batch) FROM batches)`)
    })
    for (const piece of added) verified.add(piece)
  }

  const unlinkDue = async () => {
    const due = leaving.filter(({ atMs }) => atMs <= now())
    if (due.length === 0) return
    for (const { piece } of due) rmSync(pathOf(piece), { force: true })
    await forget(due.map(({ piece }) => piece))
    leaving = leaving.filter((one) => !due.includes(one))
  }

  const forget = (gone: readonly Piece[]) =>
    database.write(async (connection) => {
      for (const piece of gone) await deletePiece(connection, piece)
    })

  /** Why a piece's file is not what was written, or `null`. */
  const faultOf = async (piece: Piece): Promise<string | null> => {
    if (verified.has(piece)) return null
    try {
      if (piece.crc32 !== null && (await checksumOf(pathOf(piece))) !== piece.crc32) return 'is damaged'
      if (piece.crc32 === null) {
        const result = await database.read((connection) =>
          connection.runAndReadAll(`SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(${quoted(pathOf(piece))})`),
        )
        result.getRows()
      }
    } catch (error) {
      return `cannot be read (${messageOf(error)})`
    }
    verified.add(piece)
    return null
  }

  /** Those of some pieces whose files are as they were written; the others are set aside and said. */
  const sound = async (chosen: readonly Piece[]): Promise<Piece[]> => {
    const good: Piece[] = []
    for (const piece of chosen) {
      const fault = await faultOf(piece)
      if (fault === null) good.push(piece)
      else if (pieces.includes(piece)) await setAside(piece, fault)
    }
    return good
  }

  const setAside = async (piece: Piece, fault: string) => {
    const path = pathOf(piece)
    const period = new Date(piece.fromMs).toISOString().slice(0, piece.toMs - piece.fromMs >= DAY_MS ? 10 : 13)
    const what = `${piece.rowCount} rows of history (${piece.tier}, ${period}) are missing: ${path}`
    pieces = pieces.filter((one) => one !== piece)
    generation += 2
    if (existsSync(path)) {
      const aside = asideOf(folder, piece)
      renameSync(path, aside)
      repairs.push(`${what} ${fault} and was set aside as ${aside}`)
    } else repairs.push(`${what} is gone`)
    // Where the disk refuses, the next start finds that the file is gone.
    await forget([piece]).catch(() => {})
  }

  const stock = await takeStock({
    database,
    folder,
    tiers,
    ...(await readPieces(database)),
    writeCoarse,
  })
  pieces = stock.pieces
  repairs.push(...stock.repairs)

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
          // A day that is over is not written twice.
          for (const spanMs of [DAY_MS, QUARTER_MS])
            for (const [fromMs, candidates] of periodsToMerge(pieces, name, spanMs, now() - MERGED_AFTER_MS)) {
              const parts = await sound(candidates)
              if (parts.length < 2) continue
              const paths = parts.map((part) => quoted(pathOf(part))).join(', ')
              const toMs = fromMs + spanMs
              const whole = { tier: name, fromMs, toMs, file: freeName([{ name }], fromMs, toMs) }
              const select = `SELECT * FROM read_parquet([${paths}]) ORDER BY container, at_ms`
              await commit([await write(whole, select, parts)], parts, async () => {})
            }
        }
      }),
    prune: () =>
      change(async () => {
        await unlinkDue()
        const past = tiers.flatMap(({ name, keepMs }) =>
          pastRetention(
            pieces.filter(({ tier }) => tier === name),
            now(),
            keepMs,
          ),
        )
        if (past.length > 0) await commit([], past, async () => {})
      }),
    async read({ tier, fromMs, toMs }, run) {
      for (let attempt = 1; ; attempt++) {
        await committing
        if (doubtful.length > 0) await change(async () => {})
        const chosen = pieces.filter((piece) => piece.tier === tier && piece.toMs > fromMs && piece.fromMs <= toMs)
        const before = generation
        const faults = await Promise.all(chosen.map(faultOf))
        if (faults.some((fault) => fault !== null) && attempt < MOST_ATTEMPTS) {
          await change(async () => void (await sound(chosen)))
          continue
        }
        const unchanged = () => generation === before && before % 2 === 0
        try {
          const result = await run(chosen.filter((_, index) => faults[index] === null).map(pathOf))
          if (unchanged() || attempt >= MOST_ATTEMPTS) return result
        } catch (error) {
          if (attempt >= MOST_ATTEMPTS) throw error
          for (const piece of chosen) verified.delete(piece)
          const again = await Promise.all(chosen.map(faultOf))
          if (unchanged() && again.every((fault) => fault === null)) throw error
        }
      }
    },
  }
}

/** The table `pieces`: those that count, and those that count no more and may still have a file. */
async function readPieces(database: Database): Promise<{ counting: Piece[]; removed: Piece[] }> {
  const rows = await database.read((connection) =>
    connection.runAndReadAll(
      'SELECT file, tier, from_ms, to_ms, row_count, size_bytes, crc32, removed FROM pieces ORDER BY from_ms, file',
    ),
  )
  const counting: Piece[] = []
  const removed: Piece[] = []
  for (const [file, tier, fromMs, toMs, rowCount, sizeBytes, crc32, isRemoved] of rows.getRows()) {
    const piece: Piece = {
      file: String(file),
      tier: String(tier) as TierName,
      fromMs: Number(fromMs),
      toMs: Number(toMs),
      rowCount: Number(rowCount),
      sizeBytes: Number(sizeBytes),
      crc32: crc32 === null ? null : Number(crc32),
    }
    ;(isRemoved === true ? removed : counting).push(piece)
  }
  return { counting, removed }
}

/** Periods of a length that are over and lie in more than one piece, with their pieces. */
function periodsToMerge(
  pieces: readonly Piece[],
  tier: TierName,
  spanMs: number,
  closedMs: number,
): Map<number, Piece[]> {
  const within = pieces.filter(
    (piece) =>
      piece.tier === tier && piece.toMs - piece.fromMs <= spanMs && periodFrom(piece, spanMs) + spanMs <= closedMs,
  )
  const periods = Map.groupBy(within, (piece) => periodFrom(piece, spanMs))
  for (const [fromMs, parts] of periods) if (parts.length < 2) periods.delete(fromMs)
  return periods
}

const periodFrom = ({ fromMs }: Piece, spanMs: number) => Math.floor(fromMs / spanMs) * spanMs

/** Those of a tier's pieces that are too old by the clock, and have a whole retention of recorded time after them. */
function pastRetention(pieces: readonly Piece[], nowMs: number, keepMs: number): Piece[] {
  const newestFirst = [...pieces].sort((a, b) => b.toMs - a.toMs)
  const past: Piece[] = []
  let recordedMs = 0
  let reachedMs = Number.POSITIVE_INFINITY
  for (const piece of newestFirst) {
    const endMs = Math.min(piece.toMs, reachedMs)
    const afterMs = piece.toMs <= reachedMs ? recordedMs : recordedMs - (piece.toMs - reachedMs)
    if (piece.toMs < nowMs - keepMs && afterMs >= keepMs) past.push(piece)
    recordedMs += Math.max(0, endMs - piece.fromMs)
    reachedMs = Math.min(reachedMs, piece.fromMs)
  }
  return past
}
