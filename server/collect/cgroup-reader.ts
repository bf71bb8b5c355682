import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createValues, type KernelCounters, NO_LIMIT, SLOT, toCounters } from './cgroup-fields.ts'
import { type KernelFile, RESTING_ROUNDS, SELDOM_ROUNDS } from './cgroup-files.ts'
import type { Parser } from './cgroup-parsers.ts'
import { anyProcess, type Directories, type Found, isProcessOf } from './cgroup-paths.ts'

/** Longer than any of these files; what is beyond would not be read. */
const READ_BYTES = 64 * 1024
/** The kernel hands out a file of many records, such as net/dev, a page at a time, whole records each. */
const NEARLY_A_PAGE = 4096 - 512

/** One buffer for all files. The byte behind what was read is a zero, see `Parser`. */
export const createReadBuffer = (): Uint8Array => new Uint8Array(READ_BYTES + 1)

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? ''
const TOO_MANY = new Set(['EMFILE', 'ENFILE'])
/** What reading a kept descriptor gives once its cgroup is removed. */
const GONE = new Set(['ENODEV', 'ENOENT'])

/** Stands where a container does not have a file. */
const NONE = -1

/** A descriptor, or `NONE` where the file cannot be had. Throws only where descriptors have run out. */
function tryOpen(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if (TOO_MANY.has(codeOf(error))) throw error
    return NONE
  }
}

/**
 * The network counters of a process, or `NONE` where they are not the container's own: it shares the host's network, or
 * the number is another process's by now. Two processes of one network namespace have the same inode here, which needs
 * no permission to see.
 */
function openNetwork(procRoot: string, pid: number, id: string, name: string): number {
  const descriptor = tryOpen(join(procRoot, String(pid), name))
  if (descriptor === NONE) return NONE
  try {
    const ofHost = statSync(join(procRoot, '1', name)).ino
    // Asked after opening: a number that was given away in between is seen.
    if (fstatSync(descriptor).ino !== ofHost && isProcessOf(procRoot, pid, id)) return descriptor
  } catch {
    // Unknown whose network it is.
  }
  closeSync(descriptor)
  return NONE
}

type Opening = { id: string; pid: number | null; directories: Directories; procRoot: string }

function openFile(file: KernelFile, { id, pid, directories, procRoot }: Opening): number {
  for (const name of file.names) {
    if (file.in === 'process') return pid === null ? NONE : openNetwork(procRoot, pid, id, name)
    const directory = directories[file.in]
    const descriptor = directory === undefined ? NONE : tryOpen(join(directory, name))
    if (descriptor !== NONE) return descriptor
  }
  return NONE
}

function closeAll(descriptors: Int32Array): void {
  for (const descriptor of descriptors) if (descriptor !== NONE) closeSync(descriptor)
  descriptors.fill(NONE)
}

const REMOVED = -1
const UNREADABLE = -2

/** What is kept of one open container; `descriptors` are in the order of `files`. */
type OpenContainer = {
  readonly descriptors: Int32Array
  readonly values: Float64Array
  counters: KernelCounters
  round: number
  seldomDue: boolean
  /** For so many rounds nothing has changed. */
  quietRounds: number
  /** Of all but the CPU time. */
  checksum: number
  resting: boolean
}

type ReadingStep = Parser & { seldom: boolean; mayBeEmpty: boolean }
export const stepsOf = (files: readonly KernelFile[]): ReadingStep[] =>
  files.map(({ parser: { parse, slots }, seldom = false, mayBeEmpty = false }) => ({
    parse,
    slots,
    seldom,
    mayBeEmpty,
  }))

/** Equal as long as nothing has changed; the CPU time is the first slot. */
function checksumOf(values: Float64Array): number {
  let sum = 0
  for (let slot = 1; slot < values.length; slot++) {
    const value = values[slot]!
    if (value < NO_LIMIT) sum += value
  }
  return sum
}

/** What all readers of a source share. `files` begin with the CPU time and end with the seldom ones. */
export type ReadingParts = {
  files: readonly KernelFile[]
  /** The same, all of one shape, which makes each round cheaper. */
  steps: readonly ReadingStep[]
  buffer: Uint8Array
  now: () => number
  /** A container rests after so many rounds without a change. */
  restsAfterRounds: number
  onClose: (reader: CgroupReader) => void
}

