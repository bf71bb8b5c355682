import type { Health, Sample } from '../contracts/telemetry.ts'
import { type Climb, clearClimb, climbTo, createClimb } from './climb.ts'
import { append, clear, createSeries, type Series } from './series.ts'

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
  /** Highs of what cannot be reclaimed (else of the working set), and of the number of processes, where they have a limit. */
  memoryClimb: Climb
  pidsClimb: Climb
  /** How long the CPU has been at its limit, in milliseconds; a second below it costs ten, one alone is a scheduler's jitter. */
  saturatedMs: number
  life: LifeSigns
}

/** From this share of the CPU limit on a container counts as saturated; five minutes of it are a failure. */
const SATURATED_SHARE = 0.95
const BREATH_COSTS = 10
const SATURATION_FAILS_MS = 300_000
/** A sample speaks for no more time than this. */
const LONGEST_STEP_MS = 60_000

/** An empty window for a container. */
export function createWindow(containerId: string): Window {
  return {
    containerId,
    latest: null,
    cpuCores: createSeries(),
    workingSetBytes: createSeries(),
    unreclaimableBytes: createSeries(),
    memoryClimb: createClimb(),
    pidsClimb: createClimb(),
    saturatedMs: 0,
    life: { at: 0, health: 'none', healthFailingStreak: 0, crashTimesMs: [] },
  }
}

/** Cuts the series: what was before a start says nothing about what comes after. */
export function beginLife(window: Window): void {
  clear(window.cpuCores)
  clear(window.workingSetBytes)
  clear(window.unreclaimableBytes)
  clearClimb(window.memoryClimb)
  clearClimb(window.pidsClimb)
  window.saturatedMs = 0
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
  const stepMs = window.latest === null ? 1_000 : Math.min(LONGEST_STEP_MS, Math.max(0, sample.at - window.latest.at))
  window.latest = sample
  const { cpuCores, workingSetBytes, unreclaimableBytes, memoryLimitBytes, pids, pidsLimit, cpuShareOfLimit } = sample
  if (cpuCores !== null) append(window.cpuCores, sample.at, cpuCores)
  if (workingSetBytes !== null) append(window.workingSetBytes, sample.at, workingSetBytes)
  if (unreclaimableBytes !== null) append(window.unreclaimableBytes, sample.at, unreclaimableBytes)
  const heldBytes = unreclaimableBytes ?? workingSetBytes
  if (heldBytes !== null && memoryLimitBytes !== null)
    climbTo(window.memoryClimb, sample.at, heldBytes, memoryLimitBytes)
  if (pids !== null && pidsLimit !== null) climbTo(window.pidsClimb, sample.at, pids, pidsLimit)
  if (cpuShareOfLimit === null) return
  window.saturatedMs =
    cpuShareOfLimit >= SATURATED_SHARE
      ? Math.min(2 * SATURATION_FAILS_MS, window.saturatedMs + stepMs)
      : Math.max(0, Math.min(SATURATION_FAILS_MS, window.saturatedMs) - BREATH_COSTS * stepMs)
}
