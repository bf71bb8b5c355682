import { z } from 'zod'
import { ContainerView, IncidentView } from './api.ts'
import { ServiceStatus } from './status.ts'
import { ContainerId } from './telemetry.ts'

/** What changed of a container since the tick before; all of it where the container is new. */
export const ContainerChange = ContainerView.partial().required({ id: true })
export type ContainerChange = z.infer<typeof ContainerChange>

/**
 * What `/api/live` sends. `snapshot` comes once after connecting, `tick` each second with what changed since the tick before
 * or the snapshot (where there are many containers several with the same `at`, each for a part of them), `incident`
 * whenever one changes, `status` when a part of the service changes. The SSE event name is `type`; `incident` events
 * carry an id and are sent again to a client that comes back with `Last-Event-ID`.
 */
export const LiveEvent = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    at: z.string(),
    containers: z.array(ContainerView),
    incidents: z.array(IncidentView),
    status: ServiceStatus,
  }),
  z.object({
    type: z.literal('tick'),
    at: z.string(),
    /** When the readings of what this tick is about were complete. */
    readAt: z.string(),
    changed: z.array(ContainerChange),
    /** Ids of containers that are gone. */
    gone: z.array(ContainerId),
  }),
  z.object({ type: z.literal('incident'), at: z.string(), incident: IncidentView }),
  z.object({ type: z.literal('status'), at: z.string(), status: ServiceStatus }),
])
export type LiveEvent = z.infer<typeof LiveEvent>
