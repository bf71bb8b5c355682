import { readFileSync } from 'node:fs'
import { filesOfV1, filesOfV2, RESTING_ROUNDS } from './cgroup-files.ts'
import { type CgroupLayout, detectLayout, type Found, findDirectories } from './cgroup-paths.ts'
import { type CgroupReader, createReadBuffer, openReader, type ReadingParts, stepsOf } from './cgroup-reader.ts'

/** A container whose files are open. */
export type CgroupHandle = Pick<CgroupReader, 'read' | 'counters' | 'resting' | 'close'>

export type CgroupSource = {
  /** How the files are laid out, or why there are none to read. */
  readonly layout: Found<{ layout: CgroupLayout }>
  /** `pid` is the engine's `State.Pid`; without one a process is looked for among the container's own. */
  open(containerId: string, pid: number | null): Found<{ handle: CgroupHandle }>
  readonly openDescriptors: number
  readonly openContainers: number
}

/** The rest is for sockets and the database. */
const SHARE_OF_DESCRIPTORS = 0.75
/** Where the limit cannot be read: the usual one. */
const USUAL_LIMIT = 1024
/** What one container needs at most. */
const DESCRIPTORS_PER_CONTAINER = 14

/** How many descriptors this process may have open. */
function descriptorLimit(): number {
  try {
    const [, limit] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit ?? USUAL_LIMIT)
  } catch {
    return USUAL_LIMIT
  }
}

/**
 * Containers' counters from the kernel's own files, at a fraction of the engine's price. `cgroupRoot` and `procRoot`
 * are the host's /sys/fs/cgroup and /proc, wherever they are mounted. `now` gives the time of each reading in epoch
 * milliseconds, beside that of its CPU time. Handles share one buffer: read them one after the other.
 */
export function createCgroupSource(options: {
  cgroupRoot?: string
  procRoot?: string
  now: () => number
  /** Most descriptors that may be open for containers. */
  maxDescriptors?: number
  /** A container rests after so many rounds without a change; `Infinity`: never. */
  restsAfterRounds?: number
}): CgroupSource {
  const {
    cgroupRoot = '/sys/fs/cgroup',
    procRoot = '/proc',
    now,
    maxDescriptors = Math.floor(SHARE_OF_DESCRIPTORS * descriptorLimit()),
    restsAfterRounds = RESTING_ROUNDS,
  } = options
  const layout = detectLayout(cgroupRoot)
  const readers = new Set<CgroupReader>()
  const files = !layout.ok ? [] : layout.layout.kind === 'v2' ? filesOfV2() : filesOfV1()
  const parts: ReadingParts = {
    files,
    steps: stepsOf(files),
    buffer: createReadBuffer(),
    now,
    restsAfterRounds,
    onClose: (reader) => readers.delete(reader),
  }
  let opened = 0

  const openDescriptors = () => {
    let sum = 0
    for (const { descriptors } of readers) sum += descriptors
    return sum
  }

  return {
    layout,
    open(containerId, pid) {
      if (!layout.ok) return layout
      if (openDescriptors() + DESCRIPTORS_PER_CONTAINER > maxDescriptors)
        return {
          ok: false,
          reason: `${maxDescriptors} descriptors are the most that containers may take: raise the limit of open files (ulimit -n)`,
        }
      const found = findDirectories({ cgroupRoot, procRoot, layout: layout.layout }, containerId, pid)
      if (!found.ok) return found
      const { directories } = found
      const result = openReader({ id: containerId, pid, directories, procRoot }, parts, opened++)
      if (!result.ok) return result
      readers.add(result.reader)
      return { ok: true, handle: result.reader }
    },
    get openDescriptors() {
      return openDescriptors()
    },
    get openContainers() {
      return readers.size
    },
  }
}
