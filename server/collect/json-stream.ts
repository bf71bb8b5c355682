/** A line longer than this is not a reply of the engine; it is dropped so that memory stays bounded. */
const MAX_LINE_BYTES = 1024 * 1024
const OVERLONG = 'a line is longer than 1 MiB'
const EMPTY = Buffer.alloc(0)

/**
 * The JSON objects of a newline-separated stream, as the engine sends stats and events. Lines that are not JSON, and
 * lines over 1 MiB, are reported to `onSkip` and left out.
 */
export async function* readJsonLines(
  stream: AsyncIterable<Buffer | string>,
  onSkip: (reason: string) => void,
): AsyncGenerator<unknown> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let overlong = false
  const take = (last: Buffer): unknown => {
    if (!overlong && pendingBytes + last.length > MAX_LINE_BYTES) onSkip(OVERLONG)
    const line = overlong || pendingBytes + last.length > MAX_LINE_BYTES ? EMPTY : Buffer.concat([...pending, last])
    pending = []
    pendingBytes = 0
    overlong = false
    const text = line.toString('utf8').trim()
    if (text === '') return undefined
    try {
      return JSON.parse(text)
    } catch {
      onSkip('a line is not JSON')
      return undefined
    }
  }
  for await (const chunk of stream) {
    let rest = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk)
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const value = take(rest.subarray(0, end))
      rest = rest.subarray(end + 1)
      if (value !== undefined) yield value
    }
    if (rest.length === 0 || overlong) continue
    if (pendingBytes + rest.length > MAX_LINE_BYTES) {
      onSkip(OVERLONG)
      overlong = true
      pending = []
      pendingBytes = 0
    } else {
      pending.push(rest)
      pendingBytes += rest.length
    }
  }
  const value = take(EMPTY)
  if (value !== undefined) yield value
}