/** Bytes read, or `REMOVED`, or `UNREADABLE` where the kernel has the file but does not count, such as pressure switched off. */
function readFile(descriptor: number, buffer: Uint8Array): number {
  try {
    let length = readSync(descriptor, buffer, 0, READ_BYTES, 0)
    for (let more = length; more > 0 && length > NEARLY_A_PAGE && length < READ_BYTES; length += more)
      more = readSync(descriptor, buffer, length, READ_BYTES - length, length)
    return length
  } catch (error) {
    return GONE.has(codeOf(error)) ? REMOVED : UNREADABLE
  }
}

/** Reads what is due this round; false where the container is gone. A function on its own: closures cost here. */
function readRound(container: OpenContainer, { steps, buffer, now, restsAfterRounds }: ReadingParts): boolean {
  const { descriptors, values, seldomDue } = container
  const readAt = now()
  const cpuUsageNs = values[SLOT.cpuUsageNs]!
  container.resting = false
  for (let index = 0; index < steps.length; index++) {
    const descriptor = descriptors[index]!
    if (descriptor === NONE) continue
    const step = steps[index]!
    if (step.seldom && !seldomDue) break
    const length = readFile(descriptor, buffer)
    if (length === UNREADABLE) {
      closeSync(descriptor)
      descriptors[index] = NONE
      for (const slot of step.slots) values[slot] = Number.NaN
      continue
    }
    if (length === REMOVED || (length === 0 && !step.mayBeEmpty)) return false
    buffer[length] = 0
    step.parse(buffer, length, values)
    // The CPU time comes first. Unknown is never the same as before.
    if (index > 0) continue
    container.quietRounds = values[SLOT.cpuUsageNs] === cpuUsageNs ? container.quietRounds + 1 : 0
    container.resting = container.quietRounds > restsAfterRounds && container.round % RESTING_ROUNDS !== 0
    if (container.resting) break
  }
  if (!container.resting) {
    const checksum = checksumOf(values)
    if (checksum !== container.checksum) container.quietRounds = 0
    container.checksum = checksum
  }
  container.counters = toCounters(values, readAt)
  container.round++
  container.seldomDue = container.round % SELDOM_ROUNDS === 0
  return descriptors[0] !== NONE
}

export type CgroupReader = {
  /** Reads what is due this round. False: the container is gone, and everything is closed. */
  read(): boolean
  /** The last reading; each is an object of its own. */
  readonly counters: KernelCounters
  /** The last reading looked at the CPU time alone: see `RESTING_ROUNDS`. */
  readonly resting: boolean
  readonly descriptors: number
  close(): void
}

/**
 * Opens a container's files once and reads them through the same descriptors from then on. A file that does not exist
 * or cannot be read leaves its fields unknown. `firstRound` spreads the seldom reads of many containers; `parts` is one
 * object for all readers.
 *
 * A kept net/dev keeps the network namespace alive after its last process: close a reader as soon as the container dies.
 */
export function openReader(opening: Opening, parts: ReadingParts, firstRound: number): Found<{ reader: CgroupReader }> {
  const { id, directories, procRoot } = opening
  const { files } = parts
  const told = opening.pid !== null && isProcessOf(procRoot, opening.pid, id)
  const pid = told ? opening.pid : anyProcess(directories)
  const descriptors = new Int32Array(files.length).fill(NONE)
  try {
    files.forEach((file, index) => {
      descriptors[index] = openFile(file, { ...opening, pid })
    })
  } catch {
    closeAll(descriptors)
    return { ok: false, reason: 'no file descriptors are left: raise the limit of open files (ulimit -n)' }
  }
  if (descriptors[0] === NONE) {
    closeAll(descriptors)
    return { ok: false, reason: 'the kernel does not let its CPU time be read: no such file, or no permission' }
  }

  const values = createValues()
  const counters = toCounters(values, 0)
  const container: OpenContainer = {
    descriptors,
    values,
    counters,
    round: firstRound,
    seldomDue: true,
    quietRounds: 0,
    checksum: 0,
    resting: false,
  }
  const reader: CgroupReader = {
    read() {
      const alive = readRound(container, parts)
      if (!alive) reader.close()
      return alive
    },
    get counters() {
      return container.counters
    },
    get resting() {
      return container.resting
    },
    get descriptors() {
      return descriptors.reduce((sum, descriptor) => (descriptor === NONE ? sum : sum + 1), 0)
    },
    close() {
      closeAll(descriptors)
      parts.onClose(reader)
    },
  }
  return { ok: true, reader }
}
