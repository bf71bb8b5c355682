import type { Clock } from './contracts/ports.ts'
import type { SampleStore } from './store/samples.ts'
import type { Observation } from './store/stored-metrics.ts'

/** Rounds kept while the disk is slow; older ones are dropped and counted. */
const MAX_WAITING_ROUNDS = 60
const MAINTAIN_EVERY_MS = 60_000
/** By then a round has been sent to everybody. */
const WRITE_AFTER_MS = 150

/**
 * Writes rounds to the store one after the other without ever holding up the loop, and looks after the
 * archive between two writes. Dispose writes what waits.
 */
export function createRecorder(options: {
  store: Pick<SampleStore, 'append'>
  clock: Clock
  /** Moves what is over into the archive; never rejects. */
  maintain: () => Promise<void>
}): AsyncDisposable & {
  take(atMs: number, observations: Observation[]): void
  /** Samples that were dropped because the disk was too slow. */
  readonly lostSamples: number
} {
  const { store, clock, maintain } = options
  const waiting: { atMs: number; observations: Observation[] }[] = []
  const stop = new AbortController()
  let writing: Promise<void> | null = null
  let maintainedAtMs = clock.now()
  let lostSamples = 0

  const write = async () => {
    // Open dashboards come first: storing a thousand samples holds up the loop for a moment.
    await clock.sleep(WRITE_AFTER_MS, stop.signal)
    for (let round = waiting.shift(); round !== undefined; round = waiting.shift()) {
      await store.append(round.atMs, round.observations)
    }
    if (Math.abs(clock.now() - maintainedAtMs) >= MAINTAIN_EVERY_MS) {
      maintainedAtMs = clock.now()
      await maintain()
    }
    writing = waiting.length > 0 ? write() : null
  }

  return {
    get lostSamples() {
      return lostSamples
    },
    take(atMs, observations) {
      waiting.push({ atMs, observations })
      if (waiting.length > MAX_WAITING_ROUNDS) {
        lostSamples += waiting.shift()!.observations.length
      }
      writing ??= write()
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      while (writing !== null) await writing
    },
  }
}
