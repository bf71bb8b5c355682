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
  /** Takes all containers as they are now. */
  take(views: readonly ContainerView[]): { changed: ContainerChange[]; gone: string[] }
  /** All containers as they were last taken. */
  readonly told: readonly ContainerView[]
} {
  let told: readonly ContainerView[] = []
  const byId = new Map<string, ContainerView>()

  const forgetGone = (views: readonly ContainerView[]): string[] => {
    const here = new Set(views.map(({ id }) => id))
    const gone = [...byId.keys()].filter((id) => !here.has(id))
    for (const id of gone) byId.delete(id)
    return gone
  }

  return {
    get told() {
      return told
    },
    take(views) {
      const changed: ContainerChange[] = []
      for (const view of views) {
        const before = byId.get(view.id)
        byId.set(view.id, view)
        const change = before === undefined ? view : changeOf(before, view)
        if (change !== null) changed.push(change)
      }
      told = views
      return { changed, gone: byId.size > views.length ? forgetGone(views) : [] }
    },
  }
}
