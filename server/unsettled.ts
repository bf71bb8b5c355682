import type { Action, Incident } from './contracts/incident.ts'
import type { Clock } from './contracts/ports.ts'
import type { Container } from './contracts/telemetry.ts'

/** The engine was asked, the service ended before the answer: beyond the container's grace it gets so long. */
const SETTLES_WITHIN_MS = 60_000

/** The containers that an action stops, and starts again unless it was a stop. */
function touched({ containerId }: Incident, { deed }: Action): readonly string[] {
  if (deed.kind === 'restart' || deed.kind === 'stop') return [containerId]
  // Limits, pauses and networks change at once: there is nothing to wait for.
  return deed.kind === 'restart-in-order' ? [containerId, ...deed.dependents.map(({ id }) => id)] : []
}

/**
 * Actions that were under way when the service ended: the engine may still be at them, and one at a time means that
 * nobody else is acted upon until that is over, as the containers show, or it has had its time.
 */
export function createUnsettled(ports: {
  clock: Pick<Clock, 'now'>
  containers: () => ReadonlyMap<string, Container>
}): {
  take(incident: Incident): void
  isAny(): boolean
} {
  let open: { ids: readonly string[]; stops: boolean; askedAtMs: number; untilMs: number }[] = []

  const isOver = (id: string, stops: boolean, askedAtMs: number): boolean => {
    const container = ports.containers().get(id)
    // What is not known yet was not listed yet; the time limit holds for what is gone.
    if (container === undefined) return false
    if (stops) return container.state !== 'running'
    return container.state === 'running' && (container.startedAt ?? 0) > askedAtMs
  }

  return {
    take(incident) {
      for (const action of incident.actions) {
        if (action.state !== 'executing') continue
        const graceMs =
          action.stopGraceSeconds +
          (action.deed.kind === 'restart-in-order'
            ? action.deed.dependents.reduce((sum, { stopGraceSeconds }) => sum + stopGraceSeconds, 0)
            : 0)
        const ids = touched(incident, action)
        if (ids.length === 0) continue
        open.push({
          ids,
          stops: action.deed.kind === 'stop',
          askedAtMs: action.startedAt ?? action.at,
          untilMs: ports.clock.now() + graceMs * 1000 + SETTLES_WITHIN_MS,
        })
      }
    },
    isAny() {
      if (open.length === 0) return false
      const at = ports.clock.now()
      open = open.filter(
        ({ ids, stops, askedAtMs, untilMs }) => at < untilMs && !ids.every((id) => isOver(id, stops, askedAtMs)),
      )
      return open.length > 0
    },
  }
}
