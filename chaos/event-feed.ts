import type { ServerResponse } from 'node:http'
import { eventLine } from './docker-replies.ts'
import { accepts, type Filters } from './filters.ts'
import type { SimulatedEvent } from './lifecycle.ts'

/** What an engine remembers for `since`. */
const KEPT_EVENTS = 256
/** A listener that reads slower than this is cut off. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024

type Listener = { response: ServerResponse; filters: Filters; untilMs: number }

/** The `/events` of an engine: what happened lately, and who listens. */
export type EventFeed = {
  publish(event: SimulatedEvent): void
  /** Sends what is remembered from `sinceMs` on, then what happens, until `untilMs` (both epoch) or the connection's end. */
  attach(response: ServerResponse, options: { filters: Filters; sinceMs: number | null; untilMs: number | null }): void
  /** Ends the streams whose time is over. */
  expire(nowMs: number): void
}

export function createEventFeed(nowMs: () => number): EventFeed {
  const recent: SimulatedEvent[] = []
  const listeners = new Set<Listener>()

  function send({ response, filters }: Listener, event: SimulatedEvent): void {
    if (!accepts(filters, event)) return
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy()
    else response.write(eventLine(event))
  }

  return {
    publish(event) {
      recent.push(event)
      if (recent.length > KEPT_EVENTS) recent.shift()
      for (const listener of listeners) if (event.atMs <= listener.untilMs) send(listener, event)
    },
    attach(response, { filters, sinceMs, untilMs }) {
      const listener = { response, filters, untilMs: untilMs ?? Number.POSITIVE_INFINITY }
      response.writeHead(200, { 'Content-Type': 'application/json' })
      response.flushHeaders()
      if (sinceMs !== null || untilMs !== null)
        for (const event of recent)
          if (event.atMs >= (sinceMs ?? 0) && event.atMs <= listener.untilMs) send(listener, event)
      if (listener.untilMs <= nowMs()) {
        response.end()
        return
      }
      listeners.add(listener)
      response.on('close', () => listeners.delete(listener))
    },
    expire(now) {
      for (const listener of listeners) if (listener.untilMs <= now) listener.response.end()
    },
  }
}
