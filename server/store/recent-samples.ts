import type { Sample } from '../contracts/telemetry.ts'
import type { Archive } from './archive.ts'
import type { Database } from './database.ts'
import { STORED_METRICS } from './stored-metrics.ts'
import { type RowsWanted, readColumns, storedRowsSql } from './stored-rows.ts'

/** What is stored of a sample; what was thought of it, and shares of limits that it does not know, are not. */
export type StoredSample = Omit<Sample, 'cpuShareOfLimit' | 'memoryShareOfLimit'>

const OF_A_SAMPLE = STORED_METRICS.filter(({ from }) => from === 'sample')
const COLUMNS = OF_A_SAMPLE.map(({ name, unit }) => `("${name}" * ${unit})::DOUBLE AS "${name}"`).join(', ')

/** The samples of some containers in a period as they were stored, each container's in the order of time. */
export async function readRecentSamples(
  { database, archive }: { database: Database; archive: Pick<Archive, 'read'> },
  wanted: RowsWanted,
): Promise<StoredSample[]> {
  if (wanted.containerIds.length === 0) return []
  const columns = await archive.read({ tier: 'raw', ...wanted }, (paths) => {
    const rows = storedRowsSql(paths, wanted, { ofFiles: COLUMNS, ofDatabase: COLUMNS })
    return database.read((connection) =>
      readColumns(connection, `SELECT * REPLACE (at_ms::DOUBLE AS at_ms) FROM (${rows}) ORDER BY container, at_ms`),
    )
  })
  return columns.at_ms!.map((at, row) => ({
    ...(Object.fromEntries(OF_A_SAMPLE.map(({ name }) => [name, columns[name]![row]])) as StoredSample),
    throttledPeriods: null,
    logErrorsPerSecond: null,
    containerId: columns.container![row] as string,
    at: at as number,
  }))
}
