import { SCENARIOS } from '../scenarios.ts'
import type { Reading, Recording } from './recording.ts'

/** A calm reading for tests. */
export function aReading(different: Partial<Reading> = {}): Reading {
  return {
    light: 'low',
    probability: 0.01,
    freshness: 'live',
    state: 'running',
    health: 'healthy',
    memoryShareOfLimit: 0.2,
    cpuShareOfLimit: 0.1,
    timeToLimitMs: null,
    ...different,
  }
}

/** A recording of the named scenario in which nothing happens, for tests. */
export function aRecording(name: string, different: Partial<Recording> = {}): Recording {
  const scenario = SCENARIOS.find((one) => one.name === name)!
  const calm = () => Array.from({ length: scenario.watchSeconds }, () => aReading())
  return {
    scenario,
    injected: 'something',
    readings: { guarded: calm(), watched: calm() },
    failures: [],
    happenings: [],
    ...different,
  }
}
