import { z } from 'zod'
import { ContainerView, IncidentView } from './api.ts'
import { ServiceStatus } from './status.ts'

/**
 * What `/api/live` sends. `snapshot` comes once after connecting, `tick` each second with every container, `incident`
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
    /** When the last reading of this round was complete. */
    readAt: z.string(),
    containers: z.array(ContainerView),
  }),
  z.object({ type: z.literal('incident'), at: z.string(), incident: IncidentView }),
  z.object({ type: z.literal('status'), at: z.string(), status: ServiceStatus }),
])
export type LiveEvent = z.infer<typeof LiveEvent>
