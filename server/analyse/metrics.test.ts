import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Counters } from '../contracts/telemetry.ts'
import { type Capacity, toSample, workingSetBytes } from './metrics.ts'

const MIB = 1024 ** 2
const ID = 'a'.repeat(64)

const capacity: Capacity = { cpuLimitCores: 2, memoryLimitBytes: 128 * MIB, hostCores: 4, hostMemoryBytes: 1024 * MIB }

const UNKNOWN: Counters = {
  readAt: 0,
  cpuUsageNs: null,
  cfsPeriods: null,
  throttledPeriods: null,
  throttledTimeNs: null,
  memoryUsageBytes: null,
  inactiveFileBytes: null,
  unreclaimableBytes: null,
  anonBytes: null,
  fileBytes: null,
  kernelBytes: null,
  swapBytes: null,
  oomKills: null,
  memoryLimitBytes: null,
  pids: null,
  pidsLimit: null,
  networkReceiveBytes: null,
  networkTransmitBytes: null,
  blockReadBytes: null,
  blockWriteBytes: null,
  cpuPressureSomeUs: null,
  cpuPressureFullUs: null,
  memoryPressureSomeUs: null,
  memoryPressureFullUs: null,
  ioPressureSomeUs: null,
  ioPressureFullUs: null,
  logErrorLines: null,
}

const reading = (counters: Partial<Counters>): Counters => ({ ...UNKNOWN, ...counters })

