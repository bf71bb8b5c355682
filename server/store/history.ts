import type { DuckDBResultReader } from '@duckdb/node-api'
import type { Archive } from './archive.ts'
import type { Database } from './database.ts'
import { STORED_METRICS } from './stored-metrics.ts'
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
const columnsFrom = (raw: boolean): string =>
  [
    ...MEANS.map((name) => `"${name}"`),
    ...SPREAD_COLUMNS.map((column) =>
      raw ? `"${column.replace(/(Min|Max|P95)$/, '')}" AS "${column}"` : `"${column}"`,
    ),
    raw ? '"probability"' : '"probabilityMax" AS "probability"',
    ...FORESEEN.map(([name]) => (raw ? `"${name}"` : `NULL::INTEGER AS "${name}"`)),
  ].join(', ')

const list = (texts: readonly string[]) => texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')

const whole = (value: number) => BigInt(Math.round(value))

function columnsOf(reader: DuckDBResultReader): Record<string, unknown[]> {
  const columns = reader.getColumnsObject()
  // Without a row there is no column object either; its names are there all the same.
  return Object.fromEntries(
    reader
      .columnNames()
      .map((name) => [
        name,
        (columns[name] ?? []).map((value) => (value === null || name === 'container' ? value : Number(value))),
      ]),
  )
}

/**
 * The rows of a query: those of the archive's files, and those of hours that are still in the database. Raw rows reach
 * back by the horizon, for the forecasts that were made then for the first steps.
 */
function sourceSql({ name, stepMs: tierStepMs }: Tier, paths: readonly string[], query: HistoryQuery): string {
  const raw = name === 'raw'
  // A coarse row stands for the time from its own on: the one that the range begins in belongs to it.
  const fromMs = raw ? Math.round(query.fromMs - query.horizonMs) : Math.floor(query.fromMs / tierStepMs) * tierStepMs
  const toMs = Math.round(query.toMs)
  const ids = list(query.containerIds)
  const hot = `SELECT containers.id AS container, at_ms, ${columnsFrom(true)}
    FROM samples JOIN containers ON samples.container = containers.number
    WHERE containers.id IN (${ids}) AND at_ms BETWEEN ${fromMs} AND ${toMs}`
  if (paths.length === 0) return hot
  return `SELECT container, at_ms, ${columnsFrom(raw)} FROM read_parquet([${list(paths)}], union_by_name = true)
    WHERE container IN (${ids}) AND at_ms BETWEEN ${fromMs} AND ${toMs}
    UNION ALL ${hot}`
}

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
  const reader = await archive.read({ tier: tier.name, fromMs: fromMs - horizonMs, toMs }, (paths) =>
    database.read((connection) =>
      connection.runAndReadAll(
        `WITH chosen AS (${sourceSql(tier, paths, query)}), seen AS (
           SELECT container, at_ms // $step::BIGINT * $step::BIGINT AS step_start, ${SEEN}
           FROM chosen WHERE at_ms >= $from::BIGINT GROUP BY 1, 2
         ), foreseen AS (
           SELECT container, (at_ms + $horizon::BIGINT) // $step::BIGINT * $step::BIGINT AS step_start,
             ${FORESEEN.map(([name, aggregate]) => aggregated(name, aggregate)).join(', ')}
           FROM chosen WHERE "cpuCoresForecast" IS NOT NULL OR "memoryBytesForecast" IS NOT NULL GROUP BY 1, 2
         ), newest AS (SELECT container, max(step_start) AS step_start FROM seen GROUP BY 1)
         SELECT coalesce(seen.container, foreseen.container) AS container,
           coalesce(seen.step_start, foreseen.step_start) AS "at", seen.step_start IS NULL AS ahead,
           seen.* EXCLUDE (container, step_start), foreseen.* EXCLUDE (container, step_start)
         FROM seen FULL JOIN foreseen ON seen.step_start = foreseen.step_start AND seen.container = foreseen.container
         WHERE seen.step_start IS NOT NULL
           OR foreseen.step_start > (SELECT newest.step_start FROM newest WHERE newest.container = foreseen.container)
         ORDER BY ahead, container, "at"`,
        { from: whole(fromMs), step: whole(step), horizon: whole(horizonMs) },
      ),
    ),
  )
  const columns = columnsOf(reader)
  const split = (columns.ahead ?? []).indexOf(1)
  const end = split < 0 ? (columns.at ?? []).length : split
  const part = (from: number, to?: number) =>
    Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values.slice(from, to)])) as History
  return { tier: tier.name, stepMs: step, seen: part(0, end), ahead: part(end) }
}
