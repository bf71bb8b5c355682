import type { ContainerView } from './api.ts'
import { isRunning } from './mark.ts'
import { byName } from './table.ts'

export type TileSize = 'xl' | 'l' | 'm' | 's' | 'xs'

/**
 * Smallest width and the height of a tile, in rem: the first entry that lets all containers fit is taken. Where `flow`
 * is set, groups follow one another without a new line for each, and their names take the place of a tile.
 */
const SIZES: readonly { size: TileSize; width: number; height: number; flow: boolean }[] = [
  { size: 'xl', width: 17.5, height: 11, flow: false },
  { size: 'l', width: 15, height: 8.5, flow: false },
  { size: 'm', width: 10.7, height: 7.25, flow: false },
  { size: 'm', width: 10.7, height: 7.25, flow: true },
  { size: 's', width: 8.4, height: 3.75, flow: false },
  { size: 's', width: 8.4, height: 3.75, flow: true },
  { size: 'xs', width: 7.25, height: 2.5, flow: true },
]

/** In rem; the style sheet of the board uses the same. */
const GAP = 0.375
const HEADING = 1.5
/** Room for the line that names what is folded away. */
const FOLD_LINE = 2.25

export type Group = { project: string | null; containers: ContainerView[] }
export type BoardPlan = {
  size: TileSize
  tileHeight: number
  columns: number
  flow: boolean
  groups: Group[]
  folded: ContainerView[]
}

/** Whether a container needs no look: nothing wrong is foreseen, and whatever runs is being read. */
function mayFold(container: ContainerView): boolean {
  const overdue = container.freshness === 'stale' && isRunning(container)
  return container.light === 'low' && container.openIncidentId === null && !overdue
}

/** By compose project, both by name, so that a container keeps its place on the wall whatever its state. */
export function groupByProject(containers: readonly ContainerView[]): Group[] {
  const groups = new Map<string | null, ContainerView[]>()
  for (const container of containers) {
    const group = groups.get(container.composeProject)
    if (group) group.push(container)
    else groups.set(container.composeProject, [container])
  }
  return [...groups]
    .map(([project, members]) => ({ project, containers: members.sort((a, b) => byName(a.name, b.name)) }))
    .sort((a, b) => Number(a.project === null) - Number(b.project === null) || byName(a.project ?? '', b.project ?? ''))
}

/** The name without its project, which stands above it anyway: `api-1` for `shop-api-1`. */
export function shortName({ name, composeProject }: ContainerView): string {
  const prefix = composeProject === null ? '' : name.slice(0, composeProject.length + 1)
  return /[-_]$/.test(prefix) && prefix.startsWith(composeProject ?? '') ? name.slice(prefix.length) || name : name
}

/** Height in rem of groups laid side by side as far as they fit, the way a CSS grid of `columns` does it. */
function shelvedHeight(counts: readonly number[], columns: number, tileHeight: number): number {
  let height = 0
  let shelf = 0
  let used = 0
  for (const count of counts) {
    const span = Math.min(count, columns)
    if (used + span > columns) {
      height += shelf
      shelf = 0
      used = 0
    }
    used += span
    shelf = Math.max(shelf, HEADING + Math.ceil(count / columns) * (tileHeight + GAP))
  }
  return height + shelf
}

/**
 * Chooses size and columns for a board of `width` by `height` rem. Where even the smallest tiles do not all fit, those
 * that need no look fold away from the end; the others never do.
 */
export function planBoard(
  containers: readonly ContainerView[],
  width: number,
  height: number,
  unfolded = false,
): BoardPlan {
  const groups = groupByProject(containers)
  const counts = groups.map((group) => group.containers.length)
  const cells = containers.length + groups.length
  let plan: BoardPlan = { size: 'xl', tileHeight: 0, columns: 1, flow: false, groups, folded: [] }
  for (const { size, width: least, height: tileHeight, flow } of SIZES) {
    const columns = Math.max(1, Math.floor((width + GAP) / (least + GAP)))
    plan = { ...plan, size, tileHeight, columns, flow }
    const needed = flow ? Math.ceil(cells / columns) * (tileHeight + GAP) : shelvedHeight(counts, columns, tileHeight)
    if (needed <= height) return plan
  }
  const rows = Math.floor((height - FOLD_LINE) / (plan.tileHeight + GAP))
  return unfolded ? plan : fold(plan, rows * plan.columns)
}

/** Takes containers that need no look away from the end until the rest, and a name for each group left, needs no more than `room`. */
function fold(plan: BoardPlan, room: number): BoardPlan {
  const groups: Group[] = []
  const folded: ContainerView[] = []
  let cells = plan.groups.reduce((sum, group) => sum + group.containers.length + 1, 0)
  for (const { project, containers } of plan.groups.toReversed()) {
    const kept: ContainerView[] = []
    for (const container of containers.toReversed()) {
      if (cells > room && mayFold(container)) {
        folded.unshift(container)
        cells -= 1
      } else kept.unshift(container)
    }
    if (kept.length > 0) groups.unshift({ project, containers: kept })
    else cells -= 1
  }
  return { ...plan, groups, folded }
}
