/** Frame and method numbers of AMQP 0-9-1 that a consumer needs. */
export const FRAME = { method: 1, header: 2, body: 3, heartbeat: 8 } as const
export const METHOD = {
  connectionStart: [10, 10],
  connectionStartOk: [10, 11],
  connectionTune: [10, 30],
  connectionTuneOk: [10, 31],
  connectionOpen: [10, 40],
  connectionOpenOk: [10, 41],
  connectionClose: [10, 50],
  connectionCloseOk: [10, 51],
  channelOpen: [20, 10],
  channelOpenOk: [20, 11],
  channelClose: [20, 40],
  queueDeclare: [50, 10],
  queueDeclareOk: [50, 11],
  basicQos: [60, 10],
  basicQosOk: [60, 11],
  basicConsume: [60, 20],
  basicConsumeOk: [60, 21],
  basicCancel: [60, 30],
  basicDeliver: [60, 60],
  basicAck: [60, 80],
  basicNack: [60, 120],
} as const
export type MethodName = keyof typeof METHOD

const FRAME_END = 0xce
/** Type, channel and length before a frame's payload, the end mark after it. */
const OVERHEAD = 8
export const PROTOCOL_HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1')

export type Frame = { type: number; channel: number; payload: Buffer }

export const uint8 = (value: number) => Buffer.from([value])
export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}
export const shortString = (text: string) => Buffer.concat([uint8(Buffer.byteLength(text)), Buffer.from(text)])
export const longString = (text: string) => Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(text)])
export const EMPTY_TABLE = uint32(0)

export function frame(type: number, channel: number, payload: Buffer): Buffer {
  return Buffer.concat([uint8(type), uint16(channel), uint32(payload.length), payload, uint8(FRAME_END)])
}

export function method(channel: number, name: MethodName, ...fields: Buffer[]): Buffer {
  const [classId, methodId] = METHOD[name]
  return frame(FRAME.method, channel, Buffer.concat([uint16(classId), uint16(methodId), ...fields]))
}

/** The method that a payload begins with, or `undefined` for one that is not used here. */
export function methodOf(payload: Buffer): MethodName | undefined {
  const [classId, methodId] = [payload.readUInt16BE(0), payload.readUInt16BE(2)]
  return (Object.keys(METHOD) as MethodName[]).find(
    (name) => METHOD[name][0] === classId && METHOD[name][1] === methodId,
  )
}

/** The whole frames at the begin of what arrived, and the rest. Throws where the bytes are no frames. */
export function splitFrames(arrived: Buffer): { frames: Frame[]; rest: Buffer } {
  const frames: Frame[] = []
  let rest = arrived
  while (rest.length >= OVERHEAD) {
    const length = rest.readUInt32BE(3)
    if (rest.length < length + OVERHEAD) break
    if (rest[length + OVERHEAD - 1] !== FRAME_END) throw new Error('not a frame of AMQP 0-9-1')
    frames.push({ type: rest.readUInt8(0), channel: rest.readUInt16BE(1), payload: rest.subarray(7, length + 7) })
    rest = rest.subarray(length + OVERHEAD)
  }
  return { frames, rest }
}
