import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { messageOf } from '../errors.ts'
import { encodeBatch } from './batch.ts'
import type { Database } from './database.ts'
import { insert } from './insert.ts'
import { openJournal } from './journal.ts'
import type { Observation } from './stored-metrics.ts'

export type SampleStore = AsyncDisposable & {
  /** Stores one second of all containers as one batch. Never rejects: what cannot be stored is counted and said. */
  append(atMs: number, observations: readonly Observation[]): Promise<void>
  /** Brings all batches into the database. Rejects where the disk refuses; nothing is lost then. */
  flush(): Promise<void>
  /** Forgets containers without samples in the running hours. Rejects where the disk refuses; nothing is lost then. */
  prune(): Promise<void>
  /** Samples that could not be stored since the start, and why the newest could not; `null` when all is well. */
  readonly dropped: { count: number; reason: string | null }
  /** What is missing since the last run, or `null`. */
  readonly missing: string | null
}

/** A transaction costs as much as many rows: the journal keeps batches until there are so many. */
const FLUSH_AFTER_BATCHES = 30

/**
 * A container that was not seen for so many batches, or twice as many at the most, is forgotten: thousands come and go. One
 * that comes back gets another number, and has both.
 */
const FORGET_AFTER_BATCHES = 120

/** While the database refuses them, no more than so many wait; then the oldest are dropped and counted. */
const MOST_WAITING_BATCHES = 120

/**
 * The acknowledged batch number stands beside the database too, because a write-ahead log that was cut short opens
 * without a word. Written without fsync: it has to survive the end of the process, not of the machine.
 */
function readAcknowledged(path: string): number | null {
  try {
    const number = Number(readFileSync(path, 'utf8').trim())
    return Number.isSafeInteger(number) && number >= 0 ? number : null
  } catch {
    return null
  }
}

type Stored = { numberOf: Map<string, number>; numbers: Set<number>; newest: number }

/** What the database holds: a number of each container by id, all numbers (one id can have two), and the newest batch. */
async function readStored(connection: DuckDBConnection): Promise<Stored> {
  const known = (await connection.runAndReadAll('SELECT id, number FROM containers')).getRows()
  const last = await connection.runAndReadAll('SELECT coalesce(max(batch), 0) FROM batches')
  return {
    numberOf: new Map(known.map(([id, number]) => [String(id), Number(number)])),
    numbers: new Set(known.map(([, number]) => Number(number))),
    newest: Number(last.getRows()[0]![0]),
  }
}

/**
 * The store of samples: one batch a second, numbered, so that a gap is known and none is stored twice. A batch is
 * acknowledged when the journal has it on disk; the database takes many at once. Keeps two small files in `folder`.
 */
