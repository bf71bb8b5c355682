import type { Health, Sample } from '../contracts/telemetry.ts'
import { createOutlook, look, type Outlook } from './outlook.ts'

/** One minute at 1 Hz. */
export const WINDOW_SAMPLES = 60

/** The newest values of one quantity with their times, in a ring: fixed memory, no allocation per sample. */
export type Series = {
  readonly atMs: Float64Array
  readonly values: Float64Array
  /** How many of the ring's places are filled. */
  length: number
  /** Where the next value goes. */
  next: number
}

/** An empty series of at most `capacity` values. */
export function createSeries(capacity = WINDOW_SAMPLES): Series {
  return { atMs: new Float64Array(capacity), values: new Float64Array(capacity), length: 0, next: 0 }
}

/** Adds a value and lets the oldest go. Time must go forward: a value not newer than the newest is ignored. */
export function append(series: Series, atMs: number, value: number): void {
  const capacity = series.values.length
  const newest = (series.next + capacity - 1) % capacity
  if (series.length > 0 && atMs <= series.atMs[newest]!) return
  series.atMs[series.next] = atMs
  series.values[series.next] = value
  series.next = (series.next + 1) % capacity
  if (series.length < capacity) series.length += 1
}

/** Place in the ring of the value `age` steps before the newest (0 is the newest). */
export function indexOfAge(series: Series, age: number): number {
  const capacity = series.values.length
  return (series.next - 1 - age + 2 * capacity) % capacity
}

/** Forgets everything, keeping the memory. */
export function clear(series: Series): void {
  series.length = 0
  series.next = 0
}

/** What the engine knows beside the samples. `crashTimesMs` are the ends of its own accord, oldest first. */
export type LifeSigns = {
  /** When they were last looked at, epoch milliseconds. */
  at: number
  health: Health
  healthFailingStreak: number
  crashTimesMs: readonly number[]
}

/**
 * All that `assess` looks at for one container: the last minute of its life, and how long it has been saturated. A
 * restart begins a new life; `beginLife` cuts the series there.
 */
export type Window = {
  containerId: string
  latest: Sample | null
  cpuCores: Series
  workingSetBytes: Series
  unreclaimableBytes: Series
  cpuOutlook: Outlook
  memoryOutlook: Outlook
  /** Since when the CPU has been at its limit without a pause; `null` when it is not. */
  saturatedSinceMs: number | null
  life: LifeSigns
}

/** From this share of the CPU limit on a container counts as saturated. */
const SATURATED_SHARE = 0.95

/** An empty window for a container. */
export function createWindow(containerId: string): Window {
  return {
    containerId,
    latest: null,
    cpuCores: createSeries(),
    workingSetBytes: createSeries(),
    unreclaimableBytes: createSeries(),
    cpuOutlook: createOutlook(),
    memoryOutlook: createOutlook(),
    saturatedSinceMs: null,
    life: { at: 0, health: 'none', healthFailingStreak: 0, crashTimesMs: [] },
  }
}

/** Cuts the series: what was before a start says nothing about what comes after. */
export function beginLife(window: Window): void {
  clear(window.cpuCores)
  clear(window.workingSetBytes)
  clear(window.unreclaimableBytes)
  window.cpuOutlook = createOutlook()
  window.memoryOutlook = createOutlook()
  window.saturatedSinceMs = null
  window.latest = null
}

/** A sample this much older than the newest one is not late: the clock was set back. */
const SET_BACK_MS = 5_000

/**
 * Takes a sample into the window. Unknown quantities leave their series as they are; a clock that was set back begins
 * the window anew, for its series would take nothing until the old time is reached again.
 */
export function observe(window: Window, sample: Sample): void {
  if (window.latest !== null && window.latest.at - sample.at > SET_BACK_MS) beginLife(window)
  window.latest = sample
  if (sample.cpuCores !== null) append(window.cpuCores, sample.at, sample.cpuCores)
  if (sample.workingSetBytes !== null) append(window.workingSetBytes, sample.at, sample.workingSetBytes)
  if (sample.unreclaimableBytes !== null) append(window.unreclaimableBytes, sample.at, sample.unreclaimableBytes)
  if (sample.cpuCores !== null) look(window.cpuOutlook, sample.at, sample.cpuCores)
  if (sample.workingSetBytes !== null) look(window.memoryOutlook, sample.at, sample.workingSetBytes)
  if (sample.cpuShareOfLimit === null) return
  if (sample.cpuShareOfLimit < SATURATED_SHARE) window.saturatedSinceMs = null
  else window.saturatedSinceMs ??= sample.at
}
