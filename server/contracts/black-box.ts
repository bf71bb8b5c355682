import { z } from 'zod'
import { HostFigures } from './status.ts'
import { Container, ContainerId, EngineEvent } from './telemetry.ts'

/** The JSON of one recording is never larger. */
export const MOST_RECORDING_BYTES = 512 * 1024
/** Later ones of the same incident are refused, so that the first ones stay. */
export const MOST_RECORDINGS = 20
/** How far back samples and events reach. */
export const RECORDED_MS = 15 * 60_000

export const RecordingMoment = z.enum(['opened', 'before-action'])
export type RecordingMoment = z.infer<typeof RecordingMoment>

export const ProcessTable = z.object({ titles: z.array(z.string()), processes: z.array(z.array(z.string())) })

const column = z.array(z.number().nullable())

/**
 * Samples of one container in columns of equal length; `at` is epoch milliseconds of a step's start. `relation` is why
 * it is here: the container itself, one of its compose project, or one of the busiest of the host.
 */
export const RecordedSamples = z.object({
  containerId: ContainerId,
  containerName: z.string(),
  relation: z.enum(['self', 'project', 'busy']),
  stepMs: z.number(),
  at: z.array(z.number()),
  cpuCores: column,
  throttledShare: column,
  workingSetBytes: column,
  probability: column,
  networkReceiveBytesPerSecond: column,
  networkTransmitBytesPerSecond: column,
  blockReadBytesPerSecond: column,
  blockWriteBytesPerSecond: column,
  cpuPressureSomeShare: column,
  memoryPressureSomeShare: column,
  ioPressureSomeShare: column,
})
export type RecordedSamples = z.infer<typeof RecordedSamples>

const plainValue = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** A field of the container that is not what it was when it last ran well. */
export const FieldChange = z.object({ field: z.string(), before: plainValue, after: plainValue })
export type FieldChange = z.infer<typeof FieldChange>

/**
 * What was to be seen around a container at one moment of its incident. Text of containers is masked as for the language
 * model; environment variables are never read. Times are epoch milliseconds, but `at`, which is ISO 8601. `missing`
 * says what could not be had, and why.
 */
export const Recording = z.object({
  incidentId: z.uuid(),
  at: z.iso.datetime({ precision: 3 }),
  moment: RecordingMoment,
  actionId: z.uuid().nullable(),
  containerId: ContainerId,
  containerName: z.string(),
  samples: z.array(RecordedSamples),
  logTail: z.array(z.string()),
  processes: ProcessTable.nullable(),
  container: Container.nullable(),
  /** Empty where nothing changed, and where it was never seen to run well: then `missing` says so. */
  changedSinceGood: z.array(FieldChange),
  events: z.array(EngineEvent),
  host: HostFigures.nullable(),
  missing: z.array(z.string()),
})
export type Recording = z.infer<typeof Recording>

/**
 * One kept recording. `sha256` is that of its JSON as it can be read now, `bytes` that JSON's length; both are `null`,
 * and `problem` says why, where the file cannot be read.
 */
export const RecordingEntry = z.object({
  number: z.number().int(),
  moment: RecordingMoment,
  at: z.iso.datetime({ precision: 3 }).nullable(),
  bytes: z.number().nullable(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
  problem: z.string().nullable(),
})
export type RecordingEntry = z.infer<typeof RecordingEntry>
