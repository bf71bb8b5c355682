import type { Appointment } from './agenda.ts'
import { type ContainerSpec, imageId } from './container-spec.ts'
import type { Fault } from './faults.ts'
import { createRandom, hashText, type Random } from './random.ts'
import { createWarmProcess, type Limits, type SimulatedProcess } from './simulated-process.ts'

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy'

export type HealthProbe = { startMs: number; endMs: number; exitCode: number; output: string }

/** One line of output, kept as numbers until somebody reads it. */
export type LogRecord = { atMs: number; stream: 1 | 2; template: string; salt: number }

/** Lines kept per container. */
const KEPT_LOG_LINES = 400
/** Lines that a service has written when the simulation begins. */
const LINES_BEFORE_START = 12
/** Probes an engine keeps per container. */
const KEPT_PROBES = 5

/** Everything an engine knows of one container, and what the simulation adds. */
export type SimulatedContainer = {
  readonly id: string
  readonly spec: ContainerSpec
  readonly imageId: string
  readonly createdAtMs: number
  readonly random: Random
  status: 'created' | 'running' | 'paused' | 'restarting' | 'exited'
  process: SimulatedProcess | null
  limits: Limits
  memorySwapBytes: number
  cpuQuotaUs: number
  cpuPeriodUs: number
  pid: number
  exitCode: number
  oomKilled: boolean
  startedAtMs: number | null
  finishedAtMs: number | null
  restartCount: number
  health: { status: HealthStatus; failingStreak: number; log: HealthProbe[] } | null
  networks: Set<string>
  logs: LogRecord[]
  faults: Fault[]
  /** The engine's own back-off between restarts; zero before the first. */
  backoffMs: number
  /** Somebody asked for the end of this life: no restart policy. */
  stopRequested: boolean
  /** The kernel has killed the process and the engine does not know yet. */
  dying: boolean
  /** A command is at work; others wait in line, as they do for the engine's lock. */
  busy: boolean
  waiting: (() => void)[]
  policyRestart: Appointment | null
  probe: Appointment | null
  onExit: (() => void) | null
}

/** A container that was created and not started. */
export function createSimulatedContainer(spec: ContainerSpec, atMs: number, seed: number): SimulatedContainer {
  const random = createRandom(seed ^ hashText(spec.name))
  return {
    id: random.hex(64),
    spec,
    imageId: imageId(spec.image),
    createdAtMs: atMs,
    random,
    status: 'created',
    process: null,
    limits: { memoryBytes: spec.memoryLimitBytes, cpuCores: spec.cpuLimitCores },
    memorySwapBytes: spec.memoryLimitBytes * 2,
    cpuQuotaUs: 0,
    cpuPeriodUs: 0,
    pid: 0,
    exitCode: 0,
    oomKilled: false,
    startedAtMs: null,
    finishedAtMs: null,
    restartCount: 0,
    health: spec.healthCheck ? { status: 'starting', failingStreak: 0, log: [] } : null,
    networks: new Set([spec.network]),
    logs: [],
    faults: [],
    backoffMs: 0,
    stopRequested: false,
    dying: false,
    busy: false,
    waiting: [],
    policyRestart: null,
    probe: null,
    onExit: null,
  }
}

/** Puts a container into the state of one that was started hours ago and is well. */
export function makeLongRunning(container: SimulatedContainer, nowMs: number, pid: number): void {
  const { spec, random } = container
  const startedAtMs = Math.round(container.createdAtMs + 400 + random.next() * 2_000)
  container.status = 'running'
  container.pid = pid
  container.startedAtMs = startedAtMs
  container.process = createWarmProcess(spec, startedAtMs, nowMs)
  container.process.garbagePhase = random.next()
  for (let line = LINES_BEFORE_START; line > 0; line--)
    writeLog(container, nowMs - (line * 1000) / spec.workload.logs.perSecond, spec.workload.logs.lines, 1)
  if (container.health) {
    container.health.status = 'healthy'
    recordProbe(container, { startMs: nowMs - 2_000, endMs: nowMs - 1_960, exitCode: 0, output: '' })
  }
}

/** Whether there is a process, running or frozen. */
export function isAlive(
  container: SimulatedContainer,
): container is SimulatedContainer & { process: SimulatedProcess } {
  return container.process !== null
}

export function recordProbe(container: SimulatedContainer, probe: HealthProbe): void {
  container.health?.log.push(probe)
  if (container.health && container.health.log.length > KEPT_PROBES) container.health.log.shift()
}

/** Writes a line to the container's output, picking one of `templates`. */
export function writeLog(container: SimulatedContainer, atMs: number, templates: string[], stream: 1 | 2): void {
  const { random, logs } = container
  const template = templates[Math.floor(random.next() * templates.length)]
  if (template === undefined) return
  logs.push({ atMs, stream, template, salt: Math.floor(random.next() * 1e6) })
  if (logs.length >= 2 * KEPT_LOG_LINES) logs.splice(0, logs.length - KEPT_LOG_LINES)
}

/** The text of a log line, without its line end. */
export function logText({ template, salt }: LogRecord): string {
  let number = salt
  return template.replace(/\{n\}/g, () => {
    number = (number * 7919 + 12_345) % 1_000_003
    return String(2 + (number % 240))
  })
}
