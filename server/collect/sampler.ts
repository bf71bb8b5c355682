import { type Capacity, toSample } from '../analyse/metrics.ts'
import type { Clock, Engine } from '../contracts/ports.ts'
import type { Container, Counters, Sample } from '../contracts/telemetry.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'

export type Sampler = AsyncDisposable & {
  /** Follows exactly the running ones of these containers, and opens streams again that have gone silent. */
  sync(containers: Iterable<Container>): void
  /** The samples since the last call, oldest first. */
  take(): Sample[]
  /** A new life: the next reading is a baseline. */
  reset(containerId: string): void
  /** Replies that made no sense, since the start. */
  readonly skipped: number
}

/** A stream without a reading for so long is dead or its engine is stuck; it looks like an idle container otherwise. */
const SILENT_MS = 10_000
/** After a stream broke; the engine is asked for its health elsewhere. */
const RETRY_MS = 2_000
/** Readings kept between two calls of `take`; more means that nobody takes them. */
const MAX_WAITING = 10_000

type Reader = {
  stop: AbortController
  done: Promise<void>
  previous: Counters | null
  container: Container
  heardAtMs: number
}

/** Reads the stats of every running container once a second through the engine's API: one stream each. */
export function createSampler(options: {
  engine: Engine
  clock: Clock
  log: Log
  host: () => Pick<Capacity, 'hostCores' | 'hostMemoryBytes'> | null
}): Sampler {
  const { engine, clock, log, host } = options
  const readers = new Map<string, Reader>()
  let waiting: Sample[] = []
  let skipped = 0

  const receive = (reader: Reader, counters: Counters) => {
    reader.heardAtMs = clock.now()
    const size = host()
    if (size === null) return
    const { previous, container } = reader
    // The same reading twice tells nothing new.
    if (previous !== null && counters.readAt <= previous.readAt) {
      if (counters.readAt < previous.readAt) reader.previous = counters
      return
    }
    reader.previous = counters
    const { cpuLimitCores, memoryLimitBytes } = container
    const sample = toSample(container.id, previous, counters, { ...size, cpuLimitCores, memoryLimitBytes })
    if (waiting.length < MAX_WAITING) waiting.push(sample)
  }

  const read = async (reader: Reader) => {
    const { signal } = reader.stop
    const { id } = reader.container
    const onSkip = (reason: string) => {
      if (skipped === 0) log.warn({ containerId: id, reason }, 'stats reply skipped')
      skipped += 1
    }
    while (!signal.aborted) {
      try {
        for await (const counters of engine.stats(id, { signal, onSkip })) receive(reader, counters)
      } catch (error) {
        log.debug({ containerId: id, reason: messageOf(error) }, 'stats stream broke')
      }
      await clock.sleep(RETRY_MS, signal)
    }
  }

  const open = (container: Container) => {
    const reader: Reader = {
      stop: new AbortController(),
      done: Promise.resolve(),
      previous: null,
      container,
      heardAtMs: clock.now(),
    }
    reader.done = read(reader)
    readers.set(container.id, reader)
  }

  const close = (id: string) => {
    readers.get(id)?.stop.abort()
    readers.delete(id)
  }

  return {
    get skipped() {
      return skipped
    },
    sync(containers) {
      const running = new Set<string>()
      for (const container of containers) {
        if (container.state !== 'running' && container.state !== 'paused') continue
        running.add(container.id)
        const reader = readers.get(container.id)
        if (reader === undefined) open(container)
        else if (clock.now() - reader.heardAtMs > SILENT_MS) {
          close(container.id)
          open(container)
        } else reader.container = container
      }
      for (const id of readers.keys()) if (!running.has(id)) close(id)
    },
    take() {
      const taken = waiting
      waiting = []
      return taken
    },
    reset(containerId) {
      const reader = readers.get(containerId)
      if (reader !== undefined) reader.previous = null
    },
    async [Symbol.asyncDispose]() {
      const all = [...readers.values()]
      for (const id of [...readers.keys()]) close(id)
      await Promise.all(all.map(({ done }) => done))
    },
  }
}
