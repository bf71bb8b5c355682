import type { ChaosFault } from '../scenario.ts'
import { CHAOS_LABEL, type HostFacts, PROJECT_LABEL, type VictimFacts } from './victim-facts.ts'

/** What is left of the host's cores keeps the engine, the guard and the runner alive. */
const MOST_OF_HOST_CORES = 0.9
const MOST_OF_FREE_MEMORY = 0.5
const MOST_DISK_BYTES = 2 ** 31
const MOST_OF_FREE_DISK = 0.25
const MOST_CONNECTIONS = 5_000
const MOST_PIDS = 5_000
const MOST_DELAY_MS = 60_000
const SHORTEST_CRASH_LOOP_SECONDS = 1
/** Less than this makes even the engine's own writes to the container hang. */
const LEAST_BYTES_PER_SECOND = 4_096

const MiB = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`
const isShare = (value: number) => value > 0 && value <= 1

/** Faults that need the victim's processes to be seen from this host. */
const FROM_HOST = new Set<ChaosFault['kind']>([
  'crash-loop',
  'hang',
  'kill',
  'slow-disk',
  'network-delay',
  'network-loss',
])
/** Faults that are done by a program in the victim. */
export const BY_HELPER = new Set<ChaosFault['kind']>([
  'cpu-burn',
  'memory-leak',
  'memory-bomb',
  'page-cache',
  'pid-exhaustion',
  'disk-fill',
])
const OF_FILES = new Set<ChaosFault['kind']>(['page-cache', 'disk-fill'])
const OF_NETWORK = new Set<ChaosFault['kind']>(['network-delay', 'network-loss', 'connection-flood', 'dependency-down'])

/** Why nothing at all may be done to this container, or `null`. */
export function permissionObjection(victim: VictimFacts, labProject: string | null): string | null {
  const label = victim.labels[CHAOS_LABEL]
  const inLab = labProject !== null && victim.labels[PROJECT_LABEL] === labProject
  if (label !== 'allowed' && !(inLab && label === undefined))
    return `${victim.name} has not agreed to faults: give it the label ${CHAOS_LABEL}=allowed`
  if (victim.sharesProcesses) return `${victim.name} shares its processes (pid mode) with others, who would be hit too`
  if (!victim.running) return `${victim.name} is not running: start it first`
  return null
}

/** Why this fault would bite too much, not at all, or something else, or `null`. */
export function intensityObjection(fault: ChaosFault, victim: VictimFacts, host: HostFacts): string | null {
  const { name } = victim
  if (FROM_HOST.has(fault.kind) && victim.pid === null)
    return `the processes of ${name} cannot be seen from here: run as root on the engine's own host`
  if (OF_FILES.has(fault.kind) && victim.readOnly) return `the file system of ${name} is read-only: it holds no file`
  if (BY_HELPER.has(fault.kind) && victim.readOnly && victim.pid === null)
    return `the file system of ${name} is read-only, so its processes must be seen from here: run as root on the engine's own host`
  if (OF_NETWORK.has(fault.kind) && victim.sharesNetwork)
    return `${name} shares its network with others, who would be hit too`
  switch (fault.kind) {
    case 'cpu-burn':
      if (victim.cpuLimitCores === null) return `${name} has no CPU limit: give it one`
      if (fault.shareOfLimit <= 0) return 'shareOfLimit must be above 0'
      return Math.min(fault.shareOfLimit, 1) * victim.cpuLimitCores > MOST_OF_HOST_CORES * host.cores
        ? `it would take ${victim.cpuLimitCores} of the host's ${host.cores} cores: lower the limit of ${name}`
        : null
    case 'memory-leak':
      if (!isShare(fault.shareOfLimitPerSecond)) return 'shareOfLimitPerSecond must be above 0 and at most 1'
      return memoryObjection(victim, host)
    case 'memory-bomb':
    case 'page-cache':
      return memoryObjection(victim, host)
    case 'pid-exhaustion':
      if (victim.pidsLimit === null) return `${name} has no PID limit: give it one (pids_limit)`
      if (!isShare(fault.shareOfLimit)) return 'shareOfLimit must be above 0 and at most 1'
      return victim.pidsLimit > MOST_PIDS ? `the PID limit of ${name} is above ${MOST_PIDS}: lower it` : null
    case 'disk-fill': {
      const most = Math.min(MOST_DISK_BYTES, MOST_OF_FREE_DISK * (host.freeDiskBytes ?? MOST_DISK_BYTES))
      if (fault.bytes <= 0) return 'bytes must be above 0'
      return fault.bytes > most ? `${MiB(fault.bytes)} is more than the ${MiB(most)} that may be filled here` : null
    }
    case 'crash-loop':
      return fault.everySeconds < SHORTEST_CRASH_LOOP_SECONDS
        ? `everySeconds must be at least ${SHORTEST_CRASH_LOOP_SECONDS}`
        : null
    case 'network-delay':
      return fault.delayMs > 0 && fault.delayMs <= MOST_DELAY_MS
        ? null
        : `delayMs must be above 0, at most ${MOST_DELAY_MS}`
    case 'network-loss':
      return isShare(fault.share) ? null : 'share must be above 0 and at most 1'
    case 'connection-flood':
      if (victim.address === null) return `${name} has no address: give it a network`
      return fault.connections > 0 && fault.connections <= MOST_CONNECTIONS
        ? null
        : `connections must be above 0 and at most ${MOST_CONNECTIONS}`
    case 'noisy-neighbour':
      return fault.shareOfHost > 0 && fault.shareOfHost <= MOST_OF_HOST_CORES
        ? null
        : `shareOfHost must be above 0 and at most ${MOST_OF_HOST_CORES}`
    case 'slow-disk':
      return fault.bytesPerSecond >= LEAST_BYTES_PER_SECOND
        ? null
        : `bytesPerSecond must be at least ${LEAST_BYTES_PER_SECOND}`
    case 'engine-refuses':
      return "this fault is a proxy's on the engine's socket, not done to a container"
    case 'hang':
    case 'kill':
    case 'dependency-down':
    case 'planned-restart':
    case 'recreation':
      return null
  }
}

