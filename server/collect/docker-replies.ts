import { z } from 'zod'
import {
  Container,
  ContainerId,
  ContainerState,
  type Container as ContainerType,
  type Counters,
  type EngineDescription,
  type EngineEvent,
  Health,
} from '../contracts/telemetry.ts'

/** A counter of the kernel: finite, not negative, and below 2^64; anything else is unknown. */
function count(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value < 2 ** 64 ? value : null
}

/** A limit as the engine or the kernel writes it; zero, negative and "almost 2^63" all mean that there is none. */
function limit(value: unknown): number | null {
  const number = count(value)
  return number === null || number === 0 || number >= 2 ** 60 ? null : number
}

/** How the engine writes "never". */
const ZERO_TIME = '0001-'
/** `Date.parse` alone reads a year out of any text that ends in a number. */
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T/
/** The last moment that a Date can hold; ECMA-262, 21.4.1.1. */
const LAST_TIME_MS = 8.64e15

/** Epoch milliseconds of the engine's time; its zero time (year 1) and nonsense are unknown. */
export function parseTime(value: unknown): number | null {
  if (typeof value !== 'string' || value.startsWith(ZERO_TIME) || !ISO_TIME.test(value)) return null
  const at = Date.parse(value)
  return Number.isFinite(at) ? at : null
}

type Loose = Record<string, unknown>
const EMPTY: Loose = {}
const loose = (value: unknown): Loose => (typeof value === 'object' && value !== null ? (value as Loose) : EMPTY)

/** Sum of the counters that are known, or unknown where none is. */
function total(values: (number | null)[]): number | null {
  let sum: number | null = null
  for (const value of values) if (value !== null) sum = (sum ?? 0) + value
  return sum
}

/**
 * Memory that reclaim cannot free, in bytes: the anonymous lists (tmpfs counts there), what is locked, kernel memory
 * where cgroup v2 shows it, and file pages not yet written back. Clean cache, active or not, is left out: the kernel
 * drops it before it kills.
 */
function unreclaimableBytes(stats: Loose): number | null {
  const v1 = 'total_active_anon' in stats
  const pick = (name: string) => count(stats[v1 ? `total_${name}` : name])
  const anonymous = total([pick('active_anon'), pick('inactive_anon')])
  if (anonymous === null) return null
  const unwritten = v1
    ? total([pick('dirty'), pick('writeback')])
    : total([count(stats.file_dirty), count(stats.file_writeback)])
  return total([anonymous, pick('unevictable'), unreclaimableKernelBytes(stats), unwritten])
}

function unreclaimableKernelBytes(stats: Loose): number | null {
  return total([count(stats.slab_unreclaimable), count(stats.kernel_stack), count(stats.pagetables), count(stats.sock)])
}

/** Kernel memory of a container where the engine's reply shows it (cgroup v2). */
function kernelBytes(stats: Loose): number | null {
  return (
    count(stats.kernel) ??
    total([count(stats.slab), count(stats.kernel_stack), count(stats.pagetables), count(stats.sock)])
  )
}

/** The engine's statistics do not tell who waited, nor what was logged. */
const NOT_TOLD = {
  cpuPressureSomeUs: null,
  cpuPressureFullUs: null,
  memoryPressureSomeUs: null,
  memoryPressureFullUs: null,
  ioPressureSomeUs: null,
  ioPressureFullUs: null,
  logErrorLines: null,
}

function blockBytes(entries: unknown, operation: 'read' | 'write'): number | null {
  if (!Array.isArray(entries)) return null
  return total(
    entries.map((entry) => {
      const { op, value } = loose(entry)
      return typeof op === 'string' && op.toLowerCase() === operation ? count(value) : null
    }),
  )
}

function networkBytes(networks: unknown, field: 'rx_bytes' | 'tx_bytes'): number | null {
  return total(Object.values(loose(networks)).map((one) => count(loose(one)[field])))
}

