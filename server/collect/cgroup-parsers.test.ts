import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createValues, type KernelField, SLOT, toCounters } from './cgroup-fields.ts'
import { filesOfV1, filesOfV2 } from './cgroup-files.ts'
import {
  createKeyedParser,
  createNetworkParser,
  createNumberParser,
  DOUBTED_AFTER,
  type Parser,
} from './cgroup-parsers.ts'
import { recordedTree } from './cgroup-stand-in.ts'

/** As a reader would hand it over: a zero behind it, and the rest of an earlier file behind that. */
function parse(parser: Parser, text: string, values = createValues()): Float64Array {
  const bytes = Buffer.from(`${text}\0 9 total=9 Read 9\n`, 'latin1')
  parser.parse(bytes, text.length, values)
  return values
}

const parseNumber = (text: string) => parse(createNumberParser(0), text)[0]

test('a number is its digits, and unknown where there are none', () => {
  expect(parseNumber('938863815\n')).toBe(938863815)
  expect(parseNumber('0\n')).toBe(0)
  expect(parseNumber('42')).toBe(42)
  for (const text of ['max\n', '-1\n', '', '\n', ' 7\n']) expect(parseNumber(text)).toBeNaN()
})

test('beyond 2^53 only precision is lost, beyond 2^64 there is no counter', () => {
  expect(parseNumber('9223372036854771712\n')).toBe(2 ** 63 - 2 ** 12)
  expect(parseNumber('18446744073709551615\n')).toBeNaN()
  expect(parseNumber(`${'9'.repeat(400)}\n`)).toBeNaN()
})

describe('lines of keys', () => {
  const wanted = [
    { key: 'anon', slot: 0 },
    { key: 'file', slot: 1, unit: 1000 },
    { key: 'slab', slot: 2 },
  ]
  const read = (parser: Parser, text: string) => [...parse(parser, text).slice(0, 3)]

  test('are matched whole, whatever the order and the lengths of the others', () => {
    const parser = createKeyedParser(wanted)
    const text = 'anon_thp 9\nanon 5\nfile_thp 9\nfile 7\nslab_reclaimable 9\nslab 1\n'
    expect(read(parser, text)).toEqual([5, 7000, 1])
    const longer = text.replaceAll('9', '123456789012').replace('anon 5', 'anon 55555')
    expect(read(parser, longer)).toEqual([55555, 7000, 1])
    expect(read(parser, text)).toEqual([5, 7000, 1])
  })

  test('that come, go and change places are found again', () => {
    const parser = createKeyedParser(wanted)
    expect(read(parser, 'anon 1\nother 0\nfile 2\nslab 3\n')).toEqual([1, 2000, 3])
    expect(read(parser, 'slab 3\nfile 2\nanon 1\n')).toEqual([1, 2000, 3])
    expect(read(parser, '')).toEqual([Number.NaN, Number.NaN, Number.NaN])
    expect(read(parser, 'file 2\n')).toEqual([Number.NaN, 2000, Number.NaN])
    for (let files = 0; files < DOUBTED_AFTER; files++) read(parser, 'anon 1\nfile 2\nslab 3\n')
    expect(read(parser, 'anon 1\nfile 2\nslab 3')).toEqual([1, 2000, 3])
  })

  test('of /proc/meminfo have their numbers further right', () => {
    const parser = createKeyedParser([{ key: 'MemAvailable:', slot: 0, unit: 1024 }])
    expect(parse(parser, 'MemTotal:       24684092 kB\nMemAvailable:   23636120 kB\n')[0]).toBe(23636120 * 1024)
  })
})

