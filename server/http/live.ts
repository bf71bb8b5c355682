import type { LiveEvent } from '../contracts/live-event.ts'
import { AppError, RequestError } from '../errors.ts'

export type Live = {
  /** Sends an event to everybody; `incident` events are kept for those who come back. */
  publish(event: LiveEvent): void
  /** Opens a stream: the snapshot, what was missed since `lastEventId`, then everything new. RequestError when full. */
  connect(lastEventId: string | undefined): Response
  /** What `connect` would answer, without a stream. */
  head(): Response
  /** Ends all streams. */
  close(): void
  readonly clients: number
}

/** Incidents kept for clients that come back; a longer gap is covered by the snapshot. */
const KEPT_EVENTS = 256
const COMMENT_EVERY_MS = 15_000
/** A client this far behind is cut off; its browser comes back by itself and gets a snapshot. */
const MAX_BEHIND_BYTES = 4 * 1024 * 1024
/** Above this no more ticks are sent to it: the next one it can take is as good. */
const SKIP_TICKS_BEHIND_BYTES = 512 * 1024

/** Streams open at once; what all of them may make wait stays below what a small machine has. */
const MAX_CLIENTS = 200

/** By this code the HTTP server knows a connection that ended early, and prints no stack. */
const CUT = { code: 'ERR_STREAM_PREMATURE_CLOSE' }

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
}

type Client = ReadableStreamDefaultController<Uint8Array>

/**
 * Server-Sent Events for any number of browsers. An event is encoded once for all; a slow reader misses ticks, then is
 * cut off, and never makes memory grow; after ticks that it missed it gets a snapshot. `runId` tells event ids of this run from those of an earlier one.
 */
export function createLive(options: {
  runId: string
  snapshot: () => LiveEvent
  /** Publishes what the others were not told yet, so that a snapshot and the ticks after it fit. */
  bringUpToDate?: () => void
}): Live {
  const { runId, snapshot, bringUpToDate = () => {} } = options
  const encoder = new TextEncoder()
  const clients = new Set<Client>()
  /** Ticks say what changed: who missed one needs everything. */
  const missedTicks = new Set<Client>()
  const kept: { number: number; bytes: Uint8Array }[] = []
  let newest = 0

  const encode = (event: LiveEvent, id?: number) =>
    encoder.encode(
      `${id === undefined ? '' : `id: ${runId}-${id}\n`}event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
    )

  /** An ended stream sends what waits; a cut one forgets it, for its reader may never come to take it. */
  const drop = (client: Client, how: 'end' | 'cut') => {
    clients.delete(client)
    missedTicks.delete(client)
    try {
      if (how === 'end') client.close()
      else client.error(Object.assign(new AppError('the reader is too slow'), CUT))
    } catch {
      // It ended by itself meanwhile.
    }
  }

  const behindBytes = (client: Client) => MAX_BEHIND_BYTES - (client.desiredSize ?? 0)

  const broadcast = (bytes: Uint8Array) => {
    for (const client of clients) {
      if (behindBytes(client) >= MAX_BEHIND_BYTES) drop(client, 'cut')
      else client.enqueue(bytes)
    }
  }

  const broadcastTick = (bytes: Uint8Array) => {
    let everything: Uint8Array | null = null
    for (const client of clients) {
      const behind = behindBytes(client)
      if (behind >= MAX_BEHIND_BYTES) drop(client, 'cut')
      else if (behind >= SKIP_TICKS_BEHIND_BYTES) missedTicks.add(client)
      else if (!missedTicks.delete(client)) client.enqueue(bytes)
      else {
        everything ??= encode(snapshot())
        client.enqueue(everything)
      }
    }
  }

  const comments = setInterval(() => broadcast(encoder.encode(': still here\n\n')), COMMENT_EVERY_MS)
  comments.unref()

  return {
    get clients() {
      return clients.size
    },
    publish(event) {
      if (event.type !== 'incident') {
        if (clients.size === 0) return
        if (event.type === 'tick') broadcastTick(encode(event))
        else broadcast(encode(event))
        return
      }
      newest += 1
      const bytes = encode(event, newest)
      kept.push({ number: newest, bytes })
      if (kept.length > KEPT_EVENTS) kept.shift()
      broadcast(bytes)
    },
    head: () => new Response(null, { headers: HEADERS }),
    connect(lastEventId) {
      if (clients.size >= MAX_CLIENTS) throw new RequestError(503, 'too many live streams are open: try again later')
      const seen = lastEventId?.startsWith(`${runId}-`) ? Number(lastEventId.slice(runId.length + 1)) : Number.NaN
      bringUpToDate()
      let own: Client | undefined
      const stream = new ReadableStream<Uint8Array>(
        {
          start(client) {
            own = client
            clients.add(client)
            client.enqueue(encoder.encode('retry: 2000\n\n'))
            client.enqueue(encode(snapshot()))
            if (Number.isInteger(seen)) for (const { number, bytes } of kept) if (number > seen) client.enqueue(bytes)
          },
          cancel() {
            if (own === undefined) return
            clients.delete(own)
            missedTicks.delete(own)
          },
        },
        new ByteLengthQueuingStrategy({ highWaterMark: MAX_BEHIND_BYTES }),
      )
      return new Response(stream, { headers: HEADERS })
    },
    close() {
      clearInterval(comments)
      for (const client of [...clients]) drop(client, 'end')
    },
  }
}
