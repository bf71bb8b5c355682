import type { Assessment } from '../contracts/assessment.ts'
import type { Sample } from '../contracts/telemetry.ts'

/** One container's second: what was seen and what was thought of it. */
export type Observation = { containerKey: string; containerName: string; sample: Sample; assessment: Assessment }

/**
 * A quantity that is stored each second, as a whole number of `unit`: what nobody can see on a chart is not worth a
 * disk. `coarse` ones go into the longer tiers too, with minimum, mean, maximum and 95th percentile.
 */
export type StoredMetric = {
  name: string
  unit: number
  coarse: boolean
  /** Of the sample, or of what was thought of it. */
  from: 'sample' | 'assessment'
  of: (observation: Observation) => number | null | undefined
  /** Keeps only so many significant figures: rates vary too wildly for a fixed unit. */
  significantFigures?: number
}

const CORES = 1 / 1000
const SHARE = 1 / 1000
const MEMORY_BYTES = 16 * 1024
const FORECAST_BYTES = 64 * 1024
const RATE_BYTES = 16

const ofSample = (name: keyof Sample, unit: number, coarse: boolean, significantFigures?: number): StoredMetric => ({
  name,
  unit,
  coarse,
  from: 'sample',
  of: ({ sample }) => sample[name] as number | null,
  ...(significantFigures === undefined ? {} : { significantFigures }),
})

/** The columns of a sample in the order of the table `samples`, after its time and container. */
export const STORED_METRICS: readonly StoredMetric[] = [
  ofSample('cpuCores', CORES, true),
  ofSample('throttledShare', SHARE, true),
  ofSample('memoryUsageBytes', MEMORY_BYTES, false),
  ofSample('workingSetBytes', MEMORY_BYTES, true),
  ofSample('unreclaimableBytes', MEMORY_BYTES, true),
  ofSample('anonBytes', MEMORY_BYTES, false),
  ofSample('fileBytes', MEMORY_BYTES, false),
  ofSample('kernelBytes', MEMORY_BYTES, false),
  ofSample('swapBytes', MEMORY_BYTES, false),
  ofSample('oomKills', 1, true),
  ofSample('memoryLimitBytes', MEMORY_BYTES, false),
  ofSample('pids', 1, true),
  ofSample('pidsLimit', 1, false),
  ofSample('networkReceiveBytesPerSecond', RATE_BYTES, true, 3),
  ofSample('networkTransmitBytesPerSecond', RATE_BYTES, true, 3),
  ofSample('blockReadBytesPerSecond', RATE_BYTES, true, 3),
  ofSample('blockWriteBytesPerSecond', RATE_BYTES, true, 3),
  ofSample('cpuPressureSomeShare', SHARE, true),
  ofSample('cpuPressureFullShare', SHARE, false),
  ofSample('memoryPressureSomeShare', SHARE, true),
  ofSample('memoryPressureFullShare', SHARE, false),
  ofSample('ioPressureSomeShare', SHARE, true),
  ofSample('ioPressureFullShare', SHARE, false),
  {
    name: 'probability',
    unit: SHARE,
    coarse: true,
    from: 'assessment',
    of: ({ assessment }) => assessment.probability,
  },
  {
    name: 'cpuCoresForecast',
    unit: CORES,
    coarse: false,
    from: 'assessment',
    of: ({ assessment }) => assessment.cpuCoresForecast?.value,
  },
  {
    name: 'cpuCoresLower',
    unit: CORES,
    coarse: false,
    from: 'assessment',
    of: ({ assessment }) => assessment.cpuCoresForecast?.lower,
  },
  {
    name: 'cpuCoresUpper',
    unit: CORES,
    coarse: false,
    from: 'assessment',
    of: ({ assessment }) => assessment.cpuCoresForecast?.upper,
  },
  {
    name: 'memoryBytesForecast',
    unit: FORECAST_BYTES,
    coarse: false,
    from: 'assessment',
    of: ({ assessment }) => assessment.memoryBytesForecast?.value,
  },
  {
    name: 'memoryBytesLower',
    unit: FORECAST_BYTES,
    coarse: false,
    from: 'assessment',
    of: ({ assessment }) => assessment.memoryBytesForecast?.lower,
  },
  {
    name: 'memoryBytesUpper',
    unit: FORECAST_BYTES,
    coarse: false,
    from: 'assessment',
    of: ({ assessment }) => assessment.memoryBytesForecast?.upper,
  },
]

const LARGEST = 2 ** 31 - 1

/** A value as the whole number that is stored; `null` for what is unknown. Beyond the column's range it is the range's end. */
export function encode({ unit, significantFigures }: StoredMetric, value: number | null | undefined): number | null {
  if (value == null || !Number.isFinite(value)) return null
  const units = value / unit
  const kept = significantFigures === undefined || units === 0 ? units : withFigures(units, significantFigures)
  return Math.max(-LARGEST, Math.min(LARGEST, Math.round(kept)))
}

function withFigures(value: number, figures: number): number {
  const power = 10 ** (Math.floor(Math.log10(Math.abs(value))) + 1 - figures)
  return power <= 1 ? value : Math.round(value / power) * power
}
