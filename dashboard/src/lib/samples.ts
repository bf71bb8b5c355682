import type { SampleColumns } from './api.ts'
import type { ForecastSeries } from './chart-options.ts'
import { toCsv } from './csv.ts'
import type { WindowMinutes } from './view.ts'

/** One row a second as far as a screen can show it; the chart is some 600 points wide. */
const STEP_MS: Record<WindowMinutes, number> = { 5: 1_000, 15: 1_000, 60: 5_000, 360: 30_000 }

export const stepMs = (window: WindowMinutes): number => STEP_MS[window]

const COLUMNS = [
  'cpuCores',
  'cpuCoresMin',
  'cpuCoresMax',
  'cpuCoresP95',
  'cpuCoresForecast',
  'cpuCoresLower',
  'cpuCoresUpper',
  'workingSetBytes',
  'workingSetBytesMin',
  'workingSetBytesMax',
  'workingSetBytesP95',
  'memoryBytesForecast',
  'memoryBytesLower',
  'memoryBytesUpper',
  'throttledShare',
  'probability',
  'networkReceiveBytesPerSecond',
  'networkTransmitBytesPerSecond',
  'blockReadBytesPerSecond',
  'blockWriteBytesPerSecond',
  'cpuPressureSomeShare',
  'memoryPressureSomeShare',
  'ioPressureSomeShare',
] as const satisfies readonly (keyof SampleColumns)[]

/** Continues `known` with `fresh`, whose rows win where both have them, and drops what lies before `sinceMs`. */
export function continueSamples(known: SampleColumns, fresh: SampleColumns, sinceMs: number): SampleColumns {
  const firstFresh = fresh.at[0] ?? Number.POSITIVE_INFINITY
  const from = known.at.findIndex((at) => at >= sinceMs)
  const until = known.at.findIndex((at) => at >= firstFresh)
  const kept = <T>(column: T[]): T[] => (from < 0 ? [] : column.slice(from, until < 0 ? undefined : until))
  const joined = { ...fresh, from: known.from, at: [...kept(known.at), ...fresh.at] }
  for (const column of COLUMNS) joined[column] = [...kept(known[column]), ...fresh[column]]
  return joined
}

const NOTHING_AHEAD: SampleColumns['ahead'] = {
  at: [],
  cpuCoresForecast: [],
  cpuCoresLower: [],
  cpuCoresUpper: [],
  memoryBytesForecast: [],
  memoryBytesLower: [],
  memoryBytesUpper: [],
}

/** Of a container that does not run nothing is expected any more. */
export const withoutAhead = (samples: SampleColumns): SampleColumns => ({ ...samples, ahead: NOTHING_AHEAD })

/** The memory of a container as its chart wants it. */
export const memorySeries = ({ at, ahead, ...samples }: SampleColumns): ForecastSeries => ({
  at,
  measured: samples.workingSetBytes,
  forecast: samples.memoryBytesForecast,
  lower: samples.memoryBytesLower,
  upper: samples.memoryBytesUpper,
  ahead: {
    at: ahead.at,
    forecast: ahead.memoryBytesForecast,
    lower: ahead.memoryBytesLower,
    upper: ahead.memoryBytesUpper,
  },
  limit: samples.memoryLimitBytes,
})

/** The CPU of a container as its chart wants it. */
export const cpuSeries = ({ at, ahead, ...samples }: SampleColumns): ForecastSeries => ({
  at,
  measured: samples.cpuCores,
  forecast: samples.cpuCoresForecast,
  lower: samples.cpuCoresLower,
  upper: samples.cpuCoresUpper,
  ahead: {
    at: ahead.at,
    forecast: ahead.cpuCoresForecast,
    lower: ahead.cpuCoresLower,
    upper: ahead.cpuCoresUpper,
  },
  limit: samples.cpuLimitCores,
})

/** The samples of one container as a file: a row a step, times as ISO 8601. */
export function samplesCsv(samples: SampleColumns): string {
  return toCsv(
    ['at', ...COLUMNS],
    samples.at.map((at, row) => [new Date(at).toISOString(), ...COLUMNS.map((column) => samples[column][row] ?? null)]),
  )
}
