import type { ContainerView } from './api.ts'
import { type Cell, toCsv } from './csv.ts'
import { type Mark, markOf } from './mark.ts'

const RANK: Record<Mark, Cell> = { 'not-running': null, none: null, low: 0, medium: 1, critical: 2 }

/** The columns of the table and of its CSV file, with the value each is sorted by. Units are in the names. */
const COLUMNS = {
  light: (container: ContainerView): Cell => RANK[markOf(container)],
  name: (container: ContainerView): Cell => container.name,
  project: (container: ContainerView): Cell => container.composeProject,
  state: (container: ContainerView): Cell => container.state,
  probability: (container: ContainerView): Cell => container.probability,
  cpuCores: (container: ContainerView): Cell => container.cpuCores,
  cpuCoresForecast: (container: ContainerView): Cell => container.cpuCoresForecast?.value ?? null,
  workingSetBytes: (container: ContainerView): Cell => container.workingSetBytes,
  memoryBytesForecast: (container: ContainerView): Cell => container.memoryBytesForecast?.value ?? null,
  memoryLimitBytes: (container: ContainerView): Cell => container.memoryLimitBytes,
  timeToLimitMs: (container: ContainerView): Cell => container.timeToLimitMs,
  restartCount: (container: ContainerView): Cell => container.restartCount,
  mode: (container: ContainerView): Cell => container.mode,
}

export type SortColumn = keyof typeof COLUMNS
export type Sort = { column: SortColumn; descending: boolean }

export const SORT_COLUMNS = Object.keys(COLUMNS) as SortColumn[]
export const isSortColumn = (text: string): text is SortColumn => Object.hasOwn(COLUMNS, text)

/** Names in the order people count: `web-2` before `web-10`. */
export const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' }).compare

function compare(a: Cell, b: Cell): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : byName(String(a), String(b))
}

/** A sorted copy; containers without the value come last in both directions, equal ones by name. */
export function sortContainers(containers: readonly ContainerView[], { column, descending }: Sort): ContainerView[] {
  const value = COLUMNS[column]
  return [...containers].sort((left, right) => {
    const a = value(left)
    const b = value(right)
    if (a === null || b === null) return Number(a === null) - Number(b === null) || byName(left.name, right.name)
    return (descending ? compare(b, a) : compare(a, b)) || byName(left.name, right.name)
  })
}

const lightOf = (container: ContainerView): Cell => (COLUMNS.light(container) === null ? null : container.light)

/** The table as a file, in plain units, with the light as its word, empty where there is none. */
export function containersCsv(containers: readonly ContainerView[]): string {
  return toCsv(
    ['id', ...SORT_COLUMNS, 'sampledAt'],
    containers.map((container) => [
      container.id,
      ...SORT_COLUMNS.map((column) => (column === 'light' ? lightOf(container) : COLUMNS[column](container))),
      container.sampledAt,
    ]),
  )
}
