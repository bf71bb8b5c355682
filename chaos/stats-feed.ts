import type { ServerResponse } from 'node:http'
import type { SimulatedContainer } from './simulated-container.ts'
import type { SimulatedHost } from './simulated-host.ts'
import { type CgroupVersion, NO_READING, type PreviousReading, statsReply } from './stats-replies.ts'

/** A reader so far behind misses readings, as it would with the real engine. */
const MAX_BUFFERED_BYTES = 512 * 1024

type Stream = {
  response: ServerResponse
  previous: PreviousReading
  /** Readings to take before the last one; endless for a stream. */
  left: number
  pending: string[]
  tooSlow: boolean
}

/** The open `/stats` requests of an engine. A reply is built only where one is open. */
export type StatsFeed = {
  /** `once` answers with the second reading from now, `one-shot` with the first. */
  attach(container: SimulatedContainer, response: ServerResponse, mode: 'stream' | 'once' | 'one-shot'): void
  /** Takes a reading of every container that somebody listens to. */
  tick(): void
  /** Sends what was read, in one write per stream however many seconds went by. */
  flush(): void
  /** Ends the streams of a container that is gone. */
  end(containerId: string): void
}

/** `garble` may replace the text of a reading. */
export function createStatsFeed(options: {
  host: SimulatedHost
  cgroupVersion: CgroupVersion
  garble: (text: string) => string
}): StatsFeed {
  const { host, cgroupVersion, garble } = options
  const streams = new Map<string, Set<Stream>>()
  let unsent: Stream[] = []

  function read(container: SimulatedContainer, stream: Stream): void {
    if (stream.response.writableEnded) return
    const { reply, reading } = statsReply(host, container, cgroupVersion, stream.previous)
    stream.previous = reading
    stream.left -= 1
    const isLast = stream.left === 0
    if ((stream.left !== Number.POSITIVE_INFINITY && !isLast) || stream.tooSlow) return
    if (stream.pending.length === 0) unsent.push(stream)
    stream.pending.push(garble(`${JSON.stringify(reply)}\n`))
  }

  return {
    attach(container, response, mode) {
      response.writeHead(200, mode === 'stream' ? {} : { 'Content-Type': 'application/json' })
      if (mode !== 'stream' && (container.process === null || container.status === 'restarting')) {
        response.end(`${JSON.stringify(statsReply(host, container, cgroupVersion, NO_READING).reply)}\n`)
        return
      }
      response.flushHeaders()
      const left = mode === 'stream' ? Number.POSITIVE_INFINITY : mode === 'once' ? 2 : 1
      const stream = { response, previous: NO_READING, left, pending: [], tooSlow: false }
      const siblings = streams.get(container.id) ?? new Set()
      streams.set(container.id, siblings.add(stream))
      response.on('close', () => {
        siblings.delete(stream)
        if (siblings.size === 0 && streams.get(container.id) === siblings) streams.delete(container.id)
      })
    },
    tick() {
      for (const [id, listening] of streams) {
        const container = host.containers.get(id)
        if (container) for (const stream of listening) read(container, stream)
      }
    },
    flush() {
      for (const stream of unsent) {
        // Its container was removed since it was read.
        if (stream.response.writableEnded) continue
        stream.response.write(stream.pending.join(''))
        stream.pending = []
        stream.tooSlow = stream.response.writableLength > MAX_BUFFERED_BYTES
        if (stream.tooSlow) stream.response.once('drain', () => (stream.tooSlow = false))
        if (stream.left <= 0) stream.response.end()
      }
      unsent = []
    },
    end(containerId) {
      for (const { response } of streams.get(containerId) ?? []) response.end()
    },
  }
}