describe('a sample', () => {
  test('has CPU in cores by the time between the readings: 1.5e9 ns in 1.25 s are 1.2 cores, 60 % of a limit of 2', () => {
    const before = reading({ readAt: 1_000, cpuUsageNs: 5_000_000_000 })
    const sample = toSample(ID, before, reading({ readAt: 2_250, cpuUsageNs: 6_500_000_000 }), capacity)
    expect(sample.cpuCores).toBeCloseTo(1.2, 12)
    expect(sample.cpuShareOfLimit).toBeCloseTo(0.6, 12)
  })

  test('is a share of the host where the container has no limits: 1 of 4 cores, 256 of 1024 MiB', () => {
    const noLimits = { ...capacity, cpuLimitCores: null, memoryLimitBytes: null }
    const now = reading({ readAt: 2_000, cpuUsageNs: 1e9, memoryUsageBytes: 256 * MIB, memoryLimitBytes: 1024 * MIB })
    const sample = toSample(ID, reading({ readAt: 1_000, cpuUsageNs: 0 }), now, noLimits)
    expect(sample.cpuShareOfLimit).toBe(0.25)
    expect(sample.memoryShareOfLimit).toBe(0.25)
    expect(sample.memoryLimitBytes).toBeNull()
  })

  test('says how many of the periods were throttled: 30 of 40 more, and never above all of them', () => {
    const before = reading({ readAt: 0, cfsPeriods: 100, throttledPeriods: 10 })
    const of = (cfsPeriods: number, throttledPeriods: number) =>
      toSample(ID, before, reading({ readAt: 1_000, cfsPeriods, throttledPeriods }), capacity).throttledShare
    expect(of(140, 40)).toBe(0.75)
    expect(of(110, 40)).toBe(1)
    expect(of(100, 10)).toBe(0)
    expect(of(90, 40)).toBeNull()
  })

  test('has rates per second for bytes: 3000 bytes in 2 s are 1500 a second', () => {
    const before = reading({ readAt: 0, networkReceiveBytes: 1_000, blockWriteBytes: 8_192 })
    const now = reading({ readAt: 2_000, networkReceiveBytes: 4_000, blockWriteBytes: 8_192 })
    const sample = toSample(ID, before, now, capacity)
    expect(sample.networkReceiveBytesPerSecond).toBe(1_500)
    expect(sample.blockWriteBytesPerSecond).toBe(0)
    expect(sample.networkTransmitBytesPerSecond).toBeNull()
  })

  test('has no rate at first: none, not zero', () => {
    const now = reading({ readAt: 1_000, cpuUsageNs: 9e9, networkReceiveBytes: 7, cfsPeriods: 5, throttledPeriods: 1 })
    const sample = toSample(ID, null, now, capacity)
    expect([sample.cpuCores, sample.cpuShareOfLimit, sample.throttledShare]).toEqual([null, null, null])
    expect(sample.networkReceiveBytesPerSecond).toBeNull()
  })

  test('begins anew where a counter went backwards, and only for that counter', () => {
    const before = reading({ readAt: 0, cpuUsageNs: 9e9, networkReceiveBytes: 100 })
    const sample = toSample(ID, before, reading({ readAt: 1_000, cpuUsageNs: 1e9, networkReceiveBytes: 300 }), capacity)
    expect(sample.cpuCores).toBeNull()
    expect(sample.networkReceiveBytesPerSecond).toBe(200)
  })

  test('has no rate where time stood still or went back', () => {
    const before = reading({ readAt: 5_000, cpuUsageNs: 1e9 })
    for (const readAt of [5_000, 4_000]) {
      expect(toSample(ID, before, reading({ readAt, cpuUsageNs: 2e9 }), capacity).cpuCores).toBeNull()
    }
  })

  test('does not believe more CPU than the host has: a second of work in a millisecond is a clock that jumped', () => {
    const before = reading({ readAt: 5_000, cpuUsageNs: 0 })
    const of = (readAt: number, cpuUsageNs: number) =>
      toSample(ID, before, reading({ readAt, cpuUsageNs }), capacity).cpuCores
    expect(of(5_001, 1e9)).toBeNull()
    expect(of(6_000, 4.5e9)).toBe(4.5)
    expect(of(6_000, 4.9e9)).toBeNull()
    expect(of(3_605_000, 36e9)).toBe(0.01)
  })

  test('keeps unknown unknown', () => {
    const { containerId, at, memoryLimitBytes, ...rest } = toSample(
      ID,
      UNKNOWN,
      { ...UNKNOWN, readAt: 1_000 },
      capacity,
    )
    expect({ containerId, at, memoryLimitBytes }).toEqual({ containerId: ID, at: 1_000, memoryLimitBytes: 128 * MIB })
    expect(new Set(Object.values(rest))).toEqual(new Set([null]))
  })

  test('never holds NaN, an infinity or a negative rate, whatever the counters say', () => {
    const counter = fc.option(fc.double({ min: 0, max: 1e18, noNaN: true }))
    const counters = fc.record({
      readAt: fc.integer({ min: 0, max: 2 ** 45 }),
      cpuUsageNs: counter,
      cfsPeriods: counter,
      throttledPeriods: counter,
      memoryUsageBytes: counter,
      inactiveFileBytes: counter,
      unreclaimableBytes: counter,
      memoryLimitBytes: counter,
      pids: counter,
      pidsLimit: counter,
      networkReceiveBytes: counter,
      networkTransmitBytes: counter,
      blockReadBytes: counter,
      blockWriteBytes: counter,
      throttledTimeNs: counter,
      anonBytes: counter,
      fileBytes: counter,
      kernelBytes: counter,
      swapBytes: counter,
      oomKills: counter,
      cpuPressureSomeUs: counter,
      cpuPressureFullUs: counter,
      memoryPressureSomeUs: counter,
      memoryPressureFullUs: counter,
      ioPressureSomeUs: counter,
      ioPressureFullUs: counter,
      logErrorLines: counter,
    })
    fc.assert(
      fc.property(fc.option(counters), counters, (before, now) => {
        const { containerId, ...numbers } = toSample(ID, before, now, capacity)
        for (const value of Object.values(numbers)) {
          if (value !== null) expect(Number.isFinite(value) && value >= 0).toBe(true)
        }
      }),
    )
  })
})

describe('the working set', () => {
  test('is usage less inactive file cache, as `docker stats` has it: 100 less 30', () => {
    expect(workingSetBytes({ memoryUsageBytes: 100, inactiveFileBytes: 30 })).toBe(70)
  })

  test('is all of the usage where the cache is unknown or, by a race of the kernel counters, not smaller', () => {
    expect(workingSetBytes({ memoryUsageBytes: 100, inactiveFileBytes: null })).toBe(100)
    expect(workingSetBytes({ memoryUsageBytes: 100, inactiveFileBytes: 100 })).toBe(100)
    expect(workingSetBytes({ memoryUsageBytes: 100, inactiveFileBytes: 130 })).toBe(100)
  })

  test('is unknown where the usage is', () => {
    expect(workingSetBytes({ memoryUsageBytes: null, inactiveFileBytes: 30 })).toBeNull()
  })
})