export async function openSampleStore(database: Database, folder: string): Promise<SampleStore> {
  const { journal, left } = openJournal(join(folder, 'batches.journal'))
  const acknowledgedPath = join(folder, 'batches.acknowledged')
  const acknowledged = readAcknowledged(acknowledgedPath)
  const acknowledgement = openSync(acknowledgedPath, constants.O_RDWR | constants.O_CREAT, 0o644)
  const dropped: { count: number; reason: string | null } = { count: 0, reason: null }

  const { newest, ...known } = await database.read(readStored)
  let { numberOf } = known
  /** Of those not seen for a while. */
  let earlier: ReadonlyMap<string, number> = new Map()
  let forgotAtBatch = newest
  /** Containers that the database has, and those that the journal names: what is to be read has to stand there. */
  let stored = known.numbers
  const named = new Set<number>()
  /** In the journal and not yet in the database, oldest first. */
  let waiting = left.filter(({ number }) => number > newest)
  /** A write failed, and may have been stored all the same: the database is asked before the next. */
  let doubtful = false
  let closed = false
  let turns: Promise<unknown> = Promise.resolve()
  for (const { id, number } of left.flatMap(({ containers }) => containers)) {
    numberOf.set(id, number)
    named.add(number)
  }
  // Spread over arguments ten thousand numbers would be too many.
  let highest = [...stored, ...named].reduce((a, b) => Math.max(a, b), 0)

  const oldestKept = waiting[0]?.number ?? newest + 1
  const newestKept = waiting.at(-1)?.number ?? newest
  const between = oldestKept - newest - 1
  const after = acknowledged === null ? 0 : Math.max(0, acknowledged - newestKept)
  const missing =
    between + after > 0
      ? `${between + after} ${between + after === 1 ? 'second' : 'seconds'} of samples written before the last stop are missing (batches ${between > 0 ? newest + 1 : newestKept + 1} to ${after > 0 ? acknowledged : oldestKept - 1})`
      : null
  let batch = newestKept

  /** On a full disk the number stays behind: then a cut log goes unnoticed, and nothing else is wrong. */
  const acknowledge = () => {
    try {
      writeSync(acknowledgement, String(batch).padStart(16), 0)
    } catch {}
  }
  acknowledge()

  const inTurn = <T>(job: () => Promise<T>): Promise<T> => {
    const done = turns.then(job)
    turns = done.catch(() => {})
    return done
  }

  const numberFor = (containerId: string): number => {
    const known = numberOf.get(containerId)
    if (known !== undefined) return known
    const number = earlier.get(containerId) ?? ++highest
    numberOf.set(containerId, number)
    return number
  }

  const forget = () => {
    if (batch - forgotAtBatch < FORGET_AFTER_BATCHES) return
    const kept = new Set(numberOf.values())
    stored = new Set(stored.values().filter((number) => kept.has(number)))
    earlier = numberOf
    numberOf = new Map()
    forgotAtBatch = batch
  }

  const writeWaiting = async () => {
    if (waiting.length === 0) return
    try {
      await database.write(async (connection) => {
        if (doubtful) {
          const { numbers, newest } = await readStored(connection)
          waiting = waiting.filter(({ number }) => number > newest)
          stored = numbers
          doubtful = false
        }
        if (waiting.length > 0) await insert(connection, waiting, stored)
      })
    } catch (error) {
      doubtful = true
      dropped.reason = messageOf(error)
      throw error
    }
    for (const { containers } of waiting) for (const { number } of containers) stored.add(number)
    waiting = []
    dropped.reason = null
    forget()
    // Batches that the database has are passed over at the next start: a journal that stays is no harm.
    try {
      journal.clear()
      named.clear()
    } catch {}
  }

  const dropOldest = () => {
    while (waiting.length > MOST_WAITING_BATCHES) dropped.count += waiting.shift()!.timesMs.length
  }

  return {
    dropped,
    missing,
    append: (atMs, observations) =>
      inTurn(async () => {
        if (observations.length === 0) return
        try {
          const encoded = encodeBatch(observations, { number: batch + 1, atMs, numberFor, named })
          await journal.append(encoded)
          batch += 1
          acknowledge()
          waiting.push(encoded)
          for (const { number } of encoded.containers) named.add(number)
          if (!doubtful) dropped.reason = null
        } catch (error) {
          dropped.count += observations.length
          dropped.reason = messageOf(error)
          return
        }
        if (waiting.length >= FLUSH_AFTER_BATCHES) await writeWaiting().catch(dropOldest)
      }),
    flush: () => inTurn(writeWaiting),
    prune: () =>
      inTurn(async () => {
        await writeWaiting()
        try {
          const result = await database.write((connection) =>
            connection.runAndReadAll(
              'DELETE FROM containers WHERE number NOT IN (SELECT container FROM samples) RETURNING number',
            ),
          )
          for (const [number] of result.getRows()) stored.delete(Number(number))
        } catch (error) {
          doubtful = true
          throw error
        }
        // A journal that could not be cleared may name containers that are forgotten now.
        named.clear()
      }),
    async [Symbol.asyncDispose]() {
      if (closed) return
      await inTurn(writeWaiting).catch(() => {})
      closed = true
      journal.close()
      closeSync(acknowledgement)
    },
  }
}
