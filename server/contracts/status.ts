import { z } from 'zod'
import { TimeToLimit } from './assessment.ts'
import { Mode } from './incident.ts'

/** State of one part of the service; `since` (ISO 8601) is when this state began, `detail` what to do about it. */
export const PartStatus = z.object({
  state: z.enum(['ok', 'degraded', 'down', 'off']),
  detail: z.string(),
  since: z.string(),
})
export type PartStatus = z.infer<typeof PartStatus>

const share = z.number().nullable()
const amount = z.number().nullable()

/** The whole host, where its files can be seen; shares are 0..1, pressure (PSI, "some") is a share of the time. */
export const HostFigures = z.object({
  cpuBusyShare: share,
  memoryTotalBytes: amount,
  memoryAvailableBytes: amount,
  swapTotalBytes: amount,
  swapFreeBytes: amount,
  load1: amount,
  cpuPressureSomeShare: share,
  memoryPressureSomeShare: share,
  ioPressureSomeShare: share,
  diskTotalBytes: amount,
  diskFreeBytes: amount,
  /** `null` where nothing points at a full disk. */
  diskTimeToFull: TimeToLimit.nullable().default(null),
})
export type HostFigures = z.infer<typeof HostFigures>

/** Where the figures come from (the kernel's files or the engine's API), by how many containers, and why. */
export const SourceStatus = z.object({ byFiles: z.number(), byEngine: z.number(), reason: z.string() })
export type SourceStatus = z.infer<typeof SourceStatus>

/** What watching costs, as shares of the whole host's CPU (0..1), and how often calm containers are read for it. */
export const OverheadStatus = z.object({
  ownShareOfHost: share,
  engineShareOfHost: share,
  budgetShareOfHost: z.number(),
  calmIntervalMs: z.number(),
  reason: z.string(),
})
export type OverheadStatus = z.infer<typeof OverheadStatus>

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
  source: SourceStatus,
  overhead: OverheadStatus,
  host: HostFigures.nullable(),
  /** Counted from the store, so that they survive a restart of the service. */
  counts: z.object({
    openIncidents: z.number(),
    automaticActions: z.number(),
    verifiedActions: z.number(),
    wouldHaveActed: z.number(),
  }),
})
export type ServiceStatus = z.infer<typeof ServiceStatus>
