import type { ContainerView } from './contracts/api.ts'
import type { ContainerChange } from './contracts/live-event.ts'

type Field = ContainerView[keyof ContainerView]

/** Nested values are made anew for each assessment: what they say is compared, not which they are. */
function isSame(before: Field, now: Field): boolean {
  if (before === now) return true
  if (typeof now !== 'object' || now === null || before === null) return false
  return JSON.stringify(before) === JSON.stringify(now)
}

function changeOf(before: ContainerView, now: ContainerView): ContainerChange | null {
  const change: Record<string, Field> = { id: now.id }
  let changed = false
  for (const name of Object.keys(now) as (keyof ContainerView)[]) {
    if (isSame(before[name], now[name])) continue
    change[name] = now[name]
    changed = true
  }
  return changed ? (change as ContainerChange) : null
}

/** Remembers the containers as they were last told, and gives what is different from then on. */
export function createChanges(): {
  /** Takes all containers as they are now. */
  take(views: readonly ContainerView[]): { changed: ContainerChange[]; gone: string[] }
  /** All containers as they were last taken. */
  readonly told: readonly ContainerView[]
} {
  let told: readonly ContainerView[] = []
  let byId = new Map<string, ContainerView>()
  return {
    get told() {
      return told
    },
    take(views) {
      const changed: ContainerChange[] = []
      const now = new Map<string, ContainerView>()
      for (const view of views) {
        now.set(view.id, view)
        const before = byId.get(view.id)
        const change = before === undefined ? view : changeOf(before, view)
        if (change !== null) changed.push(change)
      }
      const gone = [...byId.keys()].filter((id) => !now.has(id))
      byId = now
      told = views
      return { changed, gone }
    },
  }
}
