import { z } from 'zod'
import { Mode } from './incident.ts'

/** State of one part of the service; `since` (ISO 8601) is when this state began, `detail` what to do about it. */
export const PartStatus = z.object({
  state: z.enum(['ok', 'degraded', 'down', 'off']),
  detail: z.string(),
  since: z.string(),
})
export type PartStatus = z.infer<typeof PartStatus>

/** What the page shows of the service itself. */
export const ServiceStatus = z.object({
  version: z.string(),
  mode: Mode,
  demo: z.boolean(),
  startedAt: z.string(),
  calibration: z.string(),
  threshold: z.number(),
  engine: PartStatus.extend({
    version: z.string().nullable(),
    hostCores: z.number().nullable(),
    hostMemoryBytes: z.number().nullable(),
  }),
  store: PartStatus.extend({ sizeBytes: z.number(), droppedSamples: z.number() }),
  audit: PartStatus.extend({ entries: z.number(), origin: z.string(), publicKey: z.string() }),
  model: PartStatus.extend({ name: z.string() }),
  /** Counted from the store, so that they survive a restart of the service. */
  counts: z.object({
    openIncidents: z.number(),
    automaticActions: z.number(),
    verifiedActions: z.number(),
    wouldHaveActed: z.number(),
  }),
})
export type ServiceStatus = z.infer<typeof ServiceStatus>
