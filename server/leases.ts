import type { Action, Incident } from './contracts/incident.ts'

/** What was done for a time, with the newest state of the incident that it belongs to. */
export type Lease = { incident: Incident; action: Action; lookAtMs: number; tries: number }

const RETRY_MS = 30_000
/** After so many tries a person has to put it back. */
const MOST_TRIES = 20

/** An action that may have been done counts too: putting back what was not changed harms nobody. */
const IN_FORCE: ReadonlySet<Action['state']> = new Set(['executed', 'verified', 'ineffective', 'unknown'])

/** Leases that are not over, gathered from the incidents as they change. */
export function createLeases(): {
  note(incident: Incident): void
  /** The first one that has run out at `nowMs`, if any. */
  due(nowMs: number): Lease | undefined
  /** It could not be taken back; false when it was tried often enough. */
  later(actionId: string, nowMs: number): boolean
  end(actionId: string): void
  ofContainer(containerKey: string): Action[]
} {
  const leases = new Map<string, Lease>()
  return {
    note(incident) {
      for (const action of incident.actions) {
        if (action.leaseUntil === null || !IN_FORCE.has(action.state)) continue
        const known = leases.get(action.id)
        if (action.takenBackAt !== null) leases.delete(action.id)
        else
          leases.set(action.id, {
            incident,
            action,
            lookAtMs: known?.lookAtMs ?? action.leaseUntil,
            tries: known?.tries ?? 0,
          })
      }
    },
    due: (nowMs) => [...leases.values()].find(({ lookAtMs }) => nowMs >= lookAtMs),
    later(actionId, nowMs) {
      const lease = leases.get(actionId)
      if (lease === undefined) return false
      const next = { ...lease, tries: lease.tries + 1, lookAtMs: nowMs + RETRY_MS }
      if (next.tries >= MOST_TRIES) leases.delete(actionId)
      else leases.set(actionId, next)
      return next.tries < MOST_TRIES
    },
    end: (actionId) => void leases.delete(actionId),
    ofContainer: (containerKey) =>
      [...leases.values()].filter(({ incident }) => incident.containerKey === containerKey).map(({ action }) => action),
  }
}
