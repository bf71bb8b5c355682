import type { ContainerSpec } from './container-spec.ts'
import type { Effects } from './faults.ts'
import type { SimulatedContainer } from './simulated-container.ts'

/** The kernel's CFS period is 100 ms. */
const PERIODS_PER_SECOND = 10
/** A burst of demand overruns single CFS periods well before the average reaches the limit. */
const THROTTLING_BEGINS_AT_SHARE = 0.7
/** Kernel memory of one process or thread: stack, task and page tables. */
const KERNEL_BYTES_PER_TASK = 40 * 1024
/** CPU left to a process that hangs. */
const HUNG_CORES = 0.0008
/** Load of a service that nobody can reach: its own timers. */
const LOAD_WITHOUT_NETWORK = 0.05
/** What even an idle interface receives in a second. */
const BROADCAST_BYTES = 60
/** How fast a page cache fills after the start. */
const CACHE_FILL_SECONDS = 90

/** Zero means none. */
export type Limits = { memoryBytes: number; cpuCores: number }

/**
 * One life of a container's process with the counters of its cgroup; a restart makes a new one, from zero. Byte and
 * nanosecond counters are running sums and keep their fractions.
 */
export type SimulatedProcess = {
  startedAtMs: number
  steppedAtMs: number
  demandCores: number
  cpuNs: number
  periods: number
  throttledPeriods: number
  throttledNs: number
  anonymousBytes: number
  leakedBytes: number
  /** Page cache beyond what the service needs. */
  scannedBytes: number
  fileBytes: number
  dirtyBytes: number
  kernelBytes: number
  maxUsageBytes: number
  pageFaults: number
  receiveBytes: number
  transmitBytes: number
  readBytes: number
  writeBytes: number
  pids: number
  noise: number
  garbagePhase: number
  burstLeftSeconds: number
}

/** A process that starts now, with every counter at zero and next to no memory. */
export function createProcess(startedAtMs: number): SimulatedProcess {
  return {
    startedAtMs,
    steppedAtMs: startedAtMs,
    demandCores: 0,
    cpuNs: 15e6,
    periods: 0,
    throttledPeriods: 0,
    throttledNs: 0,
    anonymousBytes: 256 * 1024,
    leakedBytes: 0,
    scannedBytes: 0,
    fileBytes: 0,
    dirtyBytes: 0,
    kernelBytes: 512 * 1024,
    maxUsageBytes: 0,
    pageFaults: 800,
    receiveBytes: 486,
    transmitBytes: 0,
    readBytes: 0,
    writeBytes: 0,
    pids: 1,
    noise: 0,
    garbagePhase: 0,
    burstLeftSeconds: 0,
  }
}

/** A process that has been running since `startedAtMs`: warm, and with the counters of that time at average load. */
export function createWarmProcess(spec: ContainerSpec, startedAtMs: number, nowMs: number): SimulatedProcess {
  const seconds = (nowMs - startedAtMs) / 1000
  const { cpu, network, block, memory } = spec.workload
  return {
    ...createProcess(startedAtMs),
    steppedAtMs: nowMs,
    cpuNs: seconds * cpu.cores * 1e9,
    periods: spec.cpuLimitCores > 0 ? Math.floor(seconds * PERIODS_PER_SECOND * 0.8) : 0,
    anonymousBytes: memory.baseBytes,
    pageFaults: Math.floor(memory.baseBytes / 4096),
    receiveBytes: seconds * network.receiveBytes,
    transmitBytes: seconds * network.transmitBytes,
    readBytes: seconds * block.readBytes + memory.cacheBytes,
    writeBytes: seconds * block.writeBytes,
  }
}

/** One step of simulated time: its end, and where in the day's swing (-1..1) it lies. */
export type Moment = { atMs: number; swing: number }

/** Load as a multiple of the average. */
function dailyLoad(spec: ContainerSpec, { swing }: Moment): number {
  return 1 + spec.workload.cpu.dailyShare * swing
}

/** First half of a step: what the process would like of the CPU, in cores, and no more than its limit lets it have. */
export function demand(
  { spec, limits, networks, random }: SimulatedContainer,
  process: SimulatedProcess,
  effects: Effects,
  moment: Moment,
): number {
  const { cpu, memory } = spec.workload
  process.noise = 0.75 * process.noise + 0.66 * random.normal()
  if (effects.hung) {
    process.demandCores = HUNG_CORES
    return HUNG_CORES
  }
  const noise = Math.max(0.1, 1 + cpu.noiseShare * process.noise)
  let cores = cpu.cores * noise * (networks.size > 0 ? dailyLoad(spec, moment) : LOAD_WITHOUT_NETWORK)
  if (cpu.burst) {
    if (process.burstLeftSeconds > 0) process.burstLeftSeconds -= 1
    else if (random.next() < 1 / cpu.burst.everySeconds) process.burstLeftSeconds = cpu.burst.seconds
    if (process.burstLeftSeconds > 0) cores += cpu.burst.cores
  }
  const warming = (moment.atMs - process.startedAtMs) / 1000 < memory.warmUpSeconds
  if (warming) cores += Math.max(0.1, cpu.cores)
  process.demandCores = cores + effects.extraCores
  return limits.cpuCores > 0 ? Math.min(process.demandCores, limits.cpuCores) : process.demandCores
}

