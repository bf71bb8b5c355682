import { setTimeout as sleep } from 'node:timers/promises'

/** Real seconds from the first call on; what came late is caught up with, so that all the later ones are on time. */
export function createSeconds(): () => Promise<void> {
  let dueMs: number | null = null
  return async () => {
    dueMs = (dueMs ?? performance.now()) + 1_000
    await sleep(Math.max(0, dueMs - performance.now()))
  }
}
