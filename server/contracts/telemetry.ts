import { z } from 'zod'

/** The full identifier the engine gives a container; nothing else may become part of a request path. */
export const ContainerId = z.string().regex(/^[0-9a-f]{64}$/)
export type ContainerId = z.infer<typeof ContainerId>

export const ContainerState = z.enum([
  'created',
  'running',
  'paused',
  'restarting',
  'removing',
  'exited',
  'dead',
  'unknown',
])
export type ContainerState = z.infer<typeof ContainerState>

/** `none` where the image declares no health check. */
export const Health = z.enum(['none', 'starting', 'healthy', 'unhealthy'])
export type Health = z.infer<typeof Health>

/** As what a container is connected to a network: the names by which others find it there, and an address of its choice. */
export const Endpoint = z.object({ aliases: z.array(z.string()), ipv4Address: z.string().nullable() })
export type Endpoint = z.infer<typeof Endpoint>

/**
 * One container as the inventory knows it. `key` is who it is across re-creation: compose project, service and
 * number, else its name. Times are epoch milliseconds; `null` means unknown or not set.
 */
export const Container = z.object({
  id: ContainerId,
  key: z.string(),
  name: z.string(),
  image: z.string(),
  imageId: z.string(),
  state: ContainerState,
  /** Its first process as the host sees it. */
  pid: z.number().nullable(),
  /** Where the engine keeps its log as JSON lines; `null` where it does so otherwise, or not at all. */
  logPath: z.string().nullable().default(null),
  health: Health,
  healthFailingStreak: z.number(),
  composeProject: z.string().nullable(),
  composeService: z.string().nullable(),
  composeNumber: z.number().nullable(),
  createdAt: z.number().nullable(),
  startedAt: z.number().nullable(),
  exitCode: z.number().nullable(),
  oomKilled: z.boolean(),
  restartCount: z.number(),
  memoryLimitBytes: z.number().nullable(),
  cpuLimitCores: z.number().nullable(),
  /** How long the engine waits between SIGTERM and SIGKILL when nobody says otherwise. */
  stopGraceSeconds: z.number(),
  /** `bridge`, `host`, `container:<id>`, … as the engine writes it; `null` where it does not say. */
  networkMode: z.string().nullable(),
  /** Names of the networks that it is connected to, and as what. */
  networks: z.array(z.string()),
  endpoints: z.record(z.string(), Endpoint).default({}),
  labels: z.record(z.string(), z.string()),
})
export type Container = z.infer<typeof Container>

/**
 * Raw counters of one reading, in the kernel's units. Every field but the time may be unknown (`null`), never NaN.
 * `readAt` is the engine's own read time in epoch milliseconds.
 */
export type Counters = {
  readAt: number
  cpuUsageNs: number | null
  cfsPeriods: number | null
  throttledPeriods: number | null
  throttledTimeNs: number | null
  memoryUsageBytes: number | null
  inactiveFileBytes: number | null
  unreclaimableBytes: number | null
  anonBytes: number | null
  fileBytes: number | null
  kernelBytes: number | null
  swapBytes: number | null
  oomKills: number | null
  memoryLimitBytes: number | null
  pids: number | null
  pidsLimit: number | null
  networkReceiveBytes: number | null
  networkTransmitBytes: number | null
  blockReadBytes: number | null
  blockWriteBytes: number | null
  /** Time in which some, or all, processes waited for a resource (PSI), in microseconds. */
  cpuPressureSomeUs: number | null
  cpuPressureFullUs: number | null
  memoryPressureSomeUs: number | null
  memoryPressureFullUs: number | null
  ioPressureSomeUs: number | null
  ioPressureFullUs: number | null
  /** Lines of its log that reported an error, counted from some moment on. */
  logErrorLines: number | null
}

/**
 * What one container did in the second before `at` (epoch milliseconds). Rates are per second; `cpuCores` 1 is one
 * core busy; shares are 0..1 of the container's own limit (the host's cores or memory where it has none), pressure
 * shares of the time. `throttledPeriods` and `oomKills` count what happened since the sample before.
 */
export const Sample = z.object({
  containerId: ContainerId,
  at: z.number(),
  cpuCores: z.number().nullable(),
  cpuShareOfLimit: z.number().nullable(),
  throttledShare: z.number().nullable(),
  throttledPeriods: z.number().nullable(),
  memoryUsageBytes: z.number().nullable(),
  workingSetBytes: z.number().nullable(),
  unreclaimableBytes: z.number().nullable(),
  anonBytes: z.number().nullable(),
  fileBytes: z.number().nullable(),
  kernelBytes: z.number().nullable(),
  swapBytes: z.number().nullable(),
  oomKills: z.number().nullable(),
  memoryLimitBytes: z.number().nullable(),
  memoryShareOfLimit: z.number().nullable(),
  pids: z.number().nullable(),
  pidsLimit: z.number().nullable(),
  networkReceiveBytesPerSecond: z.number().nullable(),
  networkTransmitBytesPerSecond: z.number().nullable(),
  blockReadBytesPerSecond: z.number().nullable(),
  blockWriteBytesPerSecond: z.number().nullable(),
  cpuPressureSomeShare: z.number().nullable(),
  cpuPressureFullShare: z.number().nullable(),
  memoryPressureSomeShare: z.number().nullable(),
  memoryPressureFullShare: z.number().nullable(),
  ioPressureSomeShare: z.number().nullable(),
  ioPressureFullShare: z.number().nullable(),
  logErrorsPerSecond: z.number().nullable().default(null),
})
export type Sample = z.infer<typeof Sample>

/** What the engine says of itself and its host. */
export const EngineDescription = z.object({
  id: z.string(),
  name: z.string(),
  version: z.string(),
  apiVersion: z.string(),
  hostCores: z.number(),
  hostMemoryBytes: z.number(),
  cgroupVersion: z.string(),
  /** Where it keeps images and volumes. */
  rootDirectory: z.string().nullable(),
})
export type EngineDescription = z.infer<typeof EngineDescription>

/** A thing that happened to a container, in the engine's words. `at` is epoch milliseconds. */
export const EngineEvent = z.object({
  at: z.number(),
  containerId: ContainerId,
  /** `start`, `die`, `oom`, `kill`, `stop`, `restart`, `pause`, `unpause`, `destroy`, `create`, `rename`, `update`, `health_status`, … */
  kind: z.string(),
  name: z.string(),
  exitCode: z.number().nullable(),
  signal: z.number().nullable(),
  health: Health.nullable(),
})
export type EngineEvent = z.infer<typeof EngineEvent>
