import type { Container, EngineEvent } from '../contracts/telemetry.ts'
import { CRASH_LOOP_COUNT, CRASH_LOOP_WITHIN_MS } from './life-features.ts'
import type { LifeSigns } from './window.ts'

/** What a container's events have told so far; `key` outlives the container. */
export type Life = {
  signs: LifeSigns
  /** Somebody asked the engine to end it, and it has not ended yet. */
  endAskedAtMs: number | null
  oomAtMs: number | null
}

/** What an event means, where it means anything. `text` is for people. */
export type LifeTurn =
  | { kind: 'started' | 'planned-stop' | 'completed' | 'recovered'; text: string }
  | { kind: 'oom' | 'crash' | 'crash-loop' | 'unhealthy'; text: string }

/** Signals by which a person or a tool ends a container: INT, QUIT, KILL, TERM. A HUP for reloading is not one. */
const ENDING_SIGNALS = new Set([2, 3, 9, 15])

/** An `oom` event and the end that it causes come within this time, with the exit code of a SIGKILL. */
const OOM_TO_DIE_MS = 5_000
const KILLED = 137

/** Who asked for an end and did not get it within this time is not the reason of a later one. */
const ASKED_HOLDS_MS = 600_000

/** A life without events yet. */
export function newLife(): Life {
  return {
    signs: { at: 0, health: 'none', healthFailingStreak: 0, crashTimesMs: [] },
    endAskedAtMs: null,
    oomAtMs: null,
  }
}

/** Takes over what an inspection says of health. */
export function inspected(life: Life, container: Container, at: number): Life {
  const { health, healthFailingStreak } = container
  const running = container.state === 'running'
  return {
    ...life,
    signs: {
      ...life.signs,
      at,
      health: running ? health : 'none',
      healthFailingStreak: running ? healthFailingStreak : 0,
    },
  }
}

function ended(life: Life, event: EngineEvent): { life: Life; turn: LifeTurn } {
  const planned = life.endAskedAtMs !== null && event.at - life.endAskedAtMs <= ASKED_HOLDS_MS
  const killed =
    life.oomAtMs !== null && event.at - life.oomAtMs <= OOM_TO_DIE_MS && (event.exitCode ?? KILLED) === KILLED
  const quiet = { ...life, endAskedAtMs: null, oomAtMs: null }
  quiet.signs = { ...life.signs, at: event.at, health: 'none', healthFailingStreak: 0 }
  const exit = event.exitCode ?? 0
  if (planned && !killed) return { life: quiet, turn: { kind: 'planned-stop', text: 'it was stopped on request' } }
  if (exit === 0 && !killed)
    return { life: quiet, turn: { kind: 'completed', text: 'it ended by itself without an error' } }
  const recent = life.signs.crashTimesMs.filter((crash) => event.at - crash < CRASH_LOOP_WITHIN_MS)
  const crashTimesMs = [...recent, event.at]
  const next = { ...quiet, signs: { ...quiet.signs, crashTimesMs } }
  const how = killed ? 'the kernel killed it for memory' : `it ended by itself with exit code ${exit}`
  if (crashTimesMs.length >= CRASH_LOOP_COUNT) {
    const minutes = CRASH_LOOP_WITHIN_MS / 60_000
    return {
      life: next,
      turn: { kind: 'crash-loop', text: `${how}, ${crashTimesMs.length} times within ${minutes} minutes` },
    }
  }
  return { life: next, turn: { kind: 'crash', text: how } }
}

/**
 * What an engine event means for a container: ends asked for by somebody (a `kill` event comes first) are not crashes,
 * an `oom` event speaks of the kernel, exit code 137 alone does not. Returns the new life and the turn, if it is one.
 */
export function notice(life: Life, event: EngineEvent): { life: Life; turn: LifeTurn | null } {
  switch (event.kind) {
    case 'kill': {
      const ending = event.signal === null || ENDING_SIGNALS.has(event.signal)
      return { life: ending ? { ...life, endAskedAtMs: event.at } : life, turn: null }
    }
    case 'oom':
      return {
        life: { ...life, oomAtMs: event.at },
        turn: { kind: 'oom', text: 'the kernel killed a process of it: its memory limit was reached' },
      }
    case 'die':
      return ended(life, event)
    case 'start': {
      const signs = { ...life.signs, at: event.at, health: 'none' as const, healthFailingStreak: 0 }
      return {
        life: { signs, endAskedAtMs: null, oomAtMs: null },
        turn: { kind: 'started', text: 'it was started' },
      }
    }
    case 'health_status': {
      const health = event.health ?? 'none'
      const signs = {
        ...life.signs,
        at: event.at,
        health,
        healthFailingStreak: health === 'healthy' ? 0 : life.signs.healthFailingStreak,
      }
      if (health === 'unhealthy')
        return { life: { ...life, signs }, turn: { kind: 'unhealthy', text: 'its health check turned unhealthy' } }
      const recovered = health === 'healthy' && life.signs.health === 'unhealthy'
      return {
        life: { ...life, signs },
        turn: recovered ? { kind: 'recovered', text: 'its health check is healthy again' } : null,
      }
    }
    default:
      return { life, turn: null }
  }
}
