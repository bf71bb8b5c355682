import { expect, it } from 'vitest'
import type { SampleColumns } from './api.ts'
import { continueSamples, memorySeries, samplesCsv, withoutAhead } from './samples.ts'

function samples(at: number[], value: number): SampleColumns {
  const column = at.map(() => value)
  return {
    containerId: 'a'.repeat(64),
    from: new Date(at[0] ?? 0).toISOString(),
    to: new Date(at.at(-1) ?? 0).toISOString(),
    stepMs: 1_000,
    forecastHorizonMs: 10_000,
    memoryLimitBytes: null,
    cpuLimitCores: null,
    tier: 'raw',
    at,
    cpuCores: column,
    cpuCoresMin: column,
    cpuCoresMax: column,
    cpuCoresP95: column,
    cpuCoresForecast: column,
    cpuCoresLower: column,
    cpuCoresUpper: column,
    workingSetBytes: column,
    workingSetBytesMin: column,
    workingSetBytesMax: column,
    workingSetBytesP95: column,
    memoryBytesForecast: column,
    memoryBytesLower: column,
    memoryBytesUpper: column,
    throttledShare: column,
    probability: column,
    networkReceiveBytesPerSecond: column,
    networkTransmitBytesPerSecond: column,
    blockReadBytesPerSecond: column,
    blockWriteBytesPerSecond: column,
    cpuPressureSomeShare: column,
    memoryPressureSomeShare: column,
    ioPressureSomeShare: column,
    ahead: {
      at: [60_000],
      cpuCoresForecast: [value],
      cpuCoresLower: [value],
      cpuCoresUpper: [value],
      memoryBytesForecast: [value],
      memoryBytesLower: [value],
      memoryBytesUpper: [value],
    },
  }
}

it('continues with newer rows, which win, and forgets those before the window', () => {
  const joined = continueSamples(samples([1_000, 2_000, 3_000, 4_000], 1), samples([4_000, 5_000], 2), 2_000)
  expect(joined.at).toEqual([2_000, 3_000, 4_000, 5_000])
  expect(joined.cpuCores).toEqual([1, 1, 2, 2])
  expect(joined.probability).toHaveLength(4)
})

it('keeps what it has where nothing newer came, and starts again after a long gap', () => {
  expect(continueSamples(samples([1_000, 2_000], 1), samples([], 2), 0).at).toEqual([1_000, 2_000])
  expect(continueSamples(samples([1_000, 2_000], 1), samples([9_000], 2), 8_000).at).toEqual([9_000])
})

it('of a container that ended expect nothing', () => {
  const { at, measured, ahead } = memorySeries(withoutAhead(samples([1_000], 1)))
  expect([at, measured]).toEqual([[1_000], [1]])
  expect(ahead).toEqual({ at: [], forecast: [], lower: [], upper: [] })
})

it('become a file with a row a step', () => {
  const [header, row] = samplesCsv(samples([1_000], 1)).split('\r\n')
  expect(header).toMatch(/^at,cpuCores,cpuCoresMin,/)
  expect(row).toMatch(/^1970-01-01T00:00:01.000Z,1,1,/)
})
