import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readJsonLines } from './json-stream.ts'

const MIB = 2 ** 20

async function read(chunks: readonly (Buffer | string)[]): Promise<{ values: unknown[]; skipped: string[] }> {
  async function* stream() {
    yield* chunks
  }
  const values: unknown[] = []
  const skipped: string[] = []
  for await (const value of readJsonLines(stream(), (reason) => skipped.push(reason))) values.push(value)
  return { values, skipped }
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end))
}

test('wherever the chunks are cut, the objects are the same', async () => {
  const line = fc.oneof(
    fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string({ unit: 'binary' }))).map((one) => JSON.stringify(one)),
    fc.constantFrom('', '  ', '{"cut":', '<html>', '"größe 内存 🐳"'),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(line),
      fc.array(fc.nat()),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      async (lines, places, newline, ended) => {
        const bytes = Buffer.from(lines.join(newline) + (ended ? newline : ''))
        expect(await read(cut(bytes, places))).toEqual(await read([bytes]))
      },
    ),
  )
})

test('a character cut in the middle of its bytes arrives whole', async () => {
  const bytes = Buffer.from('{"name":"größe 🐳"}\n')
  const single = [...bytes].map((byte) => Buffer.from([byte]))
  expect((await read(single)).values).toEqual([{ name: 'größe 🐳' }])
})

test('a line that is not JSON is said and left out; the others come', async () => {
  expect(await read(['{"a":1}\n<html>\n\n{"b":2}\n'])).toEqual({
    values: [{ a: 1 }, { b: 2 }],
    skipped: ['a line is not JSON'],
  })
})

test('a last line without newline counts, whole or cut', async () => {
  expect((await read(['{"a":1}'])).values).toEqual([{ a: 1 }])
  expect(await read(['{"a":1}\n{"b":'])).toEqual({ values: [{ a: 1 }], skipped: ['a line is not JSON'] })
})

test.each([
  ['in one chunk', 5 * MIB],
  ['in chunks of 64 KiB', 65_536],
  ['cut just before its newline', 2 * MIB + 2],
])('a line over 1 MiB is said once and left out, %s', async (_how, chunkBytes) => {
  const bytes = Buffer.from(`{"a":1}\n"${'x'.repeat(2 * MIB)}"\n{"b":2}\n`)
  const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, index) =>
    bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  )
  expect(await read(chunks)).toEqual({ values: [{ a: 1 }, { b: 2 }], skipped: ['a line is longer than 1 MiB'] })
})

test('whether a line is too long does not depend on where it was cut', async () => {
  for (const length of [MIB, MIB + 1]) {
    const bytes = Buffer.from(`"${'x'.repeat(length - 2)}"\n`)
    const whole = await read([bytes])
    expect(whole.values).toHaveLength(length === MIB ? 1 : 0)
    for (const place of [1, 1000, MIB - 1, MIB, length]) expect(await read(cut(bytes, [place]))).toEqual(whole)
  }
})

test('an endless line is bounded: what was read of it is let go', async () => {
  const chunk = Buffer.alloc(MIB, 120)
  let held = 0
  async function* endless() {
    for (let index = 0; index < 300; index++) yield Buffer.from(chunk)
    held = process.memoryUsage().arrayBuffers
  }
  const skipped: string[] = []
  for await (const _ of readJsonLines(endless(), (reason) => skipped.push(reason))) expect.unreachable()
  expect(skipped).toEqual(['a line is longer than 1 MiB'])
  expect(held).toBeLessThan(250 * MIB)
})
