import type { ContainerView } from './api.ts'
import { countMarks, isRunning } from './mark.ts'

/** What the tiles above the board count, at one moment. */
export type Totals = {
  at: number
  watched: number
  critical: number
  medium: number
  /** Whatever its light. */
  notRunning: number
  /** `null` where no container has a current reading. */
  cpuCores: number | null
  workingSetBytes: number | null
  openIncidents: number
}

const COMPARE_MS = 60_000
/** A tick a second for the minute compared with, and the one before it. */
const KEPT = 62

const sum = (values: (number | null)[]): number | null =>
  values.reduce<number | null>((total, value) => (value === null ? total : (total ?? 0) + value), null)

/** Adds up one tick. */
export function total(at: number, containers: readonly ContainerView[], openIncidents: number): Totals {
  const live = containers.filter((container) => container.freshness === 'live')
  const { critical, medium } = countMarks(containers)
  return {
    at,
    watched: containers.length,
    critical,
    medium,
    notRunning: containers.filter((container) => !isRunning(container)).length,
    cpuCores: sum(live.map((container) => container.cpuCores)),
    workingSetBytes: sum(live.map((container) => container.workingSetBytes)),
    openIncidents,
  }
}

/** The history with `next` at its end, cut to what a comparison with a minute ago needs. */
export function remember(history: readonly Totals[], next: Totals): Totals[] {
  return [...history.filter(({ at }) => at < next.at).slice(1 - KEPT), next]
}

/** The totals of a minute before the newest, or the oldest there are. */
export function comparedWith(history: readonly Totals[]): Totals | null {
  const newest = history.at(-1)
  if (!newest || history.length < 2) return null
  return history.findLast(({ at }) => newest.at - at >= COMPARE_MS) ?? history[0] ?? null
}
