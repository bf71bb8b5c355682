import { RECORDED_MS } from './contracts/black-box.ts'
import type { Container, EngineEvent } from './contracts/telemetry.ts'
import { fittingEvents, visible } from './evidence.ts'
import type { Observation } from './store/stored-metrics.ts'

/** Of containers that are gone so many are remembered: the ones longest not heard of go first. */
const MOST_GONE = 500
/** Between two rounds no more than so many come, whatever the engine says. */
const MOST_REMEMBERED = 5_000
/** A container that ends and starts all the time must not drive out the events of the others. */
const MOST_EVENTS_EACH = 50

export type BlackBoxMemory = {
  /** Takes what was seen in one round. */
  observed(observations: readonly Observation[], containers: ReadonlyMap<string, Container>): void
  onEngineEvent(event: EngineEvent, container: Container | undefined): void
  /** The container as it was when its light was last low and it ran well. */
  goodOf(key: string): Container | null
  /** The newest events of a container and its project around `nowMs`, in the order of their times. */
  eventsOf(containerId: string, project: string | null, nowMs: number): EngineEvent[]
}

/** Forgets the oldest of those that may be forgotten until no more than `most` are left of all. */
function forgetOldest<T>(remembered: Map<string, T>, most: number, may: (key: string, value: T) => boolean): void {
  if (remembered.size <= most) return
  for (const [key, value] of remembered) {
    if (remembered.size <= most) return
    if (may(key, value)) remembered.delete(key)
  }
}

/** What the engine cannot be asked for afterwards: how a container was when it was well, and what happened lately. */
export function createBlackBoxMemory(): BlackBoxMemory {
  const good = new Map<string, Container>()
  const events = new Map<string, { project: string | null; newest: EngineEvent[] }>()
  return {
    observed(observations, containers) {
      for (const { sample, assessment } of observations) {
        if (assessment.light !== 'low' || assessment.probability === null) continue
        const container = containers.get(sample.containerId)
        if (container === undefined || container.state !== 'running' || good.get(container.key) === container) continue
        if (container.health !== 'healthy' && container.health !== 'none') continue
        good.delete(container.key)
        good.set(container.key, container)
      }
      const most = containers.size + MOST_GONE
      forgetOldest(good, most, (_, { id }) => !containers.has(id))
      forgetOldest(events, most, (id) => !containers.has(id))
    },
    onEngineEvent(event, container) {
      const { containerId } = event
      const known = events.get(containerId)
      const project = container?.composeProject ?? known?.project ?? null
      const kept = { ...event, kind: visible(event.kind).slice(0, 40), name: visible(event.name) }
      events.delete(containerId)
      events.set(containerId, { project, newest: [...(known?.newest ?? []), kept].slice(-MOST_EVENTS_EACH) })
      forgetOldest(events, MOST_REMEMBERED, () => true)
    },
    goodOf: (key) => good.get(key) ?? null,
    eventsOf(containerId, project, nowMs) {
      const near = [...events]
        .filter(([id, of]) => id === containerId || (project !== null && of.project === project))
        .flatMap(([, { newest }]) => newest)
        .filter(({ at }) => Math.abs(nowMs - at) <= RECORDED_MS)
      return fittingEvents(near.sort((a, b) => a.at - b.at))
    },
  }
}
