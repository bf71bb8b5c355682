import type { Clock, Engine } from '../contracts/ports.ts'
import type { Container, Counters } from '../contracts/telemetry.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { CgroupHandle } from './cgroup-source.ts'

/** How one container's counters come in. */
export type Reader = {
  readonly kind: 'cgroup' | 'docker'
  /** The readings since the last call, oldest first; `null` when there will be no more. */
  read(): Counters[] | null
  /** Nothing of the container has run for a while, and nothing can have been logged. */
  readonly resting: boolean
  /** How often it should bring one from now on. */
  pace(intervalMs: number): void
  close(): Promise<void>
}

/** After a stream broke; the engine is asked for its health elsewhere. */
const RETRY_MS = 2_000
/** Readings kept while nobody takes them. */
const MAX_WAITING = 120
/** Timers are late by some milliseconds; a reading that is due in less is due. */
const EARLY_MS = 250

/** Reads the kernel's files when it is asked. */
export function createFileReader(handle: CgroupHandle, now: () => number): Reader {
  let intervalMs = 0
  let readAtMs = Number.NEGATIVE_INFINITY
  return {
    kind: 'cgroup',
    read() {
      if (Math.abs(now() - readAtMs) < intervalMs - EARLY_MS) return []
      readAtMs = now()
      return handle.read() ? [handle.counters] : null
    },
    get resting() {
      return handle.resting
    },
    pace(wanted) {
      intervalMs = wanted
    },
    async close() {
      handle.close()
    },
  }
}

/**
 * Listens to the engine's stats stream of one container: one reading a second. At a slower pace it opens the stream for
 * one reading at a time, for the engine cannot be told to send fewer.
 */
export function createStreamReader(options: {
  engine: Engine
  container: Container
  clock: Clock
  log: Log
  onSkip: (reason: string) => void
}): Reader {
  const { engine, container, clock, log, onSkip } = options
  const stop = new AbortController()
  const { signal } = stop
  let intervalMs = 0
  let waiting: Counters[] = []
  let pause = new AbortController()

  const listen = async () => {
    while (!signal.aborted) {
      const openedAtMs = clock.now()
      let heard = false
      try {
        for await (const counters of engine.stats(container.id, { signal, onSkip })) {
          heard = true
          waiting.push(counters)
          if (waiting.length > MAX_WAITING) waiting.shift()
          if (intervalMs > 1_000) break
        }
      } catch (error) {
        log.debug({ containerId: container.id, reason: messageOf(error) }, 'stats stream broke')
      }
      if (signal.aborted) return
      const restMs = intervalMs > 1_000 && heard ? intervalMs - (clock.now() - openedAtMs) : RETRY_MS
      pause = new AbortController()
      await clock.sleep(Math.max(0, Math.min(restMs, intervalMs + RETRY_MS)), pause.signal)
    }
  }
  const listening = listen()

  return {
    kind: 'docker',
    read() {
      const taken = waiting
      waiting = []
      return taken
    },
    resting: false,
    pace(wanted) {
      if (wanted < intervalMs) pause.abort()
      intervalMs = wanted
    },
    async close() {
      stop.abort()
      pause.abort()
      await listening
    },
  }
}
