import { lightOf } from './analyse/risk.ts'
import type { Cause, Light } from './contracts/assessment.ts'
import type { HistoryEntry, Incident } from './contracts/incident.ts'
import type { Facts } from './contracts/runbook.ts'

/** A stored second, or step, of an incident's container. */
export type StoredSample = {
  at: number
  probability: number | null
  cpuCores: number | null
  workingSetBytes: number | null
  throttledShare: number | null
}

export type StoredIncident = { incident: Incident; samples: readonly StoredSample[] }

/** What an incident's story says of failures. `count` is how many it stands for. */
export type Failure = {
  at: number
  kind: 'oom' | 'crash' | 'crash-loop' | 'unhealthy' | 'down'
  count: number
  text: string
}

/** What was known at one moment; the light is `null` where nobody stored it. */
export type Moment = { at: number; facts: Facts; light: Light | null }

/** The words of analyse/life and of the incident machine, the most particular first. */
const SIGNS: readonly (readonly [Failure['kind'], RegExp])[] = [
  ['crash-loop', /, (\d+) times within \d+ minutes/],
  ['oom', /kernel killed a process of it/],
  ['crash', /kernel killed it for memory|ended by itself with exit code/],
  ['unhealthy', /health check turned unhealthy/],
  ['down', /it ended and has not been running/],
]

const RECOVERED = /health check is healthy again/

/** A story writes down every first, second, fourth, eighth of a kind: such a line stands for those before it too. */
function countIn(text: string): number {
  const soFar = Number(/\((\d+) times so far\)/.exec(text)?.[1] ?? 1)
  return Math.max(1, soFar / 2)
}

/** The failures that an incident's story tells of, oldest first. */
export function failuresOf({ history }: Pick<Incident, 'history'>): Failure[] {
  return history.flatMap(({ at, event, text }: HistoryEntry): Failure[] => {
    if (!/^incident\.(opened|updated|escalated)$/.test(event) || text.startsWith('no action')) return []
    const [kind, sign] = SIGNS.find(([, one]) => one.test(text)) ?? []
    if (kind === undefined || sign === undefined) return []
    const told = Number(sign.exec(text)?.[1] ?? 1)
    return [{ at, kind, count: event === 'incident.opened' ? told : countIn(text), text }]
  })
}

const CAUSE_OF_FAILURE: Partial<Record<Failure['kind'], Cause>> = {
  oom: 'memory-limit',
  'crash-loop': 'crash-loop',
  unhealthy: 'unhealthy',
}

/** An incident's cause changes only to a crash loop, and then what it was is not stored: its opening tells. */
function causeAt({ cause, openedAt, snapshot }: Incident, failures: readonly Failure[], at: number): Cause {
  if (cause !== 'crash-loop' || failures.some((one) => one.kind === 'crash-loop' && one.at <= at)) return cause
  const opening = failures.find((one) => one.at === openedAt)
  return (opening && CAUSE_OF_FAILURE[opening.kind]) ?? snapshot.assessment?.cause ?? 'unknown'
}

const HOUR_MS = 3_600_000

/** How many the incidents tell of in the hour before; there may have been more between them. */
function countLastHour(failures: readonly Failure[], kinds: readonly Failure['kind'][], at: number): number {
  return failures
    .filter((one) => kinds.includes(one.kind) && one.at <= at && at - one.at < HOUR_MS)
    .reduce((sum, { count }) => sum + count, 0)
}

function healthAt({ history, snapshot }: Incident, failures: readonly Failure[], at: number): string {
  const turned = failures.findLast((one) => one.kind === 'unhealthy' && one.at <= at)
  const recovered = history.findLast((one) => RECOVERED.test(one.text) && one.at <= at)
  if ((turned?.at ?? -1) > (recovered?.at ?? -1)) return 'unhealthy'
  return recovered === undefined ? snapshot.health : 'healthy'
}

/** The service is part of the key of a container that compose made. */
function composeServiceOf({ composeProject, containerKey }: Incident): string | null {
  if (composeProject === null || !containerKey.startsWith(`${composeProject}/`)) return null
  return containerKey.slice(composeProject.length + 1).split('/')[0] ?? null
}

const shareOf = (amount: number | null, limit: number | null): number | null =>
  amount === null || limit === null || limit === 0 ? null : amount / limit

/**
 * The moments of an incident at which something is stored of it: its opening, each failure in its story, and each stored
 * sample from then on. `failures` are those of all incidents of the container. What nobody stored (the host's figures,
 * after the opening also time to the limit, processes and restarts) is not known.
 */
export function momentsOf({ incident, samples }: StoredIncident, failures: readonly Failure[]): Moment[] {
  const { snapshot, openedAt } = incident
  const own = failuresOf(incident)
  const known = (at: number): Facts => ({
    probability: null,
    timeToLimitSeconds: null,
    state: null,
    health: healthAt(incident, own, at),
    cause: causeAt(incident, own, at),
    cpuShareOfLimit: null,
    memoryShareOfLimit: null,
    pidsShareOfLimit: null,
    throttledShare: null,
    oomKillsLastHour: countLastHour(failures, ['oom'], at),
    crashesLastHour: countLastHour(failures, ['crash', 'crash-loop'], at),
    restartCount: null,
    hostCpuBusyShare: null,
    hostMemoryAvailableShare: null,
    hostDiskFreeShare: null,
    neighbourCpuShareOfHost: null,
    containerName: incident.containerName,
    composeProject: incident.composeProject,
    composeService: composeServiceOf(incident),
    image: snapshot.image,
  })
  const { assessment, sample, restartCount } = snapshot
  const seconds = assessment?.timeToLimitMs == null ? null : assessment.timeToLimitMs / 1000
  const opening: Moment = {
    at: openedAt,
    light: assessment?.light ?? null,
    facts: {
      ...known(openedAt),
      probability: assessment?.probability ?? null,
      timeToLimitSeconds: seconds,
      // Only of what ran there is a reading a moment ago.
      state: sample !== null && Math.abs(openedAt - sample.at) <= RECENT_MS ? 'running' : null,
      cpuShareOfLimit: sample?.cpuShareOfLimit ?? null,
      memoryShareOfLimit: sample?.memoryShareOfLimit ?? null,
      pidsShareOfLimit: shareOf(sample?.pids ?? null, sample?.pidsLimit ?? null),
      throttledShare: sample?.throttledShare ?? null,
      restartCount,
    },
  }
  const failed = own.filter(({ at }) => at > openedAt).map(({ at }): Moment => ({ at, light: null, facts: known(at) }))
  const sampled = samples
    .filter(({ at }) => at > openedAt)
    .map(
      ({ at, probability, cpuCores, workingSetBytes, throttledShare }): Moment => ({
        at,
        light: probability === null ? null : lightOf(probability),
        facts: {
          ...known(at),
          probability,
          state: 'running',
          cpuShareOfLimit: shareOf(cpuCores, snapshot.cpuLimitCores),
          memoryShareOfLimit: shareOf(workingSetBytes, snapshot.memoryLimitBytes),
          throttledShare,
        },
      }),
    )
  return [opening, ...[...failed, ...sampled].sort((a, b) => a.at - b.at)]
}

/** As old a reading may be at the opening, where calm containers are read every half minute. */
const RECENT_MS = 35_000
