import type { ContainerView, IncidentView } from '../../server/contracts/api.ts'
import type { Scenario } from '../scenario.ts'

/** One victim at one second, as the service's API showed it. */
export type Reading = Pick<
  ContainerView,
  | 'light'
  | 'probability'
  | 'freshness'
  | 'state'
  | 'health'
  | 'memoryShareOfLimit'
  | 'cpuShareOfLimit'
  | 'timeToLimitMs'
>

/**
 * The two victims of an experiment, to whom the same is done: `guarded` may be helped, `watched` may not, so that it
 * shows when the failure would have come.
 */
export type Role = 'guarded' | 'watched'

/** A failure by the world's own signs, in seconds from the begin of watching. */
export type Failure = { role: Role; sign: 'oom' | 'exit' | 'unhealthy' | 'saturated'; atSeconds: number }

/** An incident or action that concerned a victim, or somebody else (`null`). */
export type Happening = {
  role: Role | null
  containerName: string
  what: 'incident' | 'resolved' | 'action'
  /** An incident's cause, or an action's kind and last state. */
  detail: string
  atSeconds: number
}

/** All that was seen of one experiment. One row a second in both columns; `null` where the victim was not listed. */
export type Recording = {
  scenario: Scenario
  injected: string
  readings: Record<Role, (Reading | null)[]>
  failures: Failure[]
  happenings: Happening[]
}

/** What of a container's view a recording keeps. */
export function readingOf(view: ContainerView): Reading {
  const { light, probability, freshness, state, health, memoryShareOfLimit, cpuShareOfLimit, timeToLimitMs } = view
  return { light, probability, freshness, state, health, memoryShareOfLimit, cpuShareOfLimit, timeToLimitMs }
}

/** Incidents and actions since `beganAtMs`, by victim, oldest first; at the same time in the order of names. */
export function happeningsOf(
  incidents: readonly IncidentView[],
  roleOf: (containerName: string) => Role | null,
  beganAtMs: number,
): Happening[] {
  const seconds = (iso: string) => (Date.parse(iso) - beganAtMs) / 1000
  return incidents
    .filter(({ openedAt }) => Date.parse(openedAt) >= beganAtMs)
    .flatMap(({ containerName, cause, openedAt, closedAt, actions }): Happening[] => {
      const one = { role: roleOf(containerName), containerName }
      return [
        { ...one, what: 'incident', detail: cause, atSeconds: seconds(openedAt) },
        ...actions.map(
          ({ kind, state, startedAt, at }): Happening => ({
            ...one,
            what: 'action',
            detail: `${kind} ${state}`,
            atSeconds: seconds(startedAt ?? at),
          }),
        ),
        ...(closedAt === null
          ? []
          : [{ ...one, what: 'resolved' as const, detail: cause, atSeconds: seconds(closedAt) }]),
      ]
    })
    .sort((a, b) => a.atSeconds - b.atSeconds || a.containerName.localeCompare(b.containerName))
}
