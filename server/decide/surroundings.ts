import type { Target } from '../contracts/incident.ts'
import type { HostFigures } from '../contracts/status.ts'
import type { Container, Sample } from '../contracts/telemetry.ts'

/** Written by docker compose: `db:service_healthy:false,cache:service_started:true`. */
const COMPOSE_DEPENDS_ON = 'com.docker.compose.depends_on'
/** The user's own word, for all that compose does not write it for: services of its project or names, `db, cache`. */
const DEPENDS_ON = 'dockerpulse.depends-on'

/** A neighbour takes the CPU from this share of the host's cores on. */
const NOISY_FROM_SHARE = 0.5

/** A circle ends here. */
const MOST_RELATED = 20

export const targetOf = ({ id, name, startedAt, imageId, stopGraceSeconds }: Container): Target => ({
  id,
  name,
  startedAt,
  imageId,
  stopGraceSeconds,
})

const listed = (label: string | undefined): string[] => (label ?? '').split(',').flatMap((part) => part.trim() || [])

/** Services of its project that a container says it needs while it runs: a job that was to end before is none. */
function servicesNeededBy({ labels }: Container): string[] {
  const byCompose = listed(labels[COMPOSE_DEPENDS_ON])
    .map((part) => part.split(':'))
    .filter(([, condition]) => condition !== 'service_completed_successfully')
    .flatMap(([service]) => service || [])
  return [...byCompose, ...listed(labels[DEPENDS_ON])]
}

const livesIn = (container: Container, other: Container): boolean =>
  container.networkMode === `container:${other.id}` || container.networkMode === `container:${other.name}`

function needs(container: Container, other: Container): boolean {
  if (livesIn(container, other)) return true
  // Asked of every pair: most have no such label.
  const { [DEPENDS_ON]: named } = container.labels
  if (named !== undefined && listed(named).includes(other.name)) return true
  return (
    other.composeService !== null &&
    container.composeProject !== null &&
    container.composeProject === other.composeProject &&
    servicesNeededBy(container).includes(other.composeService)
  )
}

/** All that can be reached from a container by a relation, the nearest first. */
function reachedFrom(
  container: Container,
  all: readonly Container[],
  leads: (from: Container, to: Container) => boolean,
): Container[] {
  const found: Container[] = []
  let ring = [container]
  while (ring.length > 0 && found.length < MOST_RELATED) {
    const next = all.filter(
      (one) => one.id !== container.id && !found.includes(one) && ring.some((other) => leads(other, one)),
    )
    found.push(...next)
    ring = next
  }
  return found.slice(0, MOST_RELATED)
}

/** Containers that run and depend on one, also through others, the nearest first. */
export const dependentsOf = (container: Container, all: readonly Container[]): Container[] =>
  reachedFrom(container, all, (from, to) => to.state === 'running' && needs(to, from))

/** Containers that one depends on, also through others, the nearest first. */
export const neededBy = (container: Container, all: readonly Container[]): Container[] =>
  reachedFrom(container, all, (from, to) => needs(from, to))

/** What is around a container. `mayTouch` says of others whether the program may act on them by itself. */
export function surroundingsOf(
  container: Container,
  all: readonly Container[],
  world: {
    mayTouch: (other: Container) => boolean
    sampleOf: (id: string) => Sample | null
    hostCores: number | null
    host: HostFigures | null
  },
) {
  const dependents = dependentsOf(container, all)
  const noisiest = all
    .filter((other) => other.id !== container.id && other.state === 'running')
    .map((other) => ({ other, cores: world.sampleOf(other.id)?.cpuCores ?? 0 }))
    .reduce<{ other: Container; cores: number } | null>(
      (most, one) => (most === null || one.cores > most.cores ? one : most),
      null,
    )
  const noisy =
    noisiest !== null &&
    world.hostCores !== null &&
    noisiest.cores >= NOISY_FROM_SHARE * world.hostCores &&
    !dependents.includes(noisiest.other) &&
    world.mayTouch(noisiest.other)
  return {
    hostCores: world.hostCores,
    hostMemoryTotalBytes: world.host?.memoryTotalBytes ?? null,
    hostMemoryAvailableBytes: world.host?.memoryAvailableBytes ?? null,
    neighbour: noisy ? targetOf(noisiest.other) : null,
    neighbourCpuShareOfHost: noisy ? noisiest.cores / world.hostCores! : null,
    dependents: dependents.every(world.mayTouch) ? dependents.map(targetOf) : null,
    sharesNetwork: all.some((other) => other.state === 'running' && livesIn(other, container)),
  }
}
