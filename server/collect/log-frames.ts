const HEADER_BYTES = 8

/** Whether a multiplexed frame begins here: 0 to 2 for standard input, output or error, and three zeros. */
const isHeader = (bytes: Buffer, at: number) =>
  bytes[at]! <= 2 && bytes[at + 1] === 0 && bytes[at + 2] === 0 && bytes[at + 3] === 0

/** The text of a multiplexed log reply (8-byte frame headers), or the raw text of a container with a terminal. */
export function parseLogFrames(reply: Buffer): string[] {
  const parts: Buffer[] = []
  let at = 0
  while (at + HEADER_BYTES <= reply.length && isHeader(reply, at)) {
    const length = reply.readUInt32BE(at + 4)
    parts.push(reply.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length))
    at += HEADER_BYTES + length
  }
  const text = at === 0 ? reply : Buffer.concat(parts)
  return text
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '')
}

/**
 * The same of a stream that goes on, in pieces as they come; a frame is never held back, however long it says it is. A
 * container with a terminal sends raw text: what does not begin with a header is taken for it.
 */
export async function* readLogFrames(stream: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  let header = Buffer.alloc(0)
  let frameLeft = 0
  let isRaw = false
  for await (const chunk of stream) {
    let rest = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
    while (rest.length > 0) {
      if (isRaw || frameLeft > 0) {
        const piece = isRaw ? rest : rest.subarray(0, frameLeft)
        rest = rest.subarray(piece.length)
        frameLeft -= isRaw ? 0 : piece.length
        yield piece.toString('utf8')
        continue
      }
      const missing = HEADER_BYTES - header.length
      header = Buffer.concat([header, rest.subarray(0, missing)])
      rest = rest.subarray(missing)
      if (!isHeader(header.length < 4 ? Buffer.concat([header, Buffer.alloc(4)]) : header, 0)) {
        isRaw = true
        yield header.toString('utf8')
      } else if (header.length < HEADER_BYTES) continue
      else frameLeft = header.readUInt32BE(4)
      header = Buffer.alloc(0)
    }
  }
}
