import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readLogFrames } from './log-frames.ts'

function frame(stream: number, text: string, length = Buffer.byteLength(text)): Buffer {
  const head = Buffer.alloc(8)
  head[0] = stream
  head.writeUInt32BE(length, 4)
  return Buffer.concat([head, Buffer.from(text)])
}

async function textOf(chunks: readonly Buffer[]): Promise<string> {
  async function* stream() {
    yield* chunks
  }
  let text = ''
  for await (const piece of readLogFrames(stream())) text += piece
  return text
}

/** Cut at these places. */
function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (whole.length + 1)))].toSorted((a, b) => a - b)
  return [...ends, whole.length].map((end, index) => whole.subarray(ends[index - 1] ?? 0, end))
}

test('wherever a stream of frames is cut, its text is the same', async () => {
  const lines = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.stringMatching(/^[ -~]{0,40}$/)), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(lines, fc.array(fc.nat(400), { maxLength: 12 }), async (frames, places) => {
      const whole = Buffer.concat(frames.map(([stream, text]) => frame(stream, `${text}\n`)))
      expect(await textOf(cut(whole, places))).toBe(frames.map(([, text]) => `${text}\n`).join(''))
    }),
  )
})

test('a container with a terminal sends raw text', async () => {
  const raw = Buffer.from('one\r\nERROR two\r\n\x00\x00three\r\n')
  for (let at = 0; at < raw.length; at++) expect(await textOf(cut(raw, [at]))).toBe(raw.toString())
})

test('a frame that says it is endless is passed on as it comes', async () => {
  expect(await textOf([frame(1, 'hello\n', 0xffffffff), Buffer.from('more\n')])).toBe('hello\nmore\n')
})

test('a stream that ends in a head, or is empty, gives what there was', async () => {
  expect(await textOf([frame(2, 'oh\n'), Buffer.from([1, 0, 0])])).toBe('oh\n')
  expect(await textOf([])).toBe('')
})
