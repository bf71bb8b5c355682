import { engineTime, ZERO_TIME } from './engine-time.ts'
import { isAlive, type SimulatedContainer } from './simulated-container.ts'
import type { SimulatedHost } from './simulated-host.ts'
import type { SimulatedProcess } from './simulated-process.ts'

export type CgroupVersion = '1' | '2'

/** The part of a reading that the next one repeats as its `precpu_stats`. */
export type CpuStats = {
  cpu_usage: {
    total_usage: number
    percpu_usage?: number[]
    usage_in_kernelmode: number
    usage_in_usermode: number
  }
  system_cpu_usage?: number
  online_cpus?: number
  throttling_data: { periods: number; throttled_periods: number; throttled_time: number }
}

export type PreviousReading = { read: string; cpu: CpuStats }

const NO_CPU: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
}

/** What precedes a first reading: nothing, at the engine's zero time. */
export const NO_READING: PreviousReading = { read: ZERO_TIME, cpu: NO_CPU }

/** The share of CPU time that a service spends in the kernel. */
const KERNEL_SHARE = 0.22
const BYTES_PER_PACKET = 900
const BYTES_PER_BLOCK_OPERATION = 16_384

/**
 * One object of the stats stream, and what the next one will call previous. A container without a process gets the
 * empty reading that the engine sends for it, once a second, for as long as somebody listens.
 */
export function statsReply(
  host: SimulatedHost,
  container: SimulatedContainer,
  cgroupVersion: CgroupVersion,
  previous: PreviousReading,
): { reply: object; reading: PreviousReading } {
  const identity = { name: `/${container.spec.name}`, id: container.id }
  if (!isAlive(container)) {
    const reply = {
      read: ZERO_TIME,
      preread: previous.read,
      pids_stats: {},
      blkio_stats: blockStats(null, cgroupVersion),
      num_procs: 0,
      storage_stats: {},
      cpu_stats: NO_CPU,
      precpu_stats: previous.cpu,
      memory_stats: {},
      ...identity,
    }
    return { reply, reading: NO_READING }
  }
  const { process, networks, spec } = container
  const read = engineTime(host.nowMs())
  const cpu = cpuStats(host, process, cgroupVersion)
  const reply = {
    read,
    preread: previous.read,
    pids_stats: { current: process.pids, ...(spec.pidsLimit === null ? {} : { limit: spec.pidsLimit }) },
    blkio_stats: blockStats(process, cgroupVersion),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpu,
    precpu_stats: previous.cpu,
    memory_stats: (cgroupVersion === '1' ? memoryV1 : memoryV2)(
      process,
      container.limits.memoryBytes,
      host.memoryBytes,
    ),
    ...identity,
    ...(networks.size === 0 ? {} : { networks: interfaces(process, networks.size) }),
  }
  return { reply, reading: { read, cpu } }
}

function cpuStats(host: SimulatedHost, process: SimulatedProcess, cgroupVersion: CgroupVersion): CpuStats {
  const total = Math.floor(process.cpuNs)
  const kernel = Math.floor(total * KERNEL_SHARE)
  const each = Math.floor(total / host.cores)
  return {
    cpu_usage: {
      total_usage: total,
      ...(cgroupVersion === '1' ? { percpu_usage: Array.from({ length: host.cores }, () => each) } : {}),
      usage_in_kernelmode: kernel,
      usage_in_usermode: total - kernel,
    },
    system_cpu_usage: Math.floor((host.nowMs() - host.bootedAtMs) * host.cores) * 1e6,
    online_cpus: host.cores,
    throttling_data: {
      periods: Math.floor(process.periods),
      throttled_periods: Math.floor(process.throttledPeriods),
      throttled_time: Math.floor(process.throttledNs),
    },
  }
}

/** The lists that the kernel keeps; of the page cache about two thirds are inactive. */
function pages(process: SimulatedProcess) {
  const anonymous = page(process.anonymousBytes)
  const file = page(process.fileBytes)
  const activeAnon = page(anonymous * 0.06)
  const inactiveFile = page(file * 0.66)
  return {
    anonymous,
    file,
    activeAnon,
    inactiveAnon: anonymous - activeAnon,
    inactiveFile,
    activeFile: file - inactiveFile,
    dirty: page(process.dirtyBytes),
    kernel: page(process.kernelBytes),
    faults: Math.floor(process.pageFaults),
  }
}

const page = (bytes: number) => Math.floor(bytes / 4096) * 4096

