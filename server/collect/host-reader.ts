import { closeSync, openSync, readSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { createKeyedParser, createPressureParser, type KeyedField, type Parser } from './cgroup-parsers.ts'

/**
 * One reading of the whole host. `null` is unknown. CPU time is in ticks of USER_HZ, 100 a second, over all cores; busy
 * is all but idle and waiting for I/O, time stolen by the hypervisor included. Pressure is stalled time in microseconds.
 */
export type HostCounters = {
  /** Epoch milliseconds. */
  readAt: number
  cpuBusyTicks: number | null
  cpuTotalTicks: number | null
  memoryTotalBytes: number | null
  memoryAvailableBytes: number | null
  swapTotalBytes: number | null
  swapFreeBytes: number | null
  load1: number | null
  load5: number | null
  load15: number | null
  cpuPressureSomeUs: number | null
  cpuPressureFullUs: number | null
  memoryPressureSomeUs: number | null
  memoryPressureFullUs: number | null
  ioPressureSomeUs: number | null
  ioPressureFullUs: number | null
  /** Of the file system that holds Docker's root; free is what others than root may still use. */
  diskTotalBytes: number | null
  diskFreeBytes: number | null
}

const FIELDS = [
  'cpuBusyTicks',
  'cpuTotalTicks',
  'memoryTotalBytes',
  'memoryAvailableBytes',
  'swapTotalBytes',
  'swapFreeBytes',
  'load1',
  'load5',
  'load15',
  'cpuPressureSomeUs',
  'cpuPressureFullUs',
  'memoryPressureSomeUs',
  'memoryPressureFullUs',
  'ioPressureSomeUs',
  'ioPressureFullUs',
] as const
const SLOT = Object.fromEntries(FIELDS.map((field, index) => [field, index])) as Record<(typeof FIELDS)[number], number>

const BYTES_PER_KB = 1024
/** The places of "idle" and "iowait" on the first line of /proc/stat, and how many belong to the total: see proc(5). */
const IDLE = 3
const IOWAIT = 4
const CPU_STATES = 8

/** All that is wanted of /proc/stat is its first line; what is behind it grows with the cores. */
const HEAD_BYTES = 256
const WHOLE_FILE_BYTES = 8192
/** statfs asks the file system itself, and a disk fills slowly. */
const DISK_EVERY_MS = 10_000

const cpuParser: Parser = {
  slots: [SLOT.cpuBusyTicks, SLOT.cpuTotalTicks],
  parse(bytes, length, values) {
    const [line = ''] = Buffer.from(bytes.buffer, 0, length).toString('latin1').split('\n')
    const ticks = /^cpu +(\d[\d ]*)$/.exec(line)?.[1]?.trim().split(/ +/).map(Number) ?? []
    // Guest time, behind these, is part of user time already.
    const total = ticks.slice(0, CPU_STATES).reduce((sum, one) => sum + one, 0)
    const known = ticks.length > IOWAIT && total < 2 ** 64
    values[SLOT.cpuTotalTicks] = known ? total : Number.NaN
    values[SLOT.cpuBusyTicks] = known ? total - ticks[IDLE]! - ticks[IOWAIT]! : Number.NaN
  },
}

const LOADS = [SLOT.load1, SLOT.load5, SLOT.load15]
const loadParser: Parser = {
  slots: LOADS,
  parse(bytes, length, values) {
    const text = Buffer.from(bytes.buffer, 0, length).toString('latin1')
    const loads = /^(\d{1,9}\.\d+) (\d{1,9}\.\d+) (\d{1,9}\.\d+) /.exec(text)
    LOADS.forEach((slot, index) => {
      values[slot] = Number(loads?.[index + 1] ?? Number.NaN)
    })
  },
}

const memoryField = (key: string, slot: number): KeyedField => ({ key, slot, unit: BYTES_PER_KB })

function parsers(): { name: string; parser: Parser; bytes: number }[] {
  const memory = createKeyedParser([
    memoryField('MemTotal:', SLOT.memoryTotalBytes),
    memoryField('MemAvailable:', SLOT.memoryAvailableBytes),
    memoryField('SwapTotal:', SLOT.swapTotalBytes),
    memoryField('SwapFree:', SLOT.swapFreeBytes),
  ])
  return [
    { name: 'stat', parser: cpuParser, bytes: HEAD_BYTES },
    { name: 'meminfo', parser: memory, bytes: WHOLE_FILE_BYTES },
    { name: 'loadavg', parser: loadParser, bytes: HEAD_BYTES },
    {
      name: 'pressure/cpu',
      parser: createPressureParser(SLOT.cpuPressureSomeUs, SLOT.cpuPressureFullUs),
      bytes: HEAD_BYTES,
    },
    {
      name: 'pressure/memory',
      parser: createPressureParser(SLOT.memoryPressureSomeUs, SLOT.memoryPressureFullUs),
      bytes: HEAD_BYTES,
    },
    {
      name: 'pressure/io',
      parser: createPressureParser(SLOT.ioPressureSomeUs, SLOT.ioPressureFullUs),
      bytes: HEAD_BYTES,
    },
  ]
}

export type HostReader = Disposable & { read(): HostCounters }

/**
 * The host's figures from `procRoot` (the host's /proc, wherever it is mounted), whose files stay open, and disk space
 * from the file system of `dockerRoot`. What a kernel or a mount does not show stays unknown. `now` gives epoch
 * milliseconds.
 */
export function openHostReader(options: {
  procRoot?: string
  /** Known only once the engine was reached. */
  dockerRoot: () => string | null
  now: () => number
}): HostReader {
  const { procRoot = '/proc', dockerRoot, now } = options
  const values = new Float64Array(FIELDS.length).fill(Number.NaN)
  const buffer = new Uint8Array(WHOLE_FILE_BYTES + 1)
  let files = parsers().flatMap((file) => {
    try {
      return [{ ...file, descriptor: openSync(join(procRoot, file.name), 'r') }]
    } catch {
      return []
    }
  })
  let disk: Pick<HostCounters, 'diskTotalBytes' | 'diskFreeBytes'> = { diskTotalBytes: null, diskFreeBytes: null }
  let diskReadAt: number | null = null

  const readDisk = (at: number) => {
    // A clock set back must not stop this.
    const path = dockerRoot()
    if (path === null || (diskReadAt !== null && Math.abs(at - diskReadAt) < DISK_EVERY_MS)) return
    diskReadAt = at
    try {
      const { bsize, blocks, bavail } = statfsSync(path)
      disk = { diskTotalBytes: bsize * blocks, diskFreeBytes: bsize * bavail }
    } catch {
      disk = { diskTotalBytes: null, diskFreeBytes: null }
    }
  }

  const known = (field: keyof typeof SLOT): number | null => {
    const value = values[SLOT[field]]!
    return Number.isNaN(value) ? null : value
  }

  return {
    read() {
      const readAt = now()
      for (const { parser, descriptor, bytes } of files) {
        let length = 0
        try {
          length = readSync(descriptor, buffer, 0, bytes, 0)
        } catch {
          // The kernel has the file and no figures: unknown, like an empty one.
        }
        buffer[length] = 0
        parser.parse(buffer, length, values)
      }
      readDisk(readAt)
      const counters = Object.fromEntries(FIELDS.map((field) => [field, known(field)]))
      return { readAt, ...(counters as Record<(typeof FIELDS)[number], number | null>), ...disk }
    },
    [Symbol.dispose]() {
      for (const { descriptor } of files) closeSync(descriptor)
      files = []
    },
  }
}
