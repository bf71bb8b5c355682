import type { AutonomyBook } from './autonomy-book.ts'
import type { Assessment } from './contracts/assessment.ts'
import type { ActionKind, Incident, Phase } from './contracts/incident.ts'
import type { Runbook } from './contracts/runbook.ts'
import type { HostFigures } from './contracts/status.ts'
import type { Container, Sample } from './contracts/telemetry.ts'
import { factsOf } from './decide/facts.ts'
import type { FollowsFrom, Situation } from './decide/incident-machine.ts'
import { isSet, protectionOf } from './decide/remediation-policy.ts'
import { chooseRunbook } from './decide/runbook-match.ts'
import { dependentsOf, neededBy, surroundingsOf } from './decide/surroundings.ts'

/** What a decision needs to know beside the container itself. */
export type Around = Pick<Situation, 'followsFrom' | 'runbook' | 'judgements' | 'surroundings'>

/** A calm container needs nothing of what is around it. */
export const NOTHING_AROUND: Around = {
  followsFrom: null,
  runbook: null,
  judgements: {},
  surroundings: {
    hostCores: null,
    hostMemoryTotalBytes: null,
    hostMemoryAvailableBytes: null,
    neighbour: null,
    dependents: [],
    sharesNetwork: false,
    inForce: [],
    records: {},
  },
}

/** Who begins to fail so soon after another one of its project, of the same cause, fails of one and the same thing. */
const ONE_CAUSE_MS = 10_000

/**
 * Somebody is at it. Once it is done the others are looked at themselves: where no label says who depends on whom, the first
 * one noticed may be the symptom and not the cause.
 */
const DEALT_WITH: ReadonlySet<Phase> = new Set(['awaiting-approval', 'acting'])
/** Somebody may be at it in a moment. Where a rail holds the first one up for longer, the others are looked at themselves. */
const UNDECIDED: ReadonlySet<Phase> = new Set(['diagnosing', 'detected'])

/** Its check may need longer to call it unhealthy than the checks of those that need it. */
const isFailing = ({ state, healthFailingStreak }: Container): boolean =>
  state === 'restarting' || state === 'paused' || (state === 'running' && healthFailingStreak > 0)

const failingWords = ({ state }: Container): string =>
  state === 'running' ? 'fails its own health check' : `is ${state}`

/** Looks around a container in trouble, at all others: not for each container each second. */
export function createAround(ports: {
  now: () => number
  containers: () => ReadonlyMap<string, Container>
  hostCores: () => number | null
  hostFigures: () => HostFigures | null
  ownContainerId: string | null
  runbooks: readonly Runbook[]
  autonomy: Pick<AutonomyBook, 'modeOf' | 'judgementsOf' | 'remediesOf'>
  incidentOf: (containerKey: string) => Incident | null
  seenOf: (containerId: string) => { sample: Sample | null; assessment: Assessment | null }
  /** Remedies on it whose lease is not over. */
  inForce: (containerKey: string) => ActionKind[]
}): (container: Container) => Around {
  const { autonomy, incidentOf, seenOf } = ports

  /** Others are only touched where they are the program's to touch, too. */
  const mayTouch = (other: Container): boolean => {
    const { mode } = autonomy.modeOf(other)
    const allowed = mode === 'auto' || mode === 'earned' || mode === 'approve'
    return allowed && protectionOf(other, ports.ownContainerId) === null && !isSet(other, 'dockerpulse.critical')
  }

  /**
   * The first one of its project that fails of the same cause in the same moments. Where that one gets well they get well
   * with it or are dealt with next; where it does not, a person is called for it and the others are looked at themselves.
   * Never one that needs this one, however soon it was noticed: its trouble comes from here.
   */
  const firstOfOneCause = (container: Container, own: Incident, all: readonly Container[]): Container | undefined => {
    const dependents = dependentsOf(container, all)
    const isDealtWith = ({ phase, openedAt }: Incident) =>
      DEALT_WITH.has(phase) || (UNDECIDED.has(phase) && ports.now() - openedAt <= ONE_CAUSE_MS)
    return all.find((other) => {
      const theirs = incidentOf(other.key)
      if (theirs === null || other.key === own.containerKey || theirs.composeProject !== own.composeProject)
        return false
      const before = own.openedAt - theirs.openedAt
      const first = before > 0 || (before === 0 && other.key < own.containerKey)
      return (
        first &&
        before <= ONE_CAUSE_MS &&
        theirs.cause === own.cause &&
        isDealtWith(theirs) &&
        mayTouch(other) &&
        !dependents.includes(other)
      )
    })
  }

  /** Whom it needs and who is in trouble itself: that one is the cause, and is dealt with first. */
  const followsFrom = (container: Container, all: readonly Container[]): FollowsFrom | null => {
    const own = incidentOf(container.key)
    if (own?.cause !== 'unhealthy' && own?.cause !== 'crash-loop' && own?.cause !== 'unknown') return null
    for (const other of neededBy(container, all)) {
      const theirs = incidentOf(other.key)
      // Of two that need each other one has to be the first.
      if (theirs !== null && theirs.phase !== 'suppressed')
        return { needed: true, reason: `it follows from the incident of ${other.name}, which it depends on` }
      if (theirs === null && isFailing(other))
        return { needed: true, reason: `it depends on ${other.name}, which ${failingWords(other)}` }
    }
    const first = own.composeProject === null ? undefined : firstOfOneCause(container, own, all)
    if (first === undefined) return null
    const reason = `it is one with the incident of ${first.name}: same project, same cause, within ${ONE_CAUSE_MS / 1000} s`
    return { needed: false, reason }
  }

  return (container) => {
    const incident = incidentOf(container.key)
    const { sample, assessment } = seenOf(container.id)
    const cause = incident?.cause ?? assessment?.cause ?? 'unknown'
    const host = ports.hostFigures()
    const all = [...ports.containers().values()]
    const failures = incident?.failures ?? []
    const { neighbourCpuShareOfHost, ...surroundings } = surroundingsOf(container, all, {
      mayTouch,
      sampleOf: (id) => seenOf(id).sample,
      hostCores: ports.hostCores(),
      host,
    })
    const at = ports.now()
    const facts = factsOf({ at, container, sample, assessment, cause, failures, host, neighbourCpuShareOfHost })
    return {
      followsFrom: followsFrom(container, all),
      runbook: chooseRunbook(ports.runbooks, facts, incident?.light ?? assessment?.light ?? 'low').runbook,
      judgements: autonomy.judgementsOf(container.key),
      surroundings: {
        ...surroundings,
        inForce: ports.inForce(container.key),
        records: autonomy.remediesOf(container.key, cause),
      },
    }
  }
}
