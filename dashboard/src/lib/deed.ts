import type { ActionView } from './api.ts'
import type { Format } from './format.ts'
import type { Messages } from './messages.ts'

/** What an action does exactly, beyond its kind: a label and what it names; `null` where the kind says it all. */
export function deedOf(
  deed: ActionView['deed'],
  words: Messages,
  format: Format,
): { label: string; values: string[] } | null {
  const change = (from: string, to: string) => [`${from} \u2192 ${to}`]
  switch (deed.kind) {
    case 'raise-memory-limit':
      return {
        label: words.memoryLimit,
        values: change(format.plainBytes(deed.fromBytes), format.plainBytes(deed.toBytes)),
      }
    case 'raise-cpu-limit': {
      const to = format.plain(deed.toCores)
      return { label: words.cpuLimit, values: change(format.plain(deed.fromCores), `${to} ${words.cores(to)}`) }
    }
    case 'pause-neighbour':
      return { label: words.pausedNeighbour, values: [deed.neighbour.name] }
    case 'restart-in-order': {
      const names = deed.dependents.map(({ name }) => name)
      return { label: words.dependents, values: names.length === 0 ? [words.noDependents] : names }
    }
    case 'isolate':
      return { label: words.cutOff, values: deed.networks }
    case 'restart':
    case 'stop':
      return null
  }
}

/** States in which what an action did is in force, or may be. */
const IN_FORCE: readonly ActionView['state'][] = ['executing', 'executed', 'verified', 'ineffective', 'unknown']
const NOT_YET: readonly ActionView['state'][] = ['proposed', 'recorded']

type Leased = Pick<ActionView, 'state' | 'at' | 'leaseUntil' | 'takenBackAt'>

/** How long an action lasts that is taken back by itself, or when it was; `null` for one that stays, or never was. */
export function leaseOf(action: Leased, now: number, words: Messages, format: Format): string | null {
  const { state, leaseUntil, takenBackAt } = action
  if (takenBackAt !== null) return words.takenBack(format.time(Date.parse(takenBackAt)))
  if (leaseUntil === null) return null
  const endsAt = Date.parse(leaseUntil)
  if (NOT_YET.includes(state)) return words.leaseOf(format.duration(endsAt - Date.parse(action.at)))
  if (!IN_FORCE.includes(state)) return null
  const until = format.time(endsAt)
  return now <= endsAt ? words.leaseUntil(until) : words.leaseOverdue(until)
}
