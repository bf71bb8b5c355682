import {
  isStoppedReply,
  parseDescription,
  parseEvent,
  parseInspect,
  parseStats,
  TopReply,
} from '../server/collect/docker-replies.ts'
import { parseLogFrames } from '../server/collect/log-frames.ts'
import type { Engine } from '../server/contracts/ports.ts'
import type { EngineEvent } from '../server/contracts/telemetry.ts'
import { EngineError } from '../server/errors.ts'
import { inspectReply, logFrames, topReply } from './container-replies.ts'
import { eventLine, infoReply, versionReply } from './docker-replies.ts'
import type { SimulatedEvent } from './lifecycle.ts'
import { isAlive, type SimulatedContainer } from './simulated-container.ts'
import type { SimulatedHost } from './simulated-host.ts'
import { NO_READING, statsReply } from './stats-replies.ts'

/** A queue that one reader waits at; `end` lets it finish. */
function createQueue<T>(signal: AbortSignal): { push(item: T): void; end(): void; items(): AsyncGenerator<T> } {
  const waiting: T[] = []
  let wake = () => {}
  let ended = false
  const end = () => {
    ended = true
    wake()
  }
  signal.addEventListener('abort', end, { once: true })
  return {
    push(item) {
      waiting.push(item)
      wake()
    },
    end,
    async *items() {
      for (;;) {
        for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) yield item
        if (ended || signal.aborted) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

type Queue<T> = ReturnType<typeof createQueue<T>>

export type DirectEngine = Engine & {
  /** The host's two ears: to be given to `createSimulatedHost`. */
  onEvent(event: SimulatedEvent): void
  onTick(): void
  /** From now on every call is refused, as by a socket proxy that forbids it; `false` ends that. */
  refuse(refused: boolean): void
}

/**
 * A simulated host as the program's own engine port, without HTTP between them: nothing happens but when the host is
 * advanced, so that a run repeats exactly. Replies are those of the simulated engine, parsed by the program's parsers.
 */
export function createDirectEngine(host: () => SimulatedHost): DirectEngine {
  const listeners = new Set<Queue<EngineEvent>>()
  const followers = new Set<{ id: string; queue: Queue<string>; sentUntilMs: number }>()
  const streams = new Map<string, Set<{ queue: Queue<object>; previous: typeof NO_READING }>>()
  let refused = false

  const check = () => {
    if (refused) throw new EngineError('refused', 'the socket proxy refuses this (403)')
  }
  const find = (id: string): SimulatedContainer => {
    check()
    const container = host().containers.get(id)
    if (container === undefined) throw new EngineError('not-found', `No such container: ${id}`)
    return container
  }
  const command = (id: string, run: (container: SimulatedContainer, done: () => void) => void): Promise<void> =>
    new Promise((resolve) => run(find(id), resolve))

  return {
    address: 'the simulated host',
    onEvent(event) {
      if (event.networkName !== undefined) return
      const parsed = parseEvent(JSON.parse(eventLine(event)))
      if (parsed !== null) for (const queue of listeners) queue.push(parsed)
      if (event.action === 'destroy') for (const { queue } of streams.get(event.container.id) ?? []) queue.end()
    },
    onTick() {
      for (const follower of followers) {
        const { id, queue, sentUntilMs } = follower
        const container = host().containers.get(id)
        const lines = container?.logs.filter(({ atMs }) => atMs > sentUntilMs) ?? []
        if (lines.length > 0) queue.push(`${parseLogFrames(logFrames(lines, false)).join('\n')}\n`)
        follower.sentUntilMs = lines.at(-1)?.atMs ?? sentUntilMs
        if (container === undefined || !isAlive(container)) queue.end()
      }
      for (const [id, listening] of streams) {
        const container = host().containers.get(id)
        if (container === undefined) continue
        for (const stream of listening) {
          const { reply, reading } = statsReply(host(), container, '2', stream.previous)
          stream.previous = reading
          stream.queue.push(reply)
        }
      }
    },
    refuse(now) {
      refused = now
      if (!now) return
      for (const queue of listeners) queue.end()
      for (const { queue } of followers) queue.end()
      for (const listening of streams.values()) for (const { queue } of listening) queue.end()
    },
    async describe() {
      check()
      return parseDescription(infoReply(host(), '2', 'simulated-host'), versionReply())
    },
    ping: async () => check(),
    async list() {
      check()
      return [...host().containers.keys()]
    },
    async inspect(id) {
      check()
      const container = host().containers.get(id)
      return container === undefined ? null : parseInspect(inspectReply(container))
    },
    async *events({ signal }) {
      check()
      const queue = createQueue<EngineEvent>(signal)
      listeners.add(queue)
      try {
        yield* queue.items()
      } finally {
        listeners.delete(queue)
      }
    },
    async *stats(id, { signal }) {
      find(id)
      const queue = createQueue<object>(signal)
      const stream = { queue, previous: NO_READING }
      const siblings = streams.get(id) ?? new Set()
      streams.set(id, siblings.add(stream))
      try {
        for await (const reply of queue.items()) {
          if (isStoppedReply(reply)) return
          const counters = parseStats(reply)
          if (counters !== null) yield counters
        }
      } finally {
        siblings.delete(stream)
        if (siblings.size === 0) streams.delete(id)
      }
    },
    async logs(id, { tailLines }) {
      return parseLogFrames(logFrames(find(id).logs.slice(-tailLines), false))
    },
    async *followLogs(id, { signal }) {
      if (!isAlive(find(id))) return
      const follower = { id, queue: createQueue<string>(signal), sentUntilMs: host().nowMs() }
      followers.add(follower)
      try {
        yield* follower.queue.items()
      } finally {
        followers.delete(follower)
      }
    },
    async top(id) {
      const container = find(id)
      if (!isAlive(container)) throw new EngineError('conflict', `Container ${id} is not running`)
      const { Titles, Processes } = TopReply.parse(topReply(container))
      return { titles: Titles, processes: Processes }
    },
    restart: (id, { graceSeconds }) => command(id, (one, done) => host().restart(one, graceSeconds, done)),
    stop: (id, { graceSeconds }) => command(id, (one, done) => host().stop(one, graceSeconds, done)),
    start: (id) => command(id, (one, done) => host().start(one, done)),
    pause: async (id) => host().pause(find(id)),
    unpause: async (id) => host().unpause(find(id)),
    async updateLimits(id, { memoryBytes, cpuCores }) {
      const container = find(id)
      container.limits = {
        memoryBytes: memoryBytes ?? container.limits.memoryBytes,
        cpuCores: cpuCores ?? container.limits.cpuCores,
      }
      host().updated(container)
    },
    disconnect: async (id, network) => host().disconnect(find(id), network),
    connect: async (id, network) => host().connect(find(id), network),
  }
}