/** Whether a stats reply is the empty one of a container that does not run: its time is the engine's zero time. */
export function isStoppedReply(reply: unknown): boolean {
  const { read } = loose(reply)
  return typeof read === 'string' && read.startsWith(ZERO_TIME)
}

/**
 * One stats reply of the engine as counters, or `null` where it carries no reading (a stopped container's reply, or
 * something else altogether). Missing, negative, infinite and absurd numbers become unknown.
 */
export function parseStats(reply: unknown): Counters | null {
  const stats = loose(reply)
  const readAt = parseTime(stats.read)
  if (readAt === null) return null
  const cpu = loose(stats.cpu_stats)
  const throttling = loose(cpu.throttling_data)
  const memory = loose(stats.memory_stats)
  const memoryDetail = loose(memory.stats)
  const pids = loose(stats.pids_stats)
  const block = loose(stats.blkio_stats).io_service_bytes_recursive
  return {
    readAt,
    cpuUsageNs: count(loose(cpu.cpu_usage).total_usage),
    cfsPeriods: count(throttling.periods),
    throttledPeriods: count(throttling.throttled_periods),
    throttledTimeNs: count(throttling.throttled_time),
    memoryUsageBytes: count(memory.usage),
    inactiveFileBytes: count(memoryDetail.total_inactive_file ?? memoryDetail.inactive_file),
    unreclaimableBytes: unreclaimableBytes(memoryDetail),
    anonBytes: count(memoryDetail.anon ?? memoryDetail.total_rss),
    fileBytes: count(memoryDetail.file ?? memoryDetail.total_cache),
    kernelBytes: kernelBytes(memoryDetail),
    swapBytes: count(memoryDetail.total_swap),
    oomKills: null,
    memoryLimitBytes: limit(memory.limit),
    pids: count(pids.current),
    pidsLimit: limit(pids.limit),
    networkReceiveBytes: networkBytes(stats.networks, 'rx_bytes'),
    networkTransmitBytes: networkBytes(stats.networks, 'tx_bytes'),
    blockReadBytes: blockBytes(block, 'read'),
    blockWriteBytes: blockBytes(block, 'write'),
    ...NOT_TOLD,
  }
}

const optionalNumber = z.number().nullish().catch(null)
const optionalString = z.string().nullish().catch(null)

/** What is not as expected is not known: a container is not lost for it. */
const NetworkReply = z
  .object({
    Aliases: z.array(z.string()).nullish().catch(null),
    IPAMConfig: z.object({ IPv4Address: z.string().nullish() }).nullish().catch(null),
  })
  .catch({})

const InspectReply = z.object({
  Id: ContainerId,
  Name: z.string(),
  Image: optionalString,
  Created: optionalString,
  LogPath: optionalString,
  RestartCount: optionalNumber,
  State: z.object({
    Status: ContainerState.catch('unknown'),
    StartedAt: optionalString,
    Pid: optionalNumber,
    ExitCode: optionalNumber,
    OOMKilled: z.boolean().nullish().catch(null),
    Health: z
      .object({ Status: Health.catch('none'), FailingStreak: optionalNumber })
      .nullish()
      .catch(null),
  }),
  Config: z.object({
    Image: optionalString,
    StopTimeout: optionalNumber,
    Labels: z.record(z.string(), z.string()).nullish().catch(null),
  }),
  HostConfig: z
    .object({
      Memory: optionalNumber,
      NanoCpus: optionalNumber,
      CpuQuota: optionalNumber,
      CpuPeriod: optionalNumber,
      NetworkMode: optionalString,
    })
    .catch({ Memory: null, NanoCpus: null, CpuQuota: null, CpuPeriod: null, NetworkMode: null }),
  NetworkSettings: z
    .object({ Networks: z.record(z.string(), NetworkReply).nullish().catch(null) })
    .nullish()
    .catch(null),
})

