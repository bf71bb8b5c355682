import type { Action, Incident } from './contracts/incident.ts'

/** What was done for a time, with the newest state of the incident that it belongs to. */
export type Lease = { incident: Incident; action: Action; lookAtMs: number; tries: number }

/** A try that fails is followed by another one, ever later: what is too tight now may fit tomorrow. */
const RETRY_MS = 30_000
const LONGEST_RETRY_MS = 3_600_000

/** An action that may have been done, or half of it, counts too: putting back what was not changed harms nobody. */
const IN_FORCE: ReadonlySet<Action['state']> = new Set(['executed', 'failed', 'verified', 'ineffective', 'unknown'])

/** Leases that are not over, gathered from the incidents as they change. */
export function createLeases(): {
  note(incident: Incident): void
  /** The first one that has run out at `nowMs`, if any. */
  due(nowMs: number): Lease | undefined
  /** It could not be taken back now. */
  later(actionId: string, nowMs: number): void
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
      if (lease === undefined) return
      const retryMs = Math.min(LONGEST_RETRY_MS, RETRY_MS * 2 ** lease.tries)
      leases.set(actionId, { ...lease, tries: lease.tries + 1, lookAtMs: nowMs + retryMs })
    },
    end: (actionId) => void leases.delete(actionId),
    ofContainer: (containerKey) =>
      [...leases.values()].filter(({ incident }) => incident.containerKey === containerKey).map(({ action }) => action),
  }
}
