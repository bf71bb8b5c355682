import { setImmediate } from 'node:timers/promises'
import { BIGINT, type DuckDBConnection, DuckDBDataChunk, INTEGER } from '@duckdb/node-api'
import { type Batch, COLUMNS, UNKNOWN } from './batch.ts'

/** What DuckDB takes at a time; between two of them requests and events get their turn. */
const CHUNK_ROWS = 2048
const SAMPLE_TYPES = [BIGINT, ...Array.from({ length: COLUMNS }, () => INTEGER)]

/** A statement for each would cost more than all their samples. */
async function insertContainers(connection: DuckDBConnection, containers: Batch['containers']): Promise<void> {
  if (containers.length === 0) return
  const appender = await connection.createAppender('containers')
  try {
    for (const { number, id, key, name, firstSeenMs } of containers) {
      appender.appendInteger(number)
      for (const text of [id, key, name]) appender.appendVarchar(text)
      appender.appendBigInt(BigInt(firstSeenMs))
      appender.endRow()
    }
  } finally {
    appender.closeSync()
  }
}

type Columns = (bigint | number | null)[][]

/** Adds rows of a batch from `row` on to the columns until they are full; the first row that was not added. */
function fill(columns: Columns, { timesMs, cells }: Batch, row: number): number {
  const times = columns[0]!
  const end = Math.min(timesMs.length, row + CHUNK_ROWS - times.length)
  for (let index = row; index < end; index++) times.push(BigInt(timesMs[index]!))
  for (let column = 0; column < COLUMNS; column++) {
    const values = columns[column + 1]!
    for (let index = row; index < end; index++) {
      const cell = cells[index * COLUMNS + column]!
      values.push(cell === UNKNOWN ? null : cell)
    }
  }
  return end
}

/**
 * Column by column, because a call for each of a hundred thousand numbers would hold up the loop. The work is done in
 * functions that do not wait: one that does is compiled anew each time it goes on.
 */
async function insertSamples(connection: DuckDBConnection, batches: readonly Batch[]): Promise<void> {
  const columns: Columns = SAMPLE_TYPES.map(() => [])
  const chunk = DuckDBDataChunk.create(SAMPLE_TYPES)
  const appender = await connection.createAppender('samples')
  const append = () => {
    chunk.reset()
    chunk.rowCount = columns[0]!.length
    chunk.setColumns(columns)
    appender.appendDataChunk(chunk)
    appender.flushSync()
    for (const column of columns) column.length = 0
  }
  try {
    for (const batch of batches)
      for (let row = fill(columns, batch, 0); columns[0]!.length === CHUNK_ROWS; row = fill(columns, batch, row)) {
        append()
        await setImmediate()
      }
    if (columns[0]!.length > 0) append()
  } finally {
    // One that is left open writes its rows when it is collected, after the transaction.
    appender.closeSync()
  }
}

/** Adds batches, and those of their containers that are not in `stored`, within the transaction of `connection`. */
export async function insert(
  connection: DuckDBConnection,
  batches: readonly Batch[],
  stored: ReadonlySet<number>,
): Promise<void> {
  await insertContainers(
    connection,
    batches.flatMap(({ containers }) => containers).filter(({ number }) => !stored.has(number)),
  )
  await insertSamples(connection, batches)
  const rows = batches.map(({ number, atMs, timesMs }) => `(${number}, ${atMs}, ${timesMs.length})`)
  await connection.run(`INSERT INTO batches VALUES ${rows.join(', ')}`)
}
