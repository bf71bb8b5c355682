import { connect } from 'node:net'
import {
  EMPTY_TABLE,
  FRAME,
  frame,
  longString,
  type MethodName,
  method,
  methodOf,
  PROTOCOL_HEADER,
  shortString,
  splitFrames,
  uint8,
  uint16,
  uint32,
  uint64,
} from './amqp-frames.ts'

const CHANNEL = 1
const HEARTBEAT_SECONDS = 10
const DURABLE = 0b00010
const REQUEUE = 0b10

export type Delivery = { body: Buffer; ack(): void; requeue(): void }

/**
 * Consumes one queue until the connection ends or `signal` is aborted; rejects with why it ended. Deliveries are given
 * one by one as the broker sends them, at most `prefetch` unacknowledged.
 */
export function consume({
  url,
  queue,
  prefetch,
  signal,
  onReady,
  onDelivery,
}: {
  url: URL
  queue: string
  prefetch: number
  signal: AbortSignal
  onReady: () => void
  onDelivery: (delivery: Delivery) => void
}): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: url.hostname, port: Number(url.port || 5672), noDelay: true })
    const send = (bytes: Buffer) => {
      if (socket.writable) socket.write(bytes)
    }
    let rest: Buffer = Buffer.alloc(0)
    let incoming: { tag: bigint; size: number; parts: Buffer[] } | null = null

    const deliver = () => {
      if (incoming === null || incoming.parts.reduce((sum, part) => sum + part.length, 0) < incoming.size) return
      const { tag, parts } = incoming
      incoming = null
      onDelivery({
        body: Buffer.concat(parts),
        ack: () => send(method(CHANNEL, 'basicAck', uint64(tag), uint8(0))),
        requeue: () => send(method(CHANNEL, 'basicNack', uint64(tag), uint8(REQUEUE))),
      })
    }

    const closed = (payload: Buffer) =>
      new Error(`the broker closed: ${payload.subarray(7, 7 + payload.readUInt8(6)).toString()}`)

    const login = `\0${decodeURIComponent(url.username)}\0${decodeURIComponent(url.password)}`
    const ignored = uint16(0)
    const answers: Partial<Record<MethodName, (payload: Buffer) => void>> = {
      connectionStart: () =>
        send(
          method(0, 'connectionStartOk', EMPTY_TABLE, shortString('PLAIN'), longString(login), shortString('en_US')),
        ),
      connectionTune: (payload) => {
        send(method(0, 'connectionTuneOk', payload.subarray(4, 6), payload.subarray(6, 10), uint16(HEARTBEAT_SECONDS)))
        send(method(0, 'connectionOpen', shortString('/'), shortString(''), uint8(0)))
      },
      connectionOpenOk: () => send(method(CHANNEL, 'channelOpen', shortString(''))),
      channelOpenOk: () =>
        send(method(CHANNEL, 'queueDeclare', ignored, shortString(queue), uint8(DURABLE), EMPTY_TABLE)),
      queueDeclareOk: () => send(method(CHANNEL, 'basicQos', uint32(0), uint16(prefetch), uint8(0))),
      basicQosOk: () =>
        send(method(CHANNEL, 'basicConsume', ignored, shortString(queue), shortString(''), uint8(0), EMPTY_TABLE)),
      basicConsumeOk: onReady,
      basicDeliver: (payload) => {
        incoming = { tag: payload.readBigUInt64BE(5 + payload.readUInt8(4)), size: -1, parts: [] }
      },
      basicCancel: () => socket.destroy(new Error('the queue was deleted')),
      channelClose: (payload) => socket.destroy(closed(payload)),
      connectionClose: (payload) => socket.destroy(closed(payload)),
    }

    const beat = setInterval(() => send(frame(FRAME.heartbeat, 0, Buffer.alloc(0))), (HEARTBEAT_SECONDS * 1000) / 2)
    socket.setTimeout(2 * HEARTBEAT_SECONDS * 1000, () => socket.destroy(new Error('the broker fell silent')))
    socket.on('connect', () => send(PROTOCOL_HEADER))
    socket.on('data', (chunk) => {
      try {
        const split = splitFrames(Buffer.concat([rest, chunk]))
        rest = split.rest
        for (const { type, payload } of split.frames) {
          if (type === FRAME.method) {
            const name = methodOf(payload)
            if (name !== undefined) answers[name]?.(payload)
          } else if (type === FRAME.header && incoming !== null) {
            incoming.size = Number(payload.readBigUInt64BE(4))
            deliver()
          } else if (type === FRAME.body && incoming !== null) {
            incoming.parts.push(payload)
            deliver()
          }
        }
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    socket.on('error', reject)
    const stop = () => {
      socket.end(method(0, 'connectionClose', uint16(200), shortString('bye'), uint16(0), uint16(0)))
      resolve()
    }
    signal.addEventListener('abort', stop, { once: true })
    socket.on('close', () => {
      clearInterval(beat)
      signal.removeEventListener('abort', stop)
      reject(new Error('the broker hung up'))
    })
  })
}