/** The kernel's period where the engine leaves `CpuPeriod` at zero, in microseconds. */
const DEFAULT_CPU_PERIOD_US = 100_000
/** What the engine waits before SIGKILL where nothing is configured. */
const DEFAULT_STOP_GRACE_SECONDS = 10
/** For -1, which means to wait for ever. */
const LONGEST_STOP_GRACE_SECONDS = 600

function cpuLimitCores(host: {
  NanoCpus?: number | null | undefined
  CpuQuota?: number | null | undefined
  CpuPeriod?: number | null | undefined
}): number | null {
  if (limit(host.NanoCpus) !== null) return host.NanoCpus! / 1e9
  const quota = limit(host.CpuQuota)
  return quota === null ? null : quota / (limit(host.CpuPeriod) ?? DEFAULT_CPU_PERIOD_US)
}

/**
 * Who a container is across re-creation: compose project, service and number; else its name. A name may not contain a
 * slash, so the two kinds cannot meet.
 */
export function containerKey(name: string, labels: Record<string, string>): string {
  const project = labels['com.docker.compose.project']
  const service = labels['com.docker.compose.service']
  // A job of `docker compose run` carries its service's labels but is not one of its containers.
  const job = labels['com.docker.compose.oneoff'] === 'True'
  return project && service && !job
    ? `${project}/${service}/${labels['com.docker.compose.container-number'] ?? '1'}`
    : name
}

/** The file of the json-file driver, which is the container's own; a path of any other form is not opened. */
function jsonLogPath(id: string, path: string): string | null {
  const isOwn = path.startsWith('/') && path.endsWith(`/containers/${id}/${id}-json.log`) && !path.includes('/../')
  return isOwn ? path : null
}

