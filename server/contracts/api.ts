import { z } from 'zod'
import { Cause, Evidence, Forecast, Light, TimeToLimit } from './assessment.ts'
import { Action, Explanation, HistoryEntry, Incident, Mode, Snapshot } from './incident.ts'
import { ContainerId, ContainerState, Health } from './telemetry.ts'

/** RFC 9457 problem details. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
})
export type Problem = z.infer<typeof Problem>

/** `operator` may do everything, `viewer` reads everything and changes nothing. */
export const Role = z.enum(['operator', 'viewer'])
export type Role = z.infer<typeof Role>

/** Whoever asks. */
export const Session = z.object({ role: Role })
export type Session = z.infer<typeof Session>

const IsoTime = z.iso.datetime({ precision: 3 })

/**
 * One container as the API and the live stream show it. `probability` is `null` where nothing could be evaluated
 * (stopped, no reading yet, reading too old); `freshness` says which.
 */
export const ContainerView = z.object({
  id: ContainerId,
  key: z.string(),
  name: z.string(),
  image: z.string(),
  state: ContainerState,
  health: Health,
  composeProject: z.string().nullable(),
  composeService: z.string().nullable(),
  startedAt: IsoTime.nullable(),
  restartCount: z.number(),
  mode: Mode,
  /** Why it is never acted upon, or `null`. */
  protectedBecause: z.string().nullable(),
  light: Light,
  probability: z.number().nullable(),
  cause: Cause.nullable(),
  timeToLimitMs: z.number().nullable(),
  timeToLimitLowerMs: z.number().nullable(),
  timeToLimitUpperMs: z.number().nullable(),
  pidsTimeToLimit: TimeToLimit.nullable(),
  freshness: z.enum(['live', 'stale', 'none']),
  sampledAt: IsoTime.nullable(),
  cpuCores: z.number().nullable(),
  cpuShareOfLimit: z.number().nullable(),
  cpuLimitCores: z.number().nullable(),
  throttledShare: z.number().nullable(),
  /** As in `Assessment`. */
  logErrorsPerMinute: z.number().nullable(),
  workingSetBytes: z.number().nullable(),
  memoryLimitBytes: z.number().nullable(),
  memoryShareOfLimit: z.number().nullable(),
  pids: z.number().nullable(),
  cpuCoresForecast: Forecast.nullable(),
  memoryBytesForecast: Forecast.nullable(),
  cpuCoresFarForecasts: z.array(Forecast),
  memoryBytesFarForecasts: z.array(Forecast),
  cpuZScore: z.number().nullable(),
  memoryZScore: z.number().nullable(),
  cpuAnomalyScore: z.number().nullable(),
  memoryAnomalyScore: z.number().nullable(),
  evidence: z.array(Evidence),
  openIncidentId: z.string().nullable(),
})
export type ContainerView = z.infer<typeof ContainerView>

const column = z.array(z.number().nullable())

/**
 * Columns of equal length, one row a step. `at` is epoch milliseconds of the step's start. The forecast columns are
 * what was forecast *for* that row `forecastHorizonMs` earlier; `ahead` continues them past the newest sample.
 */
export const SampleColumns = z.object({
  containerId: ContainerId,
  from: IsoTime,
  to: IsoTime,
  stepMs: z.number(),
  forecastHorizonMs: z.number(),
  memoryLimitBytes: z.number().nullable(),
  cpuLimitCores: z.number().nullable(),
  /** The tier that answered; a step of a long one is a mean, with its spread beside it. */
  tier: z.enum(['raw', '10s', '1min', '1h']),
  at: z.array(z.number()),
  cpuCores: column,
  cpuCoresMin: column,
  cpuCoresMax: column,
  cpuCoresP95: column,
  cpuCoresForecast: column,
  cpuCoresLower: column,
  cpuCoresUpper: column,
  workingSetBytes: column,
  workingSetBytesMin: column,
  workingSetBytesMax: column,
  workingSetBytesP95: column,
  memoryBytesForecast: column,
  memoryBytesLower: column,
  memoryBytesUpper: column,
  throttledShare: column,
  probability: column,
  networkReceiveBytesPerSecond: column,
  networkTransmitBytesPerSecond: column,
  blockReadBytesPerSecond: column,
  blockWriteBytesPerSecond: column,
  cpuPressureSomeShare: column,
  memoryPressureSomeShare: column,
  ioPressureSomeShare: column,
  ahead: z.object({
    at: z.array(z.number()),
    cpuCoresForecast: column,
    cpuCoresLower: column,
    cpuCoresUpper: column,
    memoryBytesForecast: column,
    memoryBytesLower: column,
    memoryBytesUpper: column,
  }),
})
export type SampleColumns = z.infer<typeof SampleColumns>

export const ActionView = Action.extend({
  at: IsoTime,
  crossedAt: IsoTime.nullable(),
  startedAt: IsoTime.nullable(),
  askedAt: IsoTime.nullable(),
  finishedAt: IsoTime.nullable(),
  leaseUntil: IsoTime.nullable(),
  takenBackAt: IsoTime.nullable(),
})
export type ActionView = z.infer<typeof ActionView>

/** An incident with its times as ISO 8601. */
export const IncidentView = Incident.extend({
  openedAt: IsoTime,
  closedAt: IsoTime.nullable(),
  failures: z.array(z.object({ at: IsoTime, kind: z.string() })),
  actions: z.array(ActionView),
  history: z.array(HistoryEntry.extend({ at: IsoTime })),
  explanation: Explanation.extend({ at: IsoTime }).nullable(),
  snapshot: Snapshot.extend({ at: IsoTime, startedAt: IsoTime.nullable() }),
})
export type IncidentView = z.infer<typeof IncidentView>
