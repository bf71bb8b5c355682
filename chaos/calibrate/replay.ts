import { inspected, newLife, notice } from '../../server/analyse/life.ts'
import { beginLife, createWindow, observe, type Window } from '../../server/analyse/window.ts'
import type { Container } from '../../server/contracts/telemetry.ts'
import type { Run } from '../record/run-file.ts'

/** Without a reading for so long only the signs of life count, as in the guard. */
const STALE_MS = 6_000
const STEP_MS = 1_000

/**
 * Lives through a run as the service would: calls `look` once a second with the window as it was then. The window is
 * changed afterwards; a container that does not run has an empty one, with its signs of life.
 */
export function replay({ header, happenings }: Run, look: (window: Window, atMs: number) => void): void {
  const window = createWindow(header.containerId)
  let life = newLife()
  let startedAt: number | null = null
  let runs = true
  let next = 0
  for (let atMs = header.beganAt; atMs < header.endedAt; atMs += STEP_MS) {
    for (let one = happenings[next]; one !== undefined && timeOf(one) <= atMs; one = happenings[++next]) {
      if (one.seen === 'sample') observe(window, one.sample)
      else if (one.seen === 'event') {
        const step = notice(life, one.event)
        life = step.life
        if (step.turn?.kind === 'started') beginLife(window)
        if (one.event.kind === 'start') runs = true
        if (one.event.kind === 'die') runs = false
      } else {
        const { state, startedAt: started, health, healthFailingStreak } = one.facts
        if (startedAt !== null && started !== startedAt) beginLife(window)
        startedAt = started
        runs = state === 'running'
        if (health !== life.signs.health || healthFailingStreak !== life.signs.healthFailingStreak)
          life = inspected(life, one.facts as Container, one.at)
      }
    }
    const latestAt = window.latest?.at ?? 0
    const fresh = runs && atMs - latestAt <= STALE_MS
    const seen = fresh ? window : createWindow(header.containerId)
    seen.life = { ...life.signs, at: fresh ? Math.max(life.signs.at, latestAt) : atMs }
    look(seen, atMs)
  }
}

function timeOf(one: Run['happenings'][number]): number {
  return one.seen === 'sample' ? one.sample.at : one.at
}
