import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api'
import { messageOf } from '../errors.ts'
import type { Database } from './database.ts'
import { encode, type Observation, STORED_METRICS } from './stored-metrics.ts'

export type SampleStore = AsyncDisposable & {
  /** Stores one second of all containers as one batch. Never rejects: what cannot be stored is counted and said. */
  append(atMs: number, observations: readonly Observation[]): Promise<void>
  /** Forgets containers without samples in the running hours. Rejects where the disk refuses; nothing is lost then. */
  prune(): Promise<void>
  /** Samples that could not be stored since the start, and why the newest could not; `null` when all is well. */
  readonly dropped: { count: number; reason: string | null }
  /** What is missing since the last run, or `null`. */
  readonly missing: string | null
}

/** Appends a row in the column order of the table `samples`. */
function appendRow(appender: DuckDBAppender, container: number, observation: Observation): void {
  appender.appendBigInt(BigInt(Math.round(observation.sample.at)))
  appender.appendInteger(container)
  for (const metric of STORED_METRICS) {
    const value = encode(metric, metric.of(observation))
    if (value === null) appender.appendNull()
    else appender.appendInteger(value)
  }
  appender.endRow()
}

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

/** What the database holds: the numbers of containers by id, and the newest batch. */
async function readStored(connection: DuckDBConnection): Promise<{ numberOf: Map<string, number>; newest: number }> {
  const known = await connection.runAndReadAll('SELECT id, number FROM containers')
  const last = await connection.runAndReadAll('SELECT coalesce(max(batch), 0) FROM batches')
  return {
    numberOf: new Map(known.getRows().map(([id, number]) => [String(id), Number(number)])),
    newest: Number(last.getRows()[0]![0]),
  }
}

function highest(numberOf: ReadonlyMap<string, number>): number {
  let number = 0
  for (const one of numberOf.values()) number = Math.max(number, one)
  return number
}

/** The store of samples: one batch a second, numbered, so that a gap is known. `acknowledgedPath` is a small file. */
export async function openSampleStore(database: Database, acknowledgedPath: string): Promise<SampleStore> {
  let { numberOf, newest } = await database.read(readStored)
  /** Samples of a write that failed: it may have been stored all the same, so the database is asked before the next. */
  let doubtful = 0
  const acknowledged = readAcknowledged(acknowledgedPath)
  const lost = acknowledged === null ? 0 : acknowledged - newest
  const missing =
    lost > 0
      ? `${lost} seconds of samples written before the last stop are missing (batches ${newest + 1} to ${acknowledged})`
      : null
  let acknowledgement: number | null = openSync(acknowledgedPath, constants.O_RDWR | constants.O_CREAT, 0o644)
  const dropped: { count: number; reason: string | null } = { count: 0, reason: null }
  let batch = Math.max(newest, acknowledged ?? 0)

  /** On a full disk the number stays behind: then a cut log goes unnoticed, and nothing else is wrong. */
  const acknowledge = () => {
    if (acknowledgement === null) return
    try {
      writeSync(acknowledgement, String(batch).padStart(16), 0)
    } catch {}
  }
  acknowledge()

  return {
    dropped,
    missing,
    async append(atMs, observations) {
      if (observations.length === 0) return
      try {
        let fresh = new Map<string, number>()
        await database.write(async (connection) => {
          if (doubtful > 0) {
            ;({ numberOf, newest } = await readStored(connection))
            if (newest > batch) dropped.count -= doubtful
            batch = Math.max(batch, newest)
            doubtful = 0
          }
          const added = new Map<string, number>()
          let newestNumber = 0
          for (const { sample, containerKey, containerName } of observations) {
            if (numberOf.has(sample.containerId) || added.has(sample.containerId)) continue
            if (added.size === 0) newestNumber = highest(numberOf)
            const number = newestNumber + added.size + 1
            added.set(sample.containerId, number)
            await connection.run('INSERT INTO containers VALUES ($1, $2, $3, $4, $5)', [
              number,
              sample.containerId,
              containerKey,
              containerName,
              BigInt(Math.round(sample.at)),
            ])
          }
          const appender = await connection.createAppender('samples')
          try {
            for (const one of observations) {
              const { containerId } = one.sample
              appendRow(appender, (numberOf.get(containerId) ?? added.get(containerId))!, one)
            }
          } finally {
            // One that is left open writes its rows when it is collected, after the transaction.
            appender.closeSync()
          }
          await connection.run(`INSERT INTO batches VALUES (${batch + 1}, ${Math.round(atMs)}, ${observations.length})`)
          fresh = added
        })
        for (const [id, number] of fresh) numberOf.set(id, number)
        batch += 1
        acknowledge()
        dropped.reason = null
      } catch (error) {
        if (doubtful === 0) doubtful = observations.length
        dropped.count += observations.length
        dropped.reason = messageOf(error)
      }
    },
    async prune() {
      let kept = numberOf
      await database.write(async (connection) => {
        await connection.run('DELETE FROM containers WHERE number NOT IN (SELECT container FROM samples)')
        kept = (await readStored(connection)).numberOf
      })
      numberOf = kept
    },
    async [Symbol.asyncDispose]() {
      if (acknowledgement !== null) closeSync(acknowledgement)
      acknowledgement = null
    },
  }
}
