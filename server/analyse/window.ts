import type { Health, Sample } from '../contracts/telemetry.ts'
import { type Climb, clearClimb, climbTo, createClimb, restLevel } from './climb.ts'
import { createLogErrors, forgetRecentLogErrors, type LogErrors, takeLogErrors } from './log-errors.ts'
import { createOutlook, look, type Outlook } from './outlook.ts'
import { createSaturation, type Saturation, saturate } from './saturation.ts'
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
  /** Where memory came to rest in the life before: up to there a rise is its warm-up. 0 where it did not rest. */
  restedAtBytes: number
  /** When the kernel last killed a process of it for memory: what climbs after that is no warm-up. */
  killedAtMs: number
  pidsClimb: Climb
  saturation: Saturation
  cpuOutlook: Outlook
  memoryOutlook: Outlook
  logErrors: LogErrors
  life: LifeSigns
}

/** Of processes the last minute is looked at: a high every two seconds. */
const PIDS_HIGHS = 32

/** An empty window for a container. */
export function createWindow(containerId: string): Window {
  return {
    containerId,
    latest: null,
    cpuCores: createSeries(),
    workingSetBytes: createSeries(),
    unreclaimableBytes: createSeries(),
    memoryClimb: createClimb(),
    restedAtBytes: 0,
    killedAtMs: Number.NEGATIVE_INFINITY,
    pidsClimb: createClimb(PIDS_HIGHS),
    saturation: createSaturation(),
    cpuOutlook: createOutlook(),
    memoryOutlook: createOutlook(),
    logErrors: createLogErrors(),
    life: { at: 0, health: 'none', healthFailingStreak: 0, crashTimesMs: [] },
  }
}

/** Cuts the series: what was before a start says nothing about what comes after. */
export function beginLife(window: Window): void {
  if (window.latest !== null) window.restedAtBytes = restLevel(window.memoryClimb, window.latest.at)
  clear(window.cpuCores)
  clear(window.workingSetBytes)
  clear(window.unreclaimableBytes)
  clearClimb(window.memoryClimb)
  clearClimb(window.pidsClimb)
  window.saturation = createSaturation()
  window.cpuOutlook = createOutlook()
  window.memoryOutlook = createOutlook()
  forgetRecentLogErrors(window.logErrors)
  window.latest = null
}

/** After a longer silence the window begins anew: a slope over the gap would be made up. */
const GAP_MS = 90_000

/** Takes a sample into the window, which begins anew after a long silence. */
export function observeAcrossGap(window: Window, sample: Sample): void {
  if (sample.at - (window.latest?.at ?? sample.at) > GAP_MS) beginLife(window)
  observe(window, sample)
}

/** A sample this much older than the newest one is not late: the clock was set back. */
const SET_BACK_MS = 5_000

/**
 * Takes a sample into the window. Unknown quantities leave their series as they are; a clock that was set back begins
 * the window anew, for its series would take nothing until the old time is reached again.
 */
export function observe(window: Window, sample: Sample): void {
  if (window.latest !== null && window.latest.at - sample.at > SET_BACK_MS) beginLife(window)
  const stepMs = window.latest === null ? 1_000 : sample.at - window.latest.at
  window.latest = sample
  const {
    cpuCores,
    workingSetBytes,
    unreclaimableBytes,
    memoryLimitBytes,
    pids,
    pidsLimit,
    cpuShareOfLimit,
    logErrorsPerSecond,
  } = sample
  // What the kernel has killed a process for is not garbage that was collected: the next climb is to be seen as early as the first.
  if ((sample.oomKills ?? 0) > 0) {
    window.killedAtMs = sample.at
    clear(window.unreclaimableBytes)
    clear(window.workingSetBytes)
    clearClimb(window.memoryClimb)
  }
  if (cpuCores !== null) {
    append(window.cpuCores, sample.at, cpuCores)
    look(window.cpuOutlook, sample.at, cpuCores)
  }
  if (workingSetBytes !== null) {
    append(window.workingSetBytes, sample.at, workingSetBytes)
    look(window.memoryOutlook, sample.at, workingSetBytes)
  }
  if (unreclaimableBytes !== null) append(window.unreclaimableBytes, sample.at, unreclaimableBytes)
  const heldBytes = unreclaimableBytes ?? workingSetBytes
  if (heldBytes !== null && memoryLimitBytes !== null)
    climbTo(window.memoryClimb, sample.at, heldBytes, memoryLimitBytes)
  if (pids !== null && pidsLimit !== null) climbTo(window.pidsClimb, sample.at, pids, pidsLimit)
  if (logErrorsPerSecond !== null) takeLogErrors(window.logErrors, logErrorsPerSecond, stepMs)
  if (cpuShareOfLimit !== null) saturate(window.saturation, cpuShareOfLimit, stepMs)
}
