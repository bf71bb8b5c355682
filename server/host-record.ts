import type { Action } from './contracts/incident.ts'
import { type HostAction, type HostFacts, stormOf } from './decide/rails.ts'

/** Kept for the rails: more than any of them counts. */
const OPENINGS_KEPT = 200
const ACTIONS_KEPT = 500

export type HostRecord = {
  /** Looks at the stop switch and the time of day. Once a round, not for each container. */
  look(): void
  facts(now: Pick<HostFacts, 'actionInFlight' | 'containers' | 'troubled' | 'turning'>): HostFacts
  incidentOpened(): void
  actionBegan(containerKey: string, action: Action): HostAction
  /** It was not done after all. */
  actionRefused(begun: HostAction): void
  actionJudged(containerKey: string, action: Action, helped: boolean): void
  /** The program's own actions from before it was started anew. */
  restore(actions: readonly { containerKey: string; at: number }[]): void
  /** Whether a storm has begun since the last look, and of how many incidents. */
  stormBegan(facts: HostFacts): number | null
}

/** What the rails look at on this host beside the containers: own actions, openings of incidents, the stop switch. */
export function createHostRecord(ports: {
  now: () => number
  stopped: () => string | null
  resumedAtMs: () => number
}): HostRecord {
  let actions: HostAction[] = []
  let openedAtMs: number[] = []
  let stopped: string | null = null
  let minuteOfDay = 0
  let isStorm = false
  return {
    look() {
      stopped = ports.stopped()
      const date = new Date(ports.now())
      minuteOfDay = date.getHours() * 60 + date.getMinutes()
    },
    facts: (now) => ({ ...now, openedAtMs, actions, stopped, resumedAtMs: ports.resumedAtMs(), minuteOfDay }),
    incidentOpened() {
      openedAtMs = [...openedAtMs, ports.now()].slice(-OPENINGS_KEPT)
    },
    actionBegan(containerKey, { startedAt }) {
      const begun: HostAction = { at: startedAt ?? ports.now(), containerKey, helped: null }
      actions = [...actions, begun].slice(-ACTIONS_KEPT)
      return begun
    },
    actionRefused(begun) {
      actions = actions.filter((one) => one !== begun)
    },
    actionJudged(containerKey, { startedAt }, helped) {
      actions = actions.map((one) =>
        one.at === startedAt && one.containerKey === containerKey ? { ...one, helped } : one,
      )
    },
    restore(before) {
      actions = before.map(({ containerKey, at }) => ({ at, containerKey, helped: null }))
    },
    stormBegan(facts) {
      const count = stormOf(facts, ports.now())
      const began = count !== null && !isStorm
      isStorm = count !== null
      return began ? count : null
    },
  }
}
