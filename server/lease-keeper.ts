import type { Executor } from './act/executor.ts'
import type { Incident } from './contracts/incident.ts'
import type { Clock } from './contracts/ports.ts'
import type { Container } from './contracts/telemetry.ts'
import type { createLeases, Lease } from './leases.ts'

/** Puts back what was done for a time, once that is over. */
export function createLeaseKeeper(ports: {
  clock: Clock
  executor: Pick<Executor, 'takeBack'>
  leases: ReturnType<typeof createLeases>
  containers: () => ReadonlyMap<string, Container>
  engineAnswers: () => boolean
  /** Memory in use now, bytes. */
  usedBytesOf: (containerId: string) => number | null
  /** Writes it into the audit log and the incident. */
  note: (
    event: 'lease.ended' | 'lease.kept',
    lease: Pick<Lease, 'incident' | 'action'>,
    reason: string,
    result: string,
  ) => void
  /** Whether the newest entry of an action could not be written: then nothing is done. */
  isUnwritten: (actionId: string) => boolean
  /** Tells what is watched that it was put back; gives the incident as it is now. */
  takenBack: (lease: Lease) => Incident
}): { takeBackDue(): Promise<void> | null } {
  const { clock, leases, note } = ports

  const ended = (lease: Lease, reason: string, result: string) => {
    leases.end(lease.action.id)
    const incident = ports.takenBack(lease)
    const action = { ...lease.action, takenBackAt: clock.now() }
    const actions = incident.actions.map((one) => (one.id === action.id ? { ...one, takenBackAt: clock.now() } : one))
    note('lease.ended', { incident: { ...incident, actions }, action }, reason, result)
  }

  return {
    /** Begins with the first lease that is over; `null` where none is, or nothing has to be asked of the engine. */
    takeBackDue() {
      const lease = leases.due(clock.now())
      if (lease === undefined) return null
      const { incident, action } = lease
      const { containerId } = incident
      // A neighbour stays paused also where the one that it was paused for is gone.
      const heldId = action.deed.kind === 'pause-neighbour' ? action.deed.neighbour.id : containerId
      if (!ports.containers().has(heldId) && ports.engineAnswers()) {
        ended(lease, `the container of ${action.kind} is gone`, 'gone')
        return null
      }
      note('lease.ended', lease, `the lease of ${action.kind} is over: taking it back`, 'intended')
      if (ports.isUnwritten(action.id)) {
        leases.later(action.id, clock.now())
        return null
      }
      const undo = { deed: action.deed, containerId, usedBytes: ports.usedBytesOf(containerId) }
      return ports.executor.takeBack(undo).then(({ outcome, reason }) => {
        if (outcome === 'executed') return ended(lease, reason, 'executed')
        leases.later(action.id, clock.now())
        note('lease.kept', lease, `${reason}; tried again later`, 'kept')
      })
    },
  }
}
