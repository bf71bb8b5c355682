import { connect, type Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { LiveEvent } from '../contracts/live-event.ts'
import { listen } from '../listen.ts'
import { createLive } from './live.ts'
import { aContainerView, anIncidentView, aStatus, createApiStandIn } from './service-stand-in.ts'

const at = '2026-03-01T12:00:00.000Z'
const tick = (size = 0): LiveEvent => ({
  type: 'tick',
  at,
  readAt: at,
  changed: [aContainerView({ name: 'x'.repeat(size) })],
  gone: [],
})
const incident = (containerName = 'shop-api-1'): LiveEvent => ({
  type: 'incident',
  at,
  incident: { ...anIncidentView(), containerName },
})
const status: LiveEvent = { type: 'status', at, status: aStatus() }
const snapshot = (): LiveEvent => ({ type: 'snapshot', at, containers: [], incidents: [], status: aStatus() })

type Received = { id: string | undefined; event: string; data: LiveEvent }

function parse(text: string): Received[] {
  return text
    .split('\n\n')
    .filter((block) => block.includes('event: '))
    .map((block) => {
      const field = (name: string) => new RegExp(`^${name}: ([^\n]*)$`, 'm').exec(block)?.[1]
      return { id: field('id'), event: field('event') ?? '', data: LiveEvent.parse(JSON.parse(field('data') ?? '')) }
    })
}

/** Reads what is there until so many events came, then leaves. */
async function receive(response: Response, count: number): Promise<Received[]> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (parse(text).length >= count) break
  }
  return parse(text)
}