describe('network counters', () => {
  const head = 'Inter-|   Receive  |  Transmit\n face |bytes    packets errs\n'
  const line = (name: string, received: number | string, sent: number | string) =>
    `${name.padStart(6)}: ${received} 1 2 3 4 5 6 7 ${sent} 1 2 3 4 5 6 7\n`
  const read = (text: string) => [...parse(createNetworkParser(0, 1), text).slice(0, 2)]

  test('are summed over all interfaces but the loopback', () => {
    expect(read(head + line('lo', 100, 100) + line('eth0', 10, 20) + line('lo2', 1, 2))).toEqual([11, 22])
  })

  test('are unknown where there is no other interface', () => {
    expect(read(head + line('lo', 100, 100))).toEqual([Number.NaN, Number.NaN])
    expect(read(head)).toEqual([Number.NaN, Number.NaN])
    expect(read('')).toEqual([Number.NaN, Number.NaN])
  })

  test('are read where the name touches them, as old kernels write it', () => {
    expect(read(`${head}  eth0:4294967296 1 0 0 0 0 0 0 77 1 0 0 0 0 0 0\n`)).toEqual([4294967296, 77])
  })
})

/** Every recorded file with the parser that it is meant for. */
const recorded = (['hybrid', 'systemd', 'cgroupfs'] as const).flatMap((name) => {
  const { folder } = recordedTree(name)
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return (name === 'hybrid' ? filesOfV1() : filesOfV2()).flatMap(({ names, parser }) =>
    paths
      .filter((path) => path.endsWith(`/${names[0]}`) && !path.includes('/1/'))
      .slice(0, 1)
      .map((path) => ({ parser, text: readFileSync(join(folder, path), 'latin1') })),
  )
})

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({
    kind: fc.constant('splice' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    remove: fc.nat(40),
    insert: fc.oneof(
      fc.constantFrom('-', ' ', '\n', ':', '\0', 'max', 'total=', '99999999999999999999999', '-1', 'NaN', '1e400'),
      fc.string({ unit: 'binary', maxLength: 20 }),
    ),
  }),
)

test('whatever a file says, no parser throws or makes a negative or infinite number, and good files are soon read right again', () => {
  const mutated = fc.tuple(fc.constantFrom(...recorded), fc.array(mutation, { minLength: 1, maxLength: 6 }))
  fc.assert(
    fc.property(mutated, ([{ parser, text }, mutations]) => {
      let bad = text
      for (const change of mutations) {
        const at = Math.floor(change.at * bad.length)
        bad =
          change.kind === 'cut' ? bad.slice(0, at) : bad.slice(0, at) + change.insert + bad.slice(at + change.remove)
      }
      const good = parse(parser, text)
      const values = parse(parser, bad)
      for (const value of values)
        expect(Number.isNaN(value) || (value >= 0 && value < Number.POSITIVE_INFINITY)).toBe(true)
      for (const value of Object.values(toCounters(values, 1)))
        expect(value === null || (Number.isFinite(value) && value >= 0)).toBe(true)
      for (let files = 0; files < DOUBTED_AFTER; files++) parse(parser, text, values)
      expect(parse(parser, text, values)).toEqual(good)
    }),
    { numRuns: 3000 },
  )
})

describe('what is made of the numbers', () => {
  const counters = (known: Partial<Record<KernelField, number>>) => {
    const values = createValues()
    for (const [field, value] of Object.entries(known)) values[SLOT[field as KernelField]] = value
    return toCounters(values, 1)
  }

  test('a limit of 2^63 less a page, of zero, or of "max" is none', () => {
    for (const memoryLimitBytes of [2 ** 63 - 2 ** 12, 0, Number.NaN])
      expect(counters({ memoryLimitBytes }).memoryLimitBytes).toBeNull()
    expect(counters({ memoryLimitBytes: 2 ** 26 }).memoryLimitBytes).toBe(2 ** 26)
  })

  test('kernel memory is the kernel’s own sum where it tells one, else that of its parts', () => {
    const parts = { slabBytes: 100, kernelStackBytes: 20, socketBytes: 3 }
    expect(counters({ ...parts, kernelBytes: 500 }).kernelBytes).toBe(500)
    expect(counters(parts).kernelBytes).toBe(123)
    expect(counters({}).kernelBytes).toBeNull()
  })

  test('what reclaim cannot free is unknown without the anonymous lists', () => {
    expect(counters({ dirtyBytes: 5 }).unreclaimableBytes).toBeNull()
    expect(counters({ activeAnonBytes: 10, dirtyBytes: 5 }).unreclaimableBytes).toBe(15)
  })
})
