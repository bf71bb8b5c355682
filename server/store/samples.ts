import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { DuckDBAppender } from '@duckdb/node-api'
import type { Assessment } from '../contracts/assessment.ts'
import type { Sample } from '../contracts/telemetry.ts'
import { messageOf } from '../errors.ts'
import type { Database } from './database.ts'

/** One container's second: what was seen and what was thought of it. */
export type Observation = { containerKey: string; containerName: string; sample: Sample; assessment: Assessment }

export type SampleStore = AsyncDisposable & {
  /** Stores one second of all containers as one batch. Never rejects: what cannot be stored is counted and said. */
  append(atMs: number, observations: readonly Observation[]): Promise<void>
  /** Deletes what is older than `beforeMs`, and gives the space back for reuse. */
  prune(beforeMs: number): Promise<void>
  /** Samples that could not be stored since the start, and why the newest could not; `null` when all is well. */
  readonly dropped: { count: number; reason: string | null }
  /** What is missing since the last run, or `null`. */
  readonly missing: string | null
}

function appendNumber(appender: DuckDBAppender, kind: 'FLOAT' | 'DOUBLE', value: number | null | undefined): void {
  if (value === null || value === undefined || !Number.isFinite(value)) appender.appendNull()
  else if (kind === 'FLOAT') appender.appendFloat(value)
  else appender.appendDouble(value)
}

/** Appends a row in the column order of the table `samples`. */
function appendRow(appender: DuckDBAppender, container: number, { sample, assessment }: Observation): void {
  appender.appendBigInt(BigInt(Math.round(sample.at)))
  appender.appendInteger(container)
  appendNumber(appender, 'FLOAT', sample.cpuCores)
  appendNumber(appender, 'FLOAT', sample.throttledShare)
  appendNumber(appender, 'DOUBLE', sample.workingSetBytes)
  appendNumber(appender, 'DOUBLE', sample.unreclaimableBytes)
  appendNumber(appender, 'DOUBLE', sample.memoryLimitBytes)
  appendNumber(appender, 'FLOAT', sample.pids)
  appendNumber(appender, 'FLOAT', sample.networkReceiveBytesPerSecond)
  appendNumber(appender, 'FLOAT', sample.networkTransmitBytesPerSecond)
  appendNumber(appender, 'FLOAT', sample.blockReadBytesPerSecond)
  appendNumber(appender, 'FLOAT', sample.blockWriteBytesPerSecond)
  appendNumber(appender, 'FLOAT', assessment.probability)
  appendNumber(appender, 'FLOAT', assessment.cpuCoresForecast?.value)
  appendNumber(appender, 'FLOAT', assessment.cpuCoresForecast?.lower)
  appendNumber(appender, 'FLOAT', assessment.cpuCoresForecast?.upper)
  appendNumber(appender, 'DOUBLE', assessment.memoryBytesForecast?.value)
  appendNumber(appender, 'DOUBLE', assessment.memoryBytesForecast?.lower)
  appendNumber(appender, 'DOUBLE', assessment.memoryBytesForecast?.upper)
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

/** The store of samples: one batch a second, numbered, so that a gap is known. `acknowledgedPath` is a small file. */
export async function openSampleStore(database: Database, acknowledgedPath: string): Promise<SampleStore> {
  const [containers, newest] = await database.read(async (connection) => {
    const known = await connection.runAndReadAll('SELECT id, number FROM containers')
    const last = await connection.runAndReadAll('SELECT coalesce(max(batch), 0) FROM batches')
    return [known.getRows(), Number(last.getRows()[0]![0])] as const
  })
  const numberOf = new Map(containers.map(([id, number]) => [String(id), Number(number)]))
  const acknowledged = readAcknowledged(acknowledgedPath)
  const lost = acknowledged === null ? 0 : acknowledged - newest
  const missing =
    lost > 0
      ? `${lost} seconds of samples written before the last stop are missing (batches ${newest + 1} to ${acknowledged})`
      : null
  const acknowledgement = openSync(acknowledgedPath, 'w')
  const dropped: { count: number; reason: string | null } = { count: 0, reason: null }
  let batch = Math.max(newest, acknowledged ?? 0)

  const acknowledge = () => writeSync(acknowledgement, String(batch).padStart(16), 0)
  acknowledge()

  return {
    dropped,
    missing,
    async append(atMs, observations) {
      if (observations.length === 0) return
      const fresh = observations.filter(({ sample }) => !numberOf.has(sample.containerId))
      const numbers = new Map<string, number>()
      for (const { sample } of fresh) numbers.set(sample.containerId, numberOf.size + numbers.size + 1)
      try {
        await database.write(async (connection) => {
          for (const { sample, containerKey, containerName } of fresh) {
            await connection.run('INSERT INTO containers VALUES ($1, $2, $3, $4, $5)', [
              numbers.get(sample.containerId)!,
              sample.containerId,
              containerKey,
              containerName,
              BigInt(Math.round(sample.at)),
            ])
          }
          const appender = await connection.createAppender('samples')
          for (const one of observations) {
            appendRow(appender, numberOf.get(one.sample.containerId) ?? numbers.get(one.sample.containerId)!, one)
          }
          appender.closeSync()
          await connection.run(`INSERT INTO batches VALUES (${batch + 1}, ${Math.round(atMs)}, ${observations.length})`)
        })
        batch += 1
        for (const [id, number] of numbers) numberOf.set(id, number)
        acknowledge()
        dropped.reason = null
      } catch (error) {
        dropped.count += observations.length
        dropped.reason = messageOf(error)
      }
    },
    async prune(beforeMs) {
      await database.write(async (connection) => {
        await connection.run(`DELETE FROM samples WHERE at_ms < ${Math.round(beforeMs)}`)
        await connection.run(`DELETE FROM batches WHERE at_ms < ${Math.round(beforeMs)} AND batch < ${batch}`)
      })
    },
    async [Symbol.asyncDispose]() {
      closeSync(acknowledgement)
    },
  }
}