describe('the live stream', () => {
  test('begins with the snapshot, then sends what happens; only incidents have ids', async () => {
    const { ask, live } = createApiStandIn()
    const response = await ask('/api/live')
    live.publish(tick())
    live.publish(incident())
    live.publish(status)
    const events = await receive(response, 4)
    expect(events.map(({ event, id }) => [event, id])).toEqual([
      ['snapshot', undefined],
      ['tick', undefined],
      ['incident', 'run1-1'],
      ['status', undefined],
    ])
    expect(events.every(({ event, data }) => event === data.type)).toBe(true)
  })

  test('is not stored, changed, compressed or held back on its way', async () => {
    const { headers } = await createApiStandIn().ask('/api/live', { headers: { 'accept-encoding': 'gzip' } })
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(headers.get('x-accel-buffering')).toBe('no')
    expect(headers.get('content-encoding')).toBeNull()
  })

  test('sends every name on one line of data, whatever is in it', async () => {
    const { ask, live } = createApiStandIn()
    const response = await ask('/api/live')
    live.publish(incident('a\n\nevent: fake\ndata: {}\n\n\u2028'))
    const events = await receive(response, 2)
    expect(events.map(({ event }) => event)).toEqual(['snapshot', 'incident'])
  })

  test('sends what was missed to who comes back, in order, after the snapshot', async () => {
    const { ask, live } = createApiStandIn()
    for (let count = 0; count < 5; count++) live.publish(incident())
    const events = await receive(await ask('/api/live', { headers: { 'last-event-id': 'run1-3' } }), 3)
    expect(events.map(({ id }) => id)).toEqual([undefined, 'run1-4', 'run1-5'])
  })

  test.each(['run0-3', 'run1-', 'run1-x', 'run1-1.5', 'run1--1', 'run1-9999', 'run1-5', '', '🙂', 'run1-1e0'])(
    'sends nothing twice, and breaks nothing, for the id "%s"',
    async (id) => {
      const live = createLive({ runId: 'run1', snapshot })
      for (let count = 0; count < 5; count++) live.publish(incident())
      const response = live.connect(id)
      live.publish(tick())
      const events = await receive(response, 2)
      const ids = events.flatMap(({ id: own }) => (own === undefined ? [] : [own]))
      expect(new Set(ids).size).toBe(ids.length)
      expect(events[0]?.event).toBe('snapshot')
      live.close()
    },
  )

  test('keeps the newest 256 incidents for those who come back, and no more', async () => {
    const live = createLive({ runId: 'run1', snapshot })
    for (let count = 0; count < 300; count++) live.publish(incident())
    const events = await receive(live.connect('run1-1'), 257)
    expect(events[1]?.id).toBe('run1-45')
    expect(events).toHaveLength(257)
    live.close()
  })

  test('says every fifteen seconds that it is still there', async () => {
    vi.useFakeTimers()
    try {
      const live = createLive({ runId: 'run1', snapshot })
      const reader = live.connect(undefined).body!.getReader()
      vi.advanceTimersByTime(15_000)
      live.close()
      let text = ''
      for (let part = await reader.read(); !part.done; part = await reader.read())
        text += new TextDecoder().decode(part.value)
      expect(text).toMatch(/^retry: 2000\n\nevent: snapshot\n[^\n]*\n\n: still here\n\n$/)
    } finally {
      vi.useRealTimers()
    }
  })

  test('ends for everybody when it is closed', async () => {
    const live = createLive({ runId: 'run1', snapshot })
    const responses = [live.connect(undefined), live.connect(undefined)]
    expect(live.clients).toBe(2)
    live.close()
    expect(live.clients).toBe(0)
    for (const response of responses) expect(await response.text()).toContain('event: snapshot')
  })

  test('is not begun by a HEAD, which would never end it', async () => {
    const { ask, live } = createApiStandIn()
    const { status: code, headers } = await ask('/api/live', { method: 'HEAD' })
    expect([code, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
    expect(live.clients).toBe(0)
  })

  test('tells the others what is new before a newcomer gets it in a snapshot', async () => {
    const told: string[] = []
    const live = createLive({
      runId: 'run1',
      snapshot: () => {
        told.push('snapshot')
        return snapshot()
      },
      bringUpToDate: () => told.push('ticks'),
    })
    live.connect(undefined)
    expect(told).toEqual(['ticks', 'snapshot'])
    live.close()
  })

  test('is open to two hundred at once, the next one is told to come later', async () => {
    const { ask, live } = createApiStandIn()
    for (let count = 0; count < 200; count++) expect((await ask('/api/live')).status).toBe(200)
    const late = await ask('/api/live')
    expect([late.status, late.headers.get('content-type')]).toEqual([503, 'application/problem+json'])
    live.close()
    expect((await ask('/api/live')).status).toBe(200)
  })
})

describe('a slow reader', () => {
  const KIB = 1024

  test('misses ticks, and what waits for it does not grow', async () => {
    const live = createLive({ runId: 'run1', snapshot })
    const response = live.connect(undefined)
    for (let count = 0; count < 1_000; count++) live.publish(tick(64 * KIB))
    expect(live.clients).toBe(1)
    live.close()
    const waited = (await response.arrayBuffer()).byteLength
    expect(waited).toBeGreaterThan(256 * KIB)
    expect(waited).toBeLessThan(700 * KIB)
  })

  test('still gets incidents, until it is so far behind that it is cut off; what waited is let go', async () => {
    const live = createLive({ runId: 'run1', snapshot })
    const response = live.connect(undefined)
    let sent = 0
    while (live.clients > 0 && sent < 200) {
      live.publish(incident('x'.repeat(64 * KIB)))
      sent += 1
    }
    expect(sent).toBeGreaterThan(40)
    expect(sent).toBeLessThan(80)
    await expect(response.arrayBuffer()).rejects.toThrow('too slow')
    live.close()
  })

  test('that catches up gets everything once, for the ticks it missed, and then ticks again', async () => {
    const live = createLive({ runId: 'run1', snapshot })
    const reader = live.connect(undefined).body!.getReader()
    const nextEvent = async () => /^event: (\w+)$/m.exec(new TextDecoder().decode((await reader.read()).value))?.[1]
    live.publish(tick(600 * KIB))
    live.publish(tick())
    expect([await nextEvent(), await nextEvent(), await nextEvent()]).toEqual([undefined, 'snapshot', 'tick'])
    live.publish(tick())
    live.publish(tick())
    expect([await nextEvent(), await nextEvent()]).toEqual(['snapshot', 'tick'])
    live.close()
  })

  test('does not slow down the others', async () => {
    const live = createLive({ runId: 'run1', snapshot })
    live.connect(undefined)
    const reader = live.connect(undefined).body!.getReader()
    let read = 0
    for (let count = 0; count < 100; count++) {
      live.publish(incident('x'.repeat(64 * KIB)))
      read += (await reader.read()).value?.byteLength ?? 0
    }
    expect(live.clients).toBe(1)
    expect(read).toBeGreaterThan(90 * 64 * KIB)
    live.close()
  })
})

describe('over a real socket', () => {
  const open = async () => {
    const standIn = createApiStandIn()
    const server = await listen({ fetch: standIn.api.fetch, host: '127.0.0.1', port: 0 })
    const sockets: Socket[] = []
    return {
      ...standIn,
      url: server.url,
      /** A connection that asks for the stream and, once it began, reads no more. */
      async stalled(): Promise<Socket> {
        const { port } = new URL(server.url)
        const socket = connect(Number(port), '127.0.0.1')
        sockets.push(socket)
        const before = standIn.live.clients
        socket.write(`GET /api/live HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
        await new Promise((resolve) => socket.once('data', resolve))
        socket.pause()
        expect(standIn.live.clients).toBe(before + 1)
        return socket
      },
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy()
        standIn.live.close()
        await server[Symbol.asyncDispose]()
      },
    }
  }

  test('events come as they happen', async () => {
    await using server = await open()
    const response = await fetch(`${server.url}/api/live`)
    server.live.publish(tick())
    server.live.publish(incident())
    expect((await receive(response, 3)).map(({ event }) => event)).toEqual(['snapshot', 'tick', 'incident'])
  })

  test('who leaves is forgotten', async () => {
    await using server = await open()
    const socket = await server.stalled()
    socket.destroy()
    await vi.waitFor(() => expect(server.live.clients).toBe(0), { timeout: 5_000 })
  })

  test('who reads no more is cut off, and its connection ends', async () => {
    await using server = await open()
    const socket = await server.stalled()
    let sent = 0
    while (server.live.clients > 0 && sent < 1_000) {
      server.live.publish(incident('x'.repeat(128 * 1024)))
      sent += 1
      await new Promise(setImmediate)
    }
    expect(server.live.clients).toBe(0)
    let received = 0
    socket.on('data', (chunk) => {
      received += chunk.length
    })
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => {})
    socket.resume()
    await ended
    expect(received).toBeLessThan(sent * 128 * 1024)
  })

  test('closing ends the streams of all', async () => {
    await using server = await open()
    const response = await fetch(`${server.url}/api/live`)
    await vi.waitFor(() => expect(server.live.clients).toBe(1))
    server.live.close()
    expect(await response.text()).toContain('event: snapshot')
  })
})
