import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../server/contracts/ports.ts'

/** A clock that stands still until it is told, and lets everybody finish who was waiting for a moment before the next comes. */
export type SteppedClock = Clock & {
  /** Goes on to `untilMs` (epoch), waking who sleeps in the order of their times. */
  advanceTo(untilMs: number): Promise<void>
}

/** Turns of the event loop in which everything that needs no disk comes to rest; measured: the longest chain takes six. */
const SETTLING_TURNS = 16

export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) await setImmediate()
}

type Sleeper = { atMs: number; order: number; wake: () => void }

export function createSteppedClock(startAtMs: number): SteppedClock {
  let nowMs = startAtMs
  let order = 0
  const sleepers = new Set<Sleeper>()

  const nextDue = (untilMs: number): Sleeper | undefined => {
    let next: Sleeper | undefined
    for (const sleeper of sleepers) {
      if (sleeper.atMs > untilMs) continue
      if (next === undefined || sleeper.atMs < next.atMs || (sleeper.atMs === next.atMs && sleeper.order < next.order))
        next = sleeper
    }
    return next
  }

  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const sleeper: Sleeper = {
          atMs: nowMs + Math.max(0, ms),
          order: order++,
          wake: () => {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', sleeper.wake)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', sleeper.wake, { once: true })
      }),
    async advanceTo(untilMs) {
      await settle()
      for (let due = nextDue(untilMs); due !== undefined; due = nextDue(untilMs)) {
        nowMs = Math.max(nowMs, due.atMs)
        due.wake()
        await settle()
      }
      nowMs = Math.max(nowMs, untilMs)
    },
  }
}