function memoryV2(process: SimulatedProcess, limitBytes: number, hostBytes: number): object {
  const { anonymous, file, activeAnon, inactiveAnon, inactiveFile, activeFile, dirty, kernel, faults } = pages(process)
  const stack = page(Math.min(kernel / 2, process.pids * 16_384))
  const slab = page((kernel - stack) * 0.8)
  const slabReclaimable = page(slab * 0.4)
  return {
    usage: anonymous + file + kernel,
    stats: {
      active_anon: activeAnon,
      active_file: activeFile,
      anon: anonymous,
      anon_thp: 0,
      file,
      file_dirty: dirty,
      file_mapped: page(file * 0.3),
      file_writeback: 0,
      inactive_anon: inactiveAnon,
      inactive_file: inactiveFile,
      kernel_stack: stack,
      pgactivate: 0,
      pgdeactivate: 0,
      pgfault: faults,
      pglazyfree: 0,
      pglazyfreed: 0,
      pgmajfault: Math.floor(process.readBytes / 65_536),
      pgrefill: 0,
      pgscan: 0,
      pgsteal: 0,
      shmem: 0,
      slab,
      slab_reclaimable: slabReclaimable,
      slab_unreclaimable: slab - slabReclaimable,
      sock: 0,
      thp_collapse_alloc: 0,
      thp_fault_alloc: 0,
      unevictable: 0,
      workingset_activate: 0,
      workingset_nodereclaim: 0,
      workingset_refault: 0,
    },
    limit: limitBytes || hostBytes,
  }
}

function memoryV1(process: SimulatedProcess, limitBytes: number, hostBytes: number): object {
  const { anonymous, file, activeAnon, inactiveAnon, inactiveFile, activeFile, dirty, kernel, faults } = pages(process)
  const counted = {
    active_anon: activeAnon,
    active_file: activeFile,
    cache: file,
    dirty,
    inactive_anon: inactiveAnon,
    inactive_file: inactiveFile,
    mapped_file: page(file * 0.3),
    pgfault: faults,
    pgmajfault: Math.floor(process.readBytes / 65_536),
    pgpgin: faults,
    pgpgout: Math.max(0, faults - Math.floor((anonymous + file) / 4096)),
    rss: anonymous,
    rss_huge: 0,
    unevictable: 0,
    writeback: 0,
  }
  const totals = Object.fromEntries(Object.entries(counted).map(([name, value]) => [`total_${name}`, value]))
  const limit = limitBytes || NO_LIMIT_V1
  return {
    usage: anonymous + file + kernel,
    max_usage: page(process.maxUsageBytes),
    stats: {
      ...counted,
      hierarchical_memory_limit: limit,
      hierarchical_memsw_limit: limitBytes ? 2 * limitBytes : NO_LIMIT_V1,
      ...totals,
    },
    limit: limitBytes || hostBytes,
  }
}

/** What the kernel's v1 controller writes where there is no limit. */
const NO_LIMIT_V1 = 2 ** 63 - 4096

function interfaces(process: SimulatedProcess, count: number): object {
  const one = (share: number) => ({
    rx_bytes: Math.floor(process.receiveBytes * share),
    rx_packets: Math.floor((process.receiveBytes * share) / BYTES_PER_PACKET),
    rx_errors: 0,
    rx_dropped: 0,
    tx_bytes: Math.floor(process.transmitBytes * share),
    tx_packets: Math.floor((process.transmitBytes * share) / BYTES_PER_PACKET),
    tx_errors: 0,
    tx_dropped: 0,
  })
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`eth${index}`, one(1 / count)]))
}

function blockStats(process: SimulatedProcess | null, cgroupVersion: CgroupVersion): object {
  const used = process !== null && process.readBytes + process.writeBytes >= 1
  const v1 = cgroupVersion === '1'
  const entries = (divisor: number) => {
    if (process === null) return null
    if (!used) return v1 ? [] : null
    const read = Math.floor(process.readBytes / divisor)
    const write = Math.floor(process.writeBytes / divisor)
    const entry = (op: string, value: number) => ({ major: 254, minor: 0, op, value })
    return v1
      ? [
          entry('Read', read),
          entry('Write', write),
          entry('Sync', write),
          entry('Async', read),
          entry('Total', read + write),
        ]
      : [entry('read', read), entry('write', write)]
  }
  const none = process !== null && v1 ? [] : null
  return {
    io_service_bytes_recursive: entries(1),
    io_serviced_recursive: v1 ? entries(BYTES_PER_BLOCK_OPERATION) : none,
    io_queue_recursive: none,
    io_service_time_recursive: none,
    io_wait_time_recursive: none,
    io_merged_recursive: none,
    io_time_recursive: none,
    sectors_recursive: none,
  }
}