/** The inventory's view of an inspect reply. Throws a ZodError where it is not one. */
export function parseInspect(reply: unknown): ContainerType {
  const { Id, Name, Image, Created, LogPath, RestartCount, State, Config, HostConfig, NetworkSettings } =
    InspectReply.parse(reply)
  const name = Name.replace(/^\//, '')
  const labels = Config.Labels ?? {}
  const number = Number(labels['com.docker.compose.container-number'])
  return Container.parse({
    id: Id,
    networkMode: HostConfig.NetworkMode ?? null,
    networks: Object.keys(NetworkSettings?.Networks ?? {}),
    endpoints: Object.fromEntries(
      Object.entries(NetworkSettings?.Networks ?? {}).map(([network, { Aliases, IPAMConfig }]) => [
        network,
        { aliases: Aliases ?? [], ipv4Address: IPAMConfig?.IPv4Address || null },
      ]),
    ),
    key: containerKey(name, labels),
    name,
    image: Config.Image ?? '',
    imageId: Image ?? '',
    state: State.Status,
    pid: count(State.Pid) || null,
    logPath: jsonLogPath(Id, LogPath ?? ''),
    health: State.Health?.Status ?? 'none',
    healthFailingStreak: count(State.Health?.FailingStreak) ?? 0,
    composeProject: labels['com.docker.compose.project'] || null,
    composeService: labels['com.docker.compose.service'] || null,
    composeNumber: Number.isInteger(number) && number > 0 ? number : null,
    createdAt: parseTime(Created),
    startedAt: parseTime(State.StartedAt),
    exitCode: State.ExitCode ?? null,
    oomKilled: State.OOMKilled ?? false,
    restartCount: count(RestartCount) ?? 0,
    memoryLimitBytes: limit(HostConfig.Memory),
    cpuLimitCores: cpuLimitCores(HostConfig),
    stopGraceSeconds:
      Config.StopTimeout === -1
        ? LONGEST_STOP_GRACE_SECONDS
        : (count(Config.StopTimeout) ?? DEFAULT_STOP_GRACE_SECONDS),
    labels,
  })
}

const LimitsReply = z.object({
  HostConfig: z.object({
    Memory: optionalNumber,
    MemorySwap: optionalNumber,
    CpuQuota: optionalNumber,
    CpuPeriod: optionalNumber,
  }),
})

/**
 * What `/containers/{id}/update` takes for new limits, after what an inspection says. Swap beyond memory stays as much as
 * it was, none stays none, and a CPU limit is set in the way it was set before: the engine refuses the other one.
 */
export function limitUpdate(
  inspection: unknown,
  { memoryBytes, cpuCores }: { memoryBytes?: number; cpuCores?: number },
): Record<string, number> {
  const { Memory, MemorySwap, CpuQuota, CpuPeriod } = LimitsReply.parse(inspection).HostConfig
  const update: Record<string, number> = {}
  if (memoryBytes !== undefined) {
    const swap = MemorySwap ?? 0
    update.Memory = memoryBytes
    if (swap !== 0) update.MemorySwap = swap < 0 ? swap : memoryBytes + Math.max(0, swap - (Memory ?? 0))
  }
  if (cpuCores !== undefined) {
    if ((CpuQuota ?? 0) > 0) update.CpuQuota = Math.round(cpuCores * (CpuPeriod || DEFAULT_CPU_PERIOD_US))
    else update.NanoCpus = Math.round(cpuCores * 1e9)
  }
  return update
}

const EventReply = z.object({
  Type: z.literal('container'),
  Action: z.string().min(1),
  Actor: z.object({ ID: ContainerId, Attributes: z.record(z.string(), z.string()).catch({}) }),
  time: optionalNumber,
  timeNano: optionalNumber,
})

/** A whole number that an event carries as text; an empty text is none. */
function attribute(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : null
}

/** A container event, or `null` for those of networks, volumes, images, without a time, and what cannot be read. */
export function parseEvent(reply: unknown): EngineEvent | null {
  const parsed = EventReply.safeParse(reply)
  if (!parsed.success) return null
  const { Action, Actor, time, timeNano } = parsed.data
  // "health_status: unhealthy" and "exec_start: /bin/sh …" carry their detail behind a colon.
  const [kind = Action, detail] = Action.split(': ', 2)
  const health = Health.safeParse(kind === 'health_status' ? detail : undefined)
  const at = timeNano ? Math.floor(timeNano / 1e6) : (time ?? 0) * 1000
  if (at <= 0 || at > LAST_TIME_MS) return null
  return {
    at,
    containerId: Actor.ID,
    kind,
    name: Actor.Attributes.name ?? '',
    exitCode: attribute(Actor.Attributes.exitCode),
    signal: attribute(Actor.Attributes.signal),
    health: health.success ? health.data : null,
  }
}

const InfoReply = z.object({
  ID: z.string().catch(''),
  Name: z.string().catch(''),
  ServerVersion: z.string(),
  NCPU: z.number().int().positive(),
  MemTotal: z.number().positive(),
  CgroupVersion: z.string().catch('1'),
  DockerRootDir: optionalString,
})

/** What the engine says of itself, from its `/info` and `/version` replies. Throws a ZodError where they are not theirs. */
export function parseDescription(info: unknown, version: unknown): EngineDescription {
  const { ID, Name, ServerVersion, NCPU, MemTotal, CgroupVersion, DockerRootDir } = InfoReply.parse(info)
  const { ApiVersion } = z.object({ ApiVersion: z.string().catch('') }).parse(version)
  return {
    id: ID,
    name: Name,
    version: ServerVersion,
    apiVersion: ApiVersion,
    hostCores: NCPU,
    hostMemoryBytes: MemTotal,
    cgroupVersion: CgroupVersion,
    rootDirectory: DockerRootDir ?? null,
  }
}

export const ListReply = z.array(z.object({ Id: ContainerId }))
export const TopReply = z.object({ Titles: z.array(z.string()), Processes: z.array(z.array(z.string())) })