function memoryObjection(victim: VictimFacts, host: HostFacts): string | null {
  if (victim.memoryLimitBytes === null) return `${victim.name} has no memory limit: give it one`
  return victim.memoryLimitBytes > MOST_OF_FREE_MEMORY * host.freeMemoryBytes
    ? `the memory limit of ${victim.name} (${MiB(victim.memoryLimitBytes)}) is more than half of what the host has free: lower it`
    : null
}

const shareText = (share: number) => `${Number((share * 100).toPrecision(3))} %`

/** What the fault does, in words and figures. */
export function describeFault(fault: ChaosFault, name: string): string {
  switch (fault.kind) {
    case 'cpu-burn':
      return `burn ${shareText(fault.shareOfLimit)} of the CPU limit in ${name}`
    case 'memory-leak': {
      const rate = `leak ${shareText(fault.shareOfLimitPerSecond)} of the memory limit a second in ${name}`
      if (fault.shape === 'steps') return `${rate}, a tenth of the limit at once`
      return fault.shape === 'sawtooth'
        ? `${rate}, all given back at ${shareText(fault.untilShare ?? DEFAULT_UNTIL_SHARE)}`
        : rate
    }
    case 'memory-bomb':
      return `take all memory in ${name} at once`
    case 'page-cache':
      return `read files in ${name} until the page cache fills its memory limit`
    case 'pid-exhaustion':
      return `start processes in ${name} up to ${shareText(fault.shareOfLimit)} of its PID limit`
    case 'disk-fill':
      return `write a file of ${MiB(fault.bytes)} in ${name}`
    case 'crash-loop':
      return `kill the main process of ${name} every ${fault.everySeconds} s`
    case 'hang':
      return `stop the main process of ${name} and those below it (SIGSTOP)`
    case 'kill':
      return `kill the main process of ${name} (SIGKILL from the host)`
    case 'network-delay':
      return `delay what ${name} sends by ${fault.delayMs} ms`
    case 'network-loss':
      return `lose ${shareText(fault.share)} of what ${name} sends`
    case 'dependency-down':
      return `cut what ${name} depends on from the network`
    case 'connection-flood':
      return `hold ${fault.connections} connections to ${name} open`
    case 'noisy-neighbour':
      return `burn ${shareText(fault.shareOfHost)} of the host's cores beside ${name}`
    case 'slow-disk':
      return `slow the disk of ${name} down to ${Math.round(fault.bytesPerSecond / 1024)} KiB/s`
    case 'engine-refuses':
      return 'the way to the engine refuses'
    case 'planned-restart':
      return `restart ${name} by the engine`
    case 'recreation':
      return `replace ${name} by a new container, as compose does`
  }
}

/** Where a sawtooth gives back when the scenario does not say. */
export const DEFAULT_UNTIL_SHARE = 0.8
