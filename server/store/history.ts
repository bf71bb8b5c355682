import type { DuckDBResultReader } from '@duckdb/node-api'
import type { Database } from './database.ts'

/** Columns of one container's samples in steps; see SampleColumns in the contracts for what each means. */
export type History = Record<string, (number | null)[]> & { at: number[] }

const SEEN = {
  cpuCores: 'avg(cpu_cores)',
  workingSetBytes: 'avg(working_set_bytes)',
  throttledShare: 'avg(throttled_share)',
  probability: 'max(probability)',
  networkReceiveBytesPerSecond: 'avg(network_receive_bytes_per_second)',
  networkTransmitBytesPerSecond: 'avg(network_transmit_bytes_per_second)',
  blockReadBytesPerSecond: 'avg(block_read_bytes_per_second)',
  blockWriteBytesPerSecond: 'avg(block_write_bytes_per_second)',
} as const

const FORESEEN = {
  cpuCoresForecast: 'avg(cpu_cores_forecast)',
  cpuCoresLower: 'min(cpu_cores_lower)',
  cpuCoresUpper: 'max(cpu_cores_upper)',
  memoryBytesForecast: 'avg(memory_bytes_forecast)',
  memoryBytesLower: 'min(memory_bytes_lower)',
  memoryBytesUpper: 'max(memory_bytes_upper)',
} as const

const selected = (columns: Record<string, string>) =>
  Object.entries(columns)
    .map(([name, expression]) => `${expression} AS "${name}"`)
    .join(', ')

const whole = (value: number) => BigInt(Math.round(value))

function columnsOf(reader: DuckDBResultReader): Record<string, (number | null)[]> {
  const columns = reader.getColumnsObject()
  // Without a row there is no column object either; its names are there all the same.
  return Object.fromEntries(
    reader
      .columnNames()
      .map((name) => [name, (columns[name] ?? []).map((value) => (value === null ? null : Number(value)))]),
  )
}

/**
 * Samples of one container from `fromMs` up to `toMs` in steps of `stepMs`, with the forecasts that were made *for* each
 * step `horizonMs` earlier, and, under `ahead`, those for after `toMs`. Means per step, the widest band, the highest
 * probability. A step without a sample has no row.
 */
export async function readHistory(
  database: Database,
  query: { containerId: string; fromMs: number; toMs: number; stepMs: number; horizonMs: number },
): Promise<{ seen: History; ahead: History }> {
  const { containerId, fromMs, toMs, stepMs, horizonMs } = query
  const reader = await database.read((connection) =>
    connection.runAndReadAll(
      `WITH chosen AS (
         SELECT samples.* FROM samples JOIN containers ON samples.container = containers.number
         WHERE containers.id = $id AND at_ms >= $from::BIGINT - $horizon::BIGINT AND at_ms <= $to::BIGINT
       ), seen AS (
         SELECT at_ms // $step::BIGINT * $step::BIGINT AS step_start, ${selected(SEEN)} FROM chosen WHERE at_ms >= $from::BIGINT GROUP BY 1
       ), foreseen AS (
         SELECT (at_ms + $horizon::BIGINT) // $step::BIGINT * $step::BIGINT AS step_start, ${selected(FORESEEN)}
         FROM chosen WHERE cpu_cores_forecast IS NOT NULL OR memory_bytes_forecast IS NOT NULL GROUP BY 1
       )
       SELECT coalesce(seen.step_start, foreseen.step_start) AS "at", seen.step_start IS NULL AS ahead,
         seen.* EXCLUDE (step_start), foreseen.* EXCLUDE (step_start)
       FROM seen FULL JOIN foreseen ON seen.step_start = foreseen.step_start
       WHERE seen.step_start IS NOT NULL OR foreseen.step_start > (SELECT max(step_start) FROM seen)
       ORDER BY 1`,
      { id: containerId, from: whole(fromMs), to: whole(toMs), step: whole(stepMs), horizon: whole(horizonMs) },
    ),
  )
  const columns = columnsOf(reader)
  const split = (columns.ahead ?? []).indexOf(1)
  const end = split < 0 ? (columns.at ?? []).length : split
  const part = (from: number, to?: number) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values.slice(from, to)])) as History
  return { seen: part(0, end), ahead: part(end) }
}
