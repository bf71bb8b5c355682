import type { Sample } from '../contracts/telemetry.ts'
import type { Archive } from './archive.ts'
import type { Database } from './database.ts'
import { STORED_METRICS } from './stored-metrics.ts'

/** What is stored of a sample; what was thought of it, and shares of limits that it does not know, are not. */
export type StoredSample = Omit<Sample, 'cpuShareOfLimit' | 'memoryShareOfLimit'>

const NOT_OF_A_SAMPLE = /^(probability$|(cpuCores|memoryBytes)(Forecast|Lower|Upper)$)/
const OF_A_SAMPLE = STORED_METRICS.filter(({ name }) => !NOT_OF_A_SAMPLE.test(name))
const COLUMNS = OF_A_SAMPLE.map(({ name, unit }) => `("${name}" * ${unit})::DOUBLE AS "${name}"`).join(', ')

const list = (texts: readonly string[]) => texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')

/** The samples of some containers in a period as they were stored, each container's in the order of time. */
export async function readRecentSamples(
  { database, archive }: { database: Database; archive: Pick<Archive, 'read'> },
  { containerIds, fromMs, toMs }: { containerIds: readonly string[]; fromMs: number; toMs: number },
): Promise<StoredSample[]> {
  if (containerIds.length === 0) return []
  const wanted = `IN (${list(containerIds)}) AND at_ms BETWEEN ${Math.round(fromMs)} AND ${Math.round(toMs)}`
  const hot = `SELECT containers.id AS container, at_ms, ${COLUMNS}
    FROM samples JOIN containers ON samples.container = containers.number WHERE containers.id ${wanted}`
  return archive.read({ tier: 'raw', fromMs, toMs }, (paths) =>
    database.read(async (connection) => {
      const cold =
        paths.length === 0
          ? ''
          : `SELECT container, at_ms, ${COLUMNS} FROM read_parquet([${list(paths)}], union_by_name = true)
             WHERE container ${wanted} UNION ALL `
      const reader = await connection.runAndReadAll(`SELECT * FROM (${cold}${hot}) ORDER BY container, at_ms`)
      return reader.getRows().map(([containerId, at, ...values]) => {
        const known = values.map((value, index) => [OF_A_SAMPLE[index]!.name, value === null ? null : Number(value)])
        return {
          ...Object.fromEntries(known),
          throttledPeriods: null,
          containerId: String(containerId),
          at: Number(at),
        } as StoredSample
      })
    }),
  )
}
