import { type Capacity, toSample } from '../analyse/metrics.ts'
import type { Clock, Engine } from '../contracts/ports.ts'
import type { Container, Counters, Sample } from '../contracts/telemetry.ts'
import type { Log } from '../log.ts'
import type { CgroupSource } from './cgroup-source.ts'
import type { LogWatch } from './log-file.ts'
import { createFileReader, createStreamReader, type Reader } from './readers.ts'

/** `auto`: the kernel's files where they can be seen, else the engine's API, container by container. */
export type SourceChoice = 'auto' | 'cgroup' | 'docker'

/** Where the figures come from at present, and why. */
export type SourceSummary = { byFiles: number; byEngine: number; reason: string }

export type Sampler = AsyncDisposable & {
  /** Follows exactly the running ones of these containers, and begins again with those that have gone silent. */
  sync(containers: Iterable<Container>): void
  /** The samples of these containers since the last call, of each oldest first; files are read now. All by default. */
  take(containerIds?: Iterable<string>): Sample[]
  /** A new life: the next reading is a baseline, and the files are looked for again. */
  reset(containerId: string): void
  readonly source: SourceSummary
  /** Replies that made no sense, since the start. */
  readonly skipped: number
}

/** A reader without a reading for so long beyond its pace is dead or its engine is stuck; it looks like an idle container otherwise. */
const SILENT_MS = 10_000

type Followed = {
  reader: Reader
  logWatch: LogWatch | null
  previous: Counters | null
  container: Container
  heardAtMs: number
  intervalMs: number
}

/**
 * Reads every running container once a second, or less often where `intervalOf` says so: from the kernel's files, at a
 * fraction of the engine's price, where they are visible for it, else through the engine's API.
 */
export function createSampler(options: {
  engine: Engine
  clock: Clock
  log: Log
  host: () => Pick<Capacity, 'hostCores' | 'hostMemoryBytes'> | null
  choice: SourceChoice
  files: CgroupSource | null
  /** Watches a container's log, or gives `null` where it cannot. */
  watchLog: (container: Container) => LogWatch | null
  /** How often a container is to be read, in milliseconds. */
  intervalOf: (containerId: string) => number
}): Sampler {
  const { engine, clock, log, host, choice, files, watchLog, intervalOf } = options
  const followed = new Map<string, Followed>()
  const closing = new Set<Promise<unknown>>()
  let skipped = 0
  let refusal: string | null = files === null || files.layout.ok ? null : files.layout.reason

  const onSkip = (containerId: string) => (reason: string) => {
    if (skipped === 0) log.warn({ containerId, reason }, 'stats reply skipped')
    skipped += 1
  }

  const openReader = (container: Container): Reader | null => {
    if (choice !== 'docker' && files !== null) {
      const found = files.open(container.id, container.pid)
      if (found.ok) return createFileReader(found.handle, () => clock.now())
      refusal = found.reason
    }
    if (choice === 'cgroup') return null
    return createStreamReader({ engine, container, clock, log, onSkip: onSkip(container.id) })
  }

  const open = (container: Container, previous: Counters | null) => {
    const reader = openReader(container)
    if (reader === null) return
    const intervalMs = intervalOf(container.id)
    reader.pace(intervalMs)
    const logWatch = watchLog(container)
    followed.set(container.id, { reader, logWatch, previous, container, heardAtMs: clock.now(), intervalMs })
  }

  const close = (id: string) => {
    const one = followed.get(id)
    if (one === undefined) return
    followed.delete(id)
    const done = Promise.all([one.reader.close(), one.logWatch?.close()]).finally(() => closing.delete(done))
    closing.add(done)
  }

  const sampleOf = (
    one: Followed,
    counters: Counters,
    size: Pick<Capacity, 'hostCores' | 'hostMemoryBytes'>,
  ): Sample | null => {
    const { previous, container } = one
    // The same reading twice tells nothing new; one from before is a clock that was set back.
    if (previous !== null && counters.readAt <= previous.readAt) {
      if (counters.readAt < previous.readAt) one.previous = counters
      return null
    }
    one.previous = counters
    const { cpuLimitCores, memoryLimitBytes } = container
    return toSample(container.id, previous, counters, { ...size, cpuLimitCores, memoryLimitBytes })
  }

  return {
    get skipped() {
      return skipped
    },
    get source() {
      let byFiles = 0
      for (const { reader } of followed.values()) byFiles += Number(reader.kind === 'cgroup')
      const byEngine = followed.size - byFiles
      if (choice === 'docker') return { byFiles, byEngine, reason: 'the engine’s API, as configured' }
      if (byEngine === 0 && refusal === null) return { byFiles, byEngine, reason: 'the kernel’s files are visible' }
      return { byFiles, byEngine, reason: refusal ?? 'the kernel’s files are visible' }
    },
    sync(containers) {
      const running = new Set<string>()
      for (const container of containers) {
        if (container.state !== 'running' && container.state !== 'paused') continue
        running.add(container.id)
        const one = followed.get(container.id)
        if (one === undefined) {
          open(container, null)
          continue
        }
        one.container = container
        const intervalMs = intervalOf(container.id)
        if (intervalMs !== one.intervalMs) one.reader.pace(intervalMs)
        one.intervalMs = intervalMs
        if (Math.abs(clock.now() - one.heardAtMs) > SILENT_MS + intervalMs) {
          close(container.id)
          open(container, one.previous)
        }
      }
      for (const id of followed.keys()) if (!running.has(id)) close(id)
    },
    take(containerIds = followed.keys()) {
      const size = host()
      const samples: Sample[] = []
      for (const id of containerIds) {
        const one = followed.get(id)
        if (one === undefined) continue
        const readings = one.reader.read()
        if (readings === null) {
          close(id)
          continue
        }
        if (readings.length > 0) {
          one.heardAtMs = clock.now()
          if (!one.reader.resting) one.logWatch?.read()
        }
        if (size === null) continue
        for (const counters of readings) {
          counters.logErrorLines = one.logWatch?.errorLines ?? null
          const sample = sampleOf(one, counters, size)
          if (sample !== null) samples.push(sample)
        }
      }
      return samples
    },
    reset(containerId) {
      close(containerId)
    },
    async [Symbol.asyncDispose]() {
      for (const id of [...followed.keys()]) close(id)
      await Promise.all(closing)
    },
  }
}
