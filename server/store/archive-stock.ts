import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { messageOf } from '../errors.ts'
import type { Database } from './database.ts'
import { asideOf, checksumOf, deletePiece, insertPiece, type Piece, pathIn, periodOf, quoted } from './piece-files.ts'
import type { Tier, TierName } from './tiers.ts'

/** A readable file that the table does not know. `replaces` are the pieces it was merged from. */
type Found = Piece & { replaces: readonly string[] }

type Parts = {
  database: Database
  folder: string
  tiers: readonly Tier[]
  counting: readonly Piece[]
  removed: readonly Piece[]
  writeCoarse: (raw: Piece, tier: Tier) => Promise<Piece>
}

const keyOf = ({ file, sizeBytes }: Piece) => `${file}:${sizeBytes}`

/**
 * Compares the files with the table `pieces` at the start. A file that the table does not know is the leaving of a crash
 * where everything in it is still in the database or in other files, and is removed. Otherwise the database forgot it,
 * with its log or as a whole, and it is taken in again; samples that came back into the database from before are
 * removed there then. Files that are gone or cannot be read are said.
 */
export async function takeStock(parts: Parts): Promise<{ pieces: Piece[]; repairs: string[] }> {
  const { database, folder, tiers, counting, removed, writeCoarse } = parts
  const repairs: string[] = []
  const pathOf = (piece: Pick<Piece, 'tier' | 'file'>) => pathIn(folder, piece)
  const remove = (piece: Pick<Piece, 'tier' | 'file'>) => rmSync(pathOf(piece), { force: true })
  const ask = async (sql: string) =>
    (await database.read((connection) => connection.runAndReadAll(sql))).getRows() as unknown[][]

  const forget = (gone: readonly Piece[]) =>
    database.write(async (connection) => {
      for (const piece of gone) await deletePiece(connection, piece)
    })

  for (const piece of removed) remove(piece)
  const gone: Piece[] = []
  let pieces: Piece[] = []
  for (const piece of counting) {
    const path = pathOf(piece)
    if (!existsSync(path)) gone.push(piece)
    else if (statSync(path).size === piece.sizeBytes) pieces.push(piece)
    else {
      const aside = asideOf(folder, piece)
      renameSync(path, aside)
      repairs.push(`${piece.rowCount} rows of history are missing: ${path} is damaged and was set aside as ${aside}`)
      await forget([piece]).catch(() => {})
    }
  }
  if (gone.length > 0)
    repairs.push(
      `${gone.length} files of history are gone from ${folder}: ${gone.map(({ tier, file }) => `${tier}/${file}`).join(', ')}`,
    )
  // Where the disk refuses, the next start sees the same again.
  if (gone.length + removed.length > 0) await forget([...gone, ...removed]).catch(() => {})

  /** The pieces that one was merged from, as the file itself says. */
  const replacedBy = async (piece: Pick<Piece, 'tier' | 'file'>): Promise<string[]> => {
    const rows = await ask(
      `SELECT decode(value) FROM parquet_kv_metadata(${quoted(pathOf(piece))}) WHERE decode(key) = 'replaces'`,
    )
    return String(rows[0]?.[0] ?? '')
      .split(' ')
      .filter((name) => name !== '')
  }

  const describe = async (tier: TierName, file: string): Promise<Found | null> => {
    const path = pathOf({ tier, file })
    const period = periodOf(file)
    try {
      if (period === null) throw new Error('not a name of a piece')
      const [[rowCount]] = (await ask(
        `SELECT count(*), bit_xor(hash(COLUMNS(*))) FROM read_parquet(${quoted(path)})`,
      )) as [[unknown]]
      const replaces = await replacedBy({ tier, file })
      const sizeBytes = statSync(path).size
      return { tier, file, ...period, rowCount: Number(rowCount), sizeBytes, crc32: await checksumOf(path), replaces }
    } catch {
      const aside = asideOf(folder, { tier, file })
      renameSync(path, aside)
      repairs.push(`${path} cannot be read and was set aside as ${aside}`)
      return null
    }
  }

  const strangers: Found[] = []
  for (const { name: tier } of tiers) {
    const counted = new Set(pieces.filter((piece) => piece.tier === tier).map(({ file }) => file))
    for (const file of readdirSync(join(folder, tier)).sort()) {
      if (counted.has(file)) continue
      const found = file.endsWith('.parquet') ? await describe(tier, file) : null
      if (found === null) remove({ tier, file })
      else strangers.push(found)
    }
  }
  if (strangers.length === 0) return { pieces, repairs }

  let adopted = 0
  /** In one transaction: the table knows these pieces from now on, and others no more. */
  const adopt = async (
    added: readonly Piece[],
    instead: readonly Piece[] = [],
    also: (connection: DuckDBConnection) => Promise<void> = async () => {},
  ) => {
    try {
      await database.write(async (connection) => {
        for (const piece of added) await insertPiece(connection, piece)
        for (const one of instead) await deletePiece(connection, one)
        await also(connection)
      })
    } catch (error) {
      const paths = added.map(pathOf).join(', ')
      repairs.push(`${paths} could not be taken in again and waits for the next start: ${messageOf(error)}`)
      return
    }
    instead.forEach(remove)
    pieces = [...pieces.filter((one) => !instead.includes(one)), ...added]
    adopted += added.length
  }

  const leavings = new Set<string>()
  for (const raw of strangers.filter(({ tier }) => tier === 'raw')) {
    const rows = `SELECT container, at_ms FROM read_parquet(${quoted(pathOf(raw))})`
    const [[first, last]] = (await ask(`SELECT coalesce(min(at_ms), 0), coalesce(max(at_ms), 0) FROM (${rows})`)) as [
      [unknown, unknown],
    ]
    const others = pieces.filter(
      ({ tier, fromMs, toMs }) => tier === 'raw' && fromMs <= Number(last) && toMs > Number(first),
    )
    const held = [
      `SELECT containers.id, at_ms FROM samples JOIN containers ON samples.container = containers.number WHERE at_ms BETWEEN ${first} AND ${last}`,
      ...others.map((other) => `SELECT container, at_ms FROM read_parquet(${quoted(pathOf(other))})`),
    ].join(' UNION ALL ')
    const [[forgotten]] = (await ask(`SELECT count(*) FROM (${rows} EXCEPT (${held}))`)) as [[unknown]]
    if (Number(forgotten) === 0) {
      leavings.add(raw.file)
      remove(raw)
      continue
    }
    await adopt([raw], [], async (connection) => {
      await connection.run(
        `DELETE FROM samples USING (SELECT DISTINCT containers.number, archived.at_ms FROM (${rows}) AS archived
           JOIN containers ON containers.id = archived.container) AS archived
         WHERE samples.container = archived.number AND samples.at_ms = archived.at_ms`,
      )
    })
  }

  for (const tier of tiers) {
    if (tier.name === 'raw') continue
    const ofTier = strangers.filter((one) => one.tier === tier.name)
    const known = pieces.filter((one) => one.tier === tier.name)
    if (ofTier.length === 0) continue
    const isCounted = (name: string) => known.some((piece) => keyOf(piece) === name)
    /** What was merged already; a merger that the table does not know does not count while it knows all the parts. */
    const merged = new Set<string>()
    for (const piece of known) for (const name of await replacedBy(piece).catch(() => [])) merged.add(name)
    for (const { replaces } of ofTier) if (!replaces.every(isCounted)) for (const name of replaces) merged.add(name)
    const added: Found[] = []
    for (const one of ofTier) {
      const unfinished = one.replaces.length > 0 && one.replaces.every(isCounted)
      if (unfinished || leavings.has(one.file) || merged.has(keyOf(one))) remove(one)
      else added.push(one)
    }
    const instead = known.filter((part) => added.some(({ replaces }) => replaces.includes(keyOf(part))))
    if (added.length > 0) await adopt(added, instead)
  }

  for (const raw of strangers.filter(({ tier, file }) => tier === 'raw' && !leavings.has(file))) {
    for (const tier of tiers) {
      const covered = pieces.some(
        ({ tier: name, fromMs, toMs }) => name === tier.name && fromMs < raw.toMs && toMs > raw.fromMs,
      )
      if (!covered) await adopt([await writeCoarse(raw, tier)])
    }
  }
  if (adopted > 0) repairs.push(`${adopted} files of history were taken in again after the database was lost`)
  return { pieces, repairs }
}
