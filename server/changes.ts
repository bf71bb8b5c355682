import { ContainerView } from './contracts/api.ts'
import type { ContainerChange } from './contracts/live-event.ts'

type Field = ContainerView[keyof ContainerView]

const FIELDS = Object.keys(ContainerView.shape) as (keyof ContainerView)[]

/** Nested values are made anew for each assessment: what they say is compared, not which they are. */
function isSame(before: unknown, now: unknown): boolean {
  if (before === now) return true
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return false
  const names = Object.keys(now)
  if (names.length !== Object.keys(before).length) return false
  return names.every((name) => isSame(before[name as keyof object], now[name as keyof object]))
}

function changeOf(before: ContainerView, now: ContainerView): ContainerChange | null {
  let change: Record<string, Field> | null = null
  for (const name of FIELDS) {
    if (isSame(before[name], now[name])) continue
    change ??= { id: now.id }
    change[name] = now[name]
  }
  return change as ContainerChange | null
}

/** Remembers the containers as they were last told, and gives what is different from then on. */
export function createChanges(): {
  /** Takes containers as they are now, all or some, and gives what changed of them. */
  take(views: readonly ContainerView[]): ContainerChange[]
  /** Forgets all but these, and gives the ids of those forgotten. */
  forgetOthers(present: ReadonlyMap<string, unknown>): string[]
  /** All containers as they were last taken. */
  told(): ContainerView[]
} {
  const byId = new Map<string, ContainerView>()
  return {
    told: () => [...byId.values()],
    take(views) {
      const changed: ContainerChange[] = []
      for (const view of views) {
        const before = byId.get(view.id)
        byId.set(view.id, view)
        const change = before === undefined ? view : changeOf(before, view)
        if (change !== null) changed.push(change)
      }
      return changed
    },
    forgetOthers(present) {
      const gone = [...byId.keys()].filter((id) => !present.has(id))
      for (const id of gone) byId.delete(id)
      return gone
    },
  }
}
