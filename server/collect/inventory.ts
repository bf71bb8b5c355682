import type { Clock, Engine } from '../contracts/ports.ts'
import type { Container, ContainerState, EngineDescription, EngineEvent } from '../contracts/telemetry.ts'
import { EngineError, messageOf } from '../errors.ts'
import type { Log } from '../log.ts'

/** Whether the engine answers. `sinceMs` is when this state began, `detail` the reason in words. */
export type EngineState = {
  state: 'connecting' | 'ok' | 'down'
  sinceMs: number
  detail: string
  description: EngineDescription | null
}

export type Inventory = AsyncDisposable & {
  readonly containers: ReadonlyMap<string, Container>
  readonly engine: EngineState
}

const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 30_000

/** An event stream can be silent for hours; only a question tells an idle engine from a hanging one. */
const HEARTBEAT_MS = 15_000

/** The engine counts a failed health check a moment after the end of its process. */
const CHECK_COUNTED_MS = 200

/** Inspections at once, when many containers have to be looked at. */
const INSPECTIONS_AT_ONCE = 8

/** What an event says of the state at once; the inspection that follows says the rest. */
const STATE_AFTER: Record<string, ContainerState> = {
  start: 'running',
  restart: 'running',
  unpause: 'running',
  pause: 'paused',
  die: 'exited',
}

/** Back-off after the n-th failure in a row (0 first): doubling from 1 s to 30 s, with the upper half left to chance. */
export function retryDelayMs(failures: number, random: () => number): number {
  const full = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10))
  return full / 2 + (full / 2) * random()
}

/**
 * Follows an engine's containers: a full list at the start and after each reconnection, its events in between. An
 * engine that is not there is a state, never an error. `onEvent` sees every event in order, `onEngine` every change of
 * the engine's state.
 */
export function createInventory(options: {
  engine: Engine
  clock: Clock
  log: Log
  random: () => number
  onEvent: (event: EngineEvent) => void
  onEngine: (state: EngineState) => void
}): Inventory {
  const { engine, clock, log, random, onEvent, onEngine } = options
  const containers = new Map<string, Container>()
  const stop = new AbortController()
  const dirty = new Set<string>()
  /** Removed while inspections were under way: an answer from before it must not bring one back. */
  const removed = new Set<string>()
  let refreshing = false
  let lastEventMs: number | null = null
  let state: EngineState = {
    state: 'connecting',
    sinceMs: clock.now(),
    detail: `connecting to ${engine.address}`,
    description: null,
  }

  const become = (next: Omit<EngineState, 'sinceMs'>) => {
    const same = next.state === state.state
    state = { ...next, sinceMs: same ? state.sinceMs : clock.now() }
    if (!same) onEngine(state)
  }

  const inspect = async (id: string) => {
    const container = await engine.inspect(id)
    if (container === null || removed.has(id)) containers.delete(id)
    else containers.set(id, container)
  }

  const inspectAll = async (ids: readonly string[]) => {
    const queue = [...ids]
    const worker = async () => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        const one = id
        await inspect(one).catch((error) => {
          if (!(error instanceof EngineError) || error.kind === 'unreachable' || error.kind === 'timeout') throw error
          log.warn({ containerId: one, reason: error.message }, 'container could not be inspected')
        })
      }
    }
    await Promise.all(Array.from({ length: INSPECTIONS_AT_ONCE }, worker))
  }

  /** Events come in bursts: each container that had one is looked at once after it. */
  const refresh = async () => {
    if (refreshing) return
    refreshing = true
    try {
      while (dirty.size > 0 && !stop.signal.aborted) {
        const ids = [...dirty]
        dirty.clear()
        await inspectAll(ids)
      }
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'inventory could not be refreshed')
    } finally {
      refreshing = false
      removed.clear()
    }
  }

  /** What a health check says is in no event until the last retry: a failed one, and the first good one after, are looked up. */
  const execEnded = async ({ containerId, exitCode }: EngineEvent) => {
    const known = containers.get(containerId)
    if (known === undefined || known.health === 'none') return
    if (exitCode === 0 && known.healthFailingStreak === 0) return
    await clock.sleep(CHECK_COUNTED_MS, stop.signal)
    dirty.add(containerId)
    await refresh()
  }

  const handle = (event: EngineEvent) => {
    lastEventMs = event.at
    if (event.kind === 'exec_die') {
      void execEnded(event)
      return
    }
    const known = containers.get(event.containerId)
    const next = STATE_AFTER[event.kind]
    if (known !== undefined && next !== undefined) containers.set(event.containerId, { ...known, state: next })
    onEvent(event)
    if (event.kind === 'destroy') {
      containers.delete(event.containerId)
      dirty.delete(event.containerId)
      if (refreshing) removed.add(event.containerId)
      return
    }
    dirty.add(event.containerId)
    void refresh()
  }

  /** Asks the engine whether it is still there, and for the failing streaks that no event tells. */
  const heartbeat = async (lost: AbortController) => {
    while (!lost.signal.aborted) {
      await clock.sleep(HEARTBEAT_MS, lost.signal)
      if (lost.signal.aborted) return
      try {
        await engine.ping()
        for (const { id, state: running, health } of containers.values()) {
          if (running === 'running' && health !== 'none') dirty.add(id)
        }
        await refresh()
      } catch (error) {
        lost.abort(error)
      }
    }
  }

  const connectAndFollow = async (onConnected: () => void) => {
    const sinceMs = lastEventMs === null ? clock.now() : lastEventMs + 1
    const description = await engine.describe()
    const ids = await engine.list()
    for (const id of containers.keys()) if (!ids.includes(id)) containers.delete(id)
    await inspectAll(ids)
    become({ state: 'ok', detail: `Docker ${description.version} at ${engine.address}`, description })
    onConnected()
    const lost = new AbortController()
    const end = () => lost.abort()
    stop.signal.addEventListener('abort', end)
    if (stop.signal.aborted) end()
    const beating = heartbeat(lost)
    try {
      for await (const event of engine.events({ sinceMs, signal: lost.signal })) handle(event)
      throw lost.signal.reason ?? new EngineError('unreachable', 'the event stream ended')
    } finally {
      stop.signal.removeEventListener('abort', end)
      lost.abort()
      await beating
    }
  }

  const follow = async () => {
    let failures = 0
    while (!stop.signal.aborted) {
      try {
        await connectAndFollow(() => {
          failures = 0
        })
      } catch (error) {
        if (stop.signal.aborted) return
        become({ state: 'down', detail: messageOf(error), description: state.description })
        await clock.sleep(retryDelayMs(failures, random), stop.signal)
        failures += 1
      }
    }
  }

  const following = follow()

  return {
    containers,
    get engine() {
      return state
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await following
    },
  }
}
