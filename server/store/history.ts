import type { Archive } from './archive.ts'
import type { Database } from './database.ts'
import { STORED_METRICS } from './stored-metrics.ts'
import { readColumns, storedRowsSql } from './stored-rows.ts'
import { type Tier, type TierName, tierFor } from './tiers.ts'

/** Columns of samples in steps; see SampleColumns in the contracts for what each means. `container` is the id. */
export type History = Record<string, (number | null)[]> & { at: number[] }

export type HistoryQuery = {
  containerIds: readonly string[]
  fromMs: number
  toMs: number
  stepMs: number
  horizonMs: number
}

const unitOf = (name: string) => STORED_METRICS.find((metric) => metric.name === name)!.unit

const MEANS = [
  'cpuCores',
  'workingSetBytes',
  'throttledShare',
  'networkReceiveBytesPerSecond',
  'networkTransmitBytesPerSecond',
  'blockReadBytesPerSecond',
  'blockWriteBytesPerSecond',
  'cpuPressureSomeShare',
  'memoryPressureSomeShare',
  'ioPressureSomeShare',
]
/** What a mean over a long step hides. */
const SPREADS = ['cpuCores', 'workingSetBytes']

const FORESEEN: readonly (readonly [name: string, aggregate: string])[] = [
  ['cpuCoresForecast', 'avg'],
  ['cpuCoresLower', 'min'],
  ['cpuCoresUpper', 'max'],
  ['memoryBytesForecast', 'avg'],
  ['memoryBytesLower', 'min'],
  ['memoryBytesUpper', 'max'],
]

const aggregated = (name: string, aggregate: string, column = name, unit = unitOf(name)) =>
  `${aggregate}("${column}")::DOUBLE * ${unit} AS "${column}"`

/** The select list over rows that have the columns of `SOURCE_COLUMNS`. */
const SEEN = [
  ...MEANS.map((name) => aggregated(name, 'avg')),
  ...SPREADS.flatMap((name) => [
    aggregated(name, 'min', `${name}Min`, unitOf(name)),
    aggregated(name, 'max', `${name}Max`, unitOf(name)),
    aggregated(name, 'max', `${name}P95`, unitOf(name)),
  ]),
  aggregated('probability', 'max', 'probability'),
].join(', ')

const SPREAD_COLUMNS = SPREADS.flatMap((name) => [`${name}Min`, `${name}Max`, `${name}P95`])

/** Rows of a coarse tier have their spread; a raw row is its own. The highest probability of a step is what counts. */
const columnsFrom = (rows: 'raw' | 'coarse'): string =>
  [
    ...MEANS.map((name) => `"${name}"`),
    ...SPREAD_COLUMNS.map((column) =>
      rows === 'raw' ? `"${column.replace(/(Min|Max|P95)$/, '')}" AS "${column}"` : `"${column}"`,
    ),
    rows === 'raw' ? '"probability"' : '"probabilityMax" AS "probability"',
  ].join(', ')

const FORESEEN_COLUMNS = FORESEEN.map(([name]) => `"${name}"`).join(', ')

/** The rows of a query. Raw ones reach back by the horizon, for the forecasts that were made then for the first steps. */
function sourceSql({ name, stepMs: tierStepMs }: Tier, paths: readonly string[], query: HistoryQuery): string {
  const { containerIds, toMs } = query
  if (name === 'raw') {
    const columns = `${columnsFrom('raw')}, ${FORESEEN_COLUMNS}`
    const fromMs = query.fromMs - query.horizonMs
    return storedRowsSql(paths, { containerIds, fromMs, toMs }, { ofFiles: columns, ofDatabase: columns })
  }
  // A coarse row stands for the time from its own on: the one that the range begins in belongs to it.
  const fromMs = Math.floor(query.fromMs / tierStepMs) * tierStepMs
  const columns = { ofFiles: columnsFrom('coarse'), ofDatabase: columnsFrom('raw') }
  return storedRowsSql(paths, { containerIds, fromMs, toMs }, columns)
}