/**
 * Second half: integrates the counters, given the share of its demand that the host could serve (0..1). True where what
 * cannot be reclaimed no longer fits into the memory limit: the kernel kills it.
 */
export function consume(
  container: SimulatedContainer,
  process: SimulatedProcess,
  effects: Effects,
  moment: Moment,
  servedShare: number,
): boolean {
  const { spec, limits } = container
  const { network, block, pids } = spec.workload
  const seconds = (moment.atMs - process.steppedAtMs) / 1000
  process.steppedAtMs = moment.atMs
  const limited = limits.cpuCores > 0
  const granted = limited ? Math.min(process.demandCores, limits.cpuCores) : process.demandCores
  process.cpuNs += granted * servedShare * seconds * 1e9
  if (limited) throttle(process, limits.cpuCores, seconds)

  const connected = container.networks.size > 0
  const busy = effects.hung || !connected ? 0 : servedShare * dailyLoad(spec, moment) * (1 + 0.1 * process.noise)
  const activity = Math.max(0, busy)
  if (connected) process.receiveBytes += (network.receiveBytes * activity + BROADCAST_BYTES) * seconds
  process.transmitBytes += network.transmitBytes * activity * seconds
  process.readBytes += block.readBytes * activity * seconds
  process.writeBytes += (block.writeBytes * activity + effects.writeBytesPerSecond) * seconds
  process.scannedBytes += effects.cacheBytesPerSecond * seconds
  process.readBytes += effects.cacheBytesPerSecond * seconds
  process.pids = pids + Math.round(activity * 0.12 * pids) + effects.extraPids
  return occupy(container, process, effects, seconds)
}

function throttle(process: SimulatedProcess, limitCores: number, seconds: number): void {
  const share = process.demandCores / limitCores
  const periods = PERIODS_PER_SECOND * seconds * Math.min(1, 0.35 + share)
  const overrun = Math.min(1, Math.max(0, (share - THROTTLING_BEGINS_AT_SHARE) / (1 - THROTTLING_BEGINS_AT_SHARE)))
  process.periods += periods
  process.throttledPeriods += periods * overrun ** 2
  const missingCores = Math.max(0.3 * limitCores * overrun ** 2, process.demandCores - limitCores)
  process.throttledNs += overrun > 0 ? missingCores * seconds * 1e9 : 0
}

/** Memory at the end of the step; true where it no longer fits. */
function occupy(
  { spec, limits, random }: SimulatedContainer,
  process: SimulatedProcess,
  effects: Effects,
  seconds: number,
): boolean {
  const { memory, block } = spec.workload
  const ageSeconds = (process.steppedAtMs - process.startedAtMs) / 1000
  const warm = memory.warmUpSeconds > 0 ? 1 - Math.exp((-3 * ageSeconds) / memory.warmUpSeconds) : 1
  let anonymous = 256 * 1024 + memory.baseBytes * warm
  if (memory.sawtooth && !effects.hung) {
    process.garbagePhase += (seconds / memory.sawtooth.periodSeconds) * (1 + 0.15 * process.noise)
    if (process.garbagePhase >= 1) process.garbagePhase = 0
    anonymous += memory.sawtooth.bytes * Math.max(0, process.garbagePhase) * warm
  }
  if (!effects.hung) process.leakedBytes += effects.leakBytesPerSecond * seconds * (1 + 0.05 * random.normal())
  if (process.leakedBytes >= effects.leakUntilBytes) process.leakedBytes = 0
  const step = effects.leakStepBytes
  anonymous += step > 0 ? Math.floor(process.leakedBytes / step) * step : process.leakedBytes
  anonymous += effects.extraBytes + memory.noiseBytes * process.noise
  process.kernelBytes = 512 * 1024 + process.pids * KERNEL_BYTES_PER_TASK + 0.006 * anonymous
  process.pageFaults += Math.max(0, anonymous - process.anonymousBytes) / 4096 + 12 * seconds
  process.anonymousBytes = Math.max(256 * 1024, anonymous)
  process.dirtyBytes = Math.min(4 * block.writeBytes, process.fileBytes)

  const wanted = memory.cacheBytes * (1 - Math.exp(-ageSeconds / CACHE_FILL_SECONDS)) + process.scannedBytes
  const unreclaimable = process.anonymousBytes + process.kernelBytes
  const killed = limits.memoryBytes > 0 && unreclaimable > limits.memoryBytes
  const room = limits.memoryBytes > 0 ? Math.max(0, limits.memoryBytes - unreclaimable) : wanted
  process.fileBytes = Math.min(wanted, room)
  if (killed) process.anonymousBytes = Math.max(0, limits.memoryBytes - process.kernelBytes)
  process.maxUsageBytes = Math.max(process.maxUsageBytes, unreclaimable + process.fileBytes)
  return killed
}
