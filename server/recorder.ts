import type { Clock } from './contracts/ports.ts'
import type { Observation, SampleStore } from './store/samples.ts'

/** Rounds kept while the disk is slow; older ones are dropped and counted. */
const MAX_WAITING_ROUNDS = 60
const PRUNE_EVERY_MS = 600_000

/**
 * Writes rounds to the store one after the other without ever holding up the loop, and lets old samples go. Dispose
 * writes what waits.
 */
export function createRecorder(options: { store: SampleStore; clock: Clock; retentionMs: number }): AsyncDisposable & {
  take(atMs: number, observations: Observation[]): void
  /** Samples that were dropped because the disk was too slow. */
  readonly lostSamples: number
} {
  const { store, clock, retentionMs } = options
  const waiting: { atMs: number; observations: Observation[] }[] = []
  let writing: Promise<void> | null = null
  let prunedAtMs = 0
  let lostSamples = 0

  const write = async () => {
    for (let round = waiting.shift(); round !== undefined; round = waiting.shift()) {
      await store.append(round.atMs, round.observations)
    }
    if (clock.now() - prunedAtMs >= PRUNE_EVERY_MS) {
      prunedAtMs = clock.now()
      await store.prune(clock.now() - retentionMs).catch(() => {})
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
      while (writing !== null) await writing
    },
  }
}