const stepOf = (at: string, stepMs: number) => `(${at} // ${stepMs} * ${stepMs})::DOUBLE`

/** What was seen, and what was foreseen for each step: only raw rows know that. */
const withForecasts = (source: string, fromMs: number, stepMs: number, horizonMs: number) =>
  `WITH chosen AS (${source}), seen AS (
     SELECT container, ${stepOf('at_ms', stepMs)} AS step_start, ${SEEN}
     FROM chosen WHERE at_ms >= ${fromMs} GROUP BY 1, 2
   ), foreseen AS (
     SELECT container, ${stepOf(`(at_ms + ${horizonMs})`, stepMs)} AS step_start,
       ${FORESEEN.map(([name, aggregate]) => aggregated(name, aggregate)).join(', ')}
     FROM chosen WHERE "cpuCoresForecast" IS NOT NULL OR "memoryBytesForecast" IS NOT NULL GROUP BY 1, 2
   ), newest AS (SELECT container, max(step_start) AS step_start FROM seen GROUP BY 1)
   SELECT coalesce(seen.container, foreseen.container) AS container,
     coalesce(seen.step_start, foreseen.step_start) AS "at", seen.step_start IS NULL AS ahead,
     seen.* EXCLUDE (container, step_start), foreseen.* EXCLUDE (container, step_start)
   FROM seen FULL JOIN foreseen ON seen.step_start = foreseen.step_start AND seen.container = foreseen.container
   WHERE seen.step_start IS NOT NULL
     OR foreseen.step_start > (SELECT newest.step_start FROM newest WHERE newest.container = foreseen.container)
   ORDER BY ahead, container, "at"`

/** A coarse tier knows no forecasts: a week of a hundred containers is read once, not twice. */
const seenOnly = (source: string, stepMs: number) =>
  `SELECT container, ${stepOf('at_ms', stepMs)} AS "at", ${SEEN} FROM (${source}) GROUP BY 1, 2 ORDER BY container, "at"`

/**
 * Samples of some containers from `fromMs` up to `toMs` in steps of `stepMs`, from the tier that fits the step, with the
 * forecasts that were made *for* each step `horizonMs` earlier, and, under `ahead`, those for after the newest sample.
 * Means per step with their spread, the widest band, the highest probability. A step without a sample has no row.
 */
export async function readHistory(
  parts: { database: Database; archive: Archive; tiers: readonly Tier[]; nowMs: number },
  query: HistoryQuery,
): Promise<{ tier: TierName; stepMs: number; seen: History; ahead: History }> {
  const { database, archive, tiers, nowMs } = parts
  const { fromMs, toMs, stepMs, horizonMs } = query
  const tier = tierFor(tiers, { fromMs, toMs, stepMs, nowMs })
  const step = Math.max(stepMs, tier.stepMs)
  const columns = await archive.read({ tier: tier.name, fromMs: fromMs - horizonMs, toMs }, (paths) =>
    database.read((connection) => {
      const source = sourceSql(tier, paths, query)
      const sql =
        tier.name === 'raw'
          ? withForecasts(source, Math.round(fromMs), step, Math.round(horizonMs))
          : seenOnly(source, step)
      return readColumns(connection, sql)
    }),
  )
  if (tier.name !== 'raw') for (const [name] of FORESEEN) columns[name] = columns.at!.map(() => null)
  const { ahead, ...known } = columns
  const firstAhead = ahead?.indexOf(true) ?? -1
  const end = firstAhead < 0 ? columns.at!.length : firstAhead
  const part = (from: number, to?: number) =>
    Object.fromEntries(Object.entries(known).map(([name, values]) => [name, values.slice(from, to)])) as History
  return { tier: tier.name, stepMs: step, seen: part(0, end), ahead: part(end) }
}
