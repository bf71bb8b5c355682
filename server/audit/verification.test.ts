import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openAuditLog } from './audit-log.ts'
import { record } from './record-stand-in.ts'
import { entriesOfIncident, verifyLog } from './verification.ts'

const NOW = Date.parse('2026-11-20T06:00:00.000Z')
const INCIDENT = '00000000-0000-4000-8000-000000000001'
const FIRST = 'audit-0.jsonl'

/** A signed log of two files, four entries in the first and three in the second. */
async function signedLog(): Promise<{ folder: string; verifier: string }> {
  const folder = join(temporaryFolder(), 'audit')
  await using log = openAuditLog(folder, () => NOW, { entriesPerFile: 4 })
  for (let index = 0; index < 7; index++)
    log.append(record({ incidentId: index % 2 === 0 ? INCIDENT : null, reason: `größe \ufffd 内存 ${index}` }))
  log.checkpoint()
  return { folder, verifier: log.verifier }
}

function edit(path: string, change: (text: string) => string): void {
  writeFileSync(path, change(readFileSync(path, 'utf8')))
}

function setByte(path: string, at: (bytes: Buffer) => number, value: (old: number) => number): void {
  const bytes = readFileSync(path)
  const place = at(bytes)
  bytes[place] = value(bytes[place]!)
  writeFileSync(path, bytes)
}

test('an untouched log holds', async () => {
  const { folder, verifier } = await signedLog()
  expect(readdirSync(folder).sort()).toEqual([FIRST, 'audit-4.jsonl', 'checkpoint', 'host-uuid', 'key.pem', 'verifier'])
  expect(verifyLog(folder)).toMatchObject({ ok: true, entries: 7, checkpointSize: 7, problem: null })
  expect(verifyLog(folder, verifier).ok).toBe(true)
})

test('a change of any single byte of the entries or of the checkpoint is found', async () => {
  const { folder } = await signedLog()
  const files = [FIRST, 'audit-4.jsonl', 'checkpoint'].map((name) => ({ path: join(folder, name) }))
  const place = fc
    .constantFrom(...files)
    .chain(({ path }) => fc.record({ path: fc.constant(path), at: fc.nat(readFileSync(path).length - 1) }))
  fc.assert(
    fc.property(place, fc.integer({ min: 1, max: 255 }), ({ path, at }, mask) => {
      const flip = () =>
        setByte(
          path,
          () => at,
          (old) => old ^ mask,
        )
      flip()
      const { ok, problem } = verifyLog(folder)
      flip()
      expect(problem).toEqual(expect.any(String))
      expect(ok).toBe(false)
    }),
    { numRuns: 1500 },
  )
  expect(verifyLog(folder).ok).toBe(true)
})

test('bytes that decode to the same text are found too', async () => {
  const { folder } = await signedLog()
  // EF BF BD is U+FFFD itself; F0 BF BD is not UTF-8, and a lenient decoder makes U+FFFD of it.
  setByte(
    join(folder, FIRST),
    (bytes) => bytes.indexOf('\ufffd'),
    () => 0xf0,
  )
  expect(verifyLog(folder)).toMatchObject({ ok: false, problem: `${FIRST} line 1 is not an entry` })
})

test.each([
  ['an entry taken out', (lines: string[]) => lines.toSpliced(1, 1), 'line 2 has index 2 where 1 is due'],
  ['two entries exchanged', ([a, b, c, d]: string[]) => [a, c, b, d], 'line 2 has index 2 where 1 is due'],
  ['an entry twice', (lines: string[]) => lines.toSpliced(1, 0, lines[0]!), 'line 2 has index 0 where 1 is due'],
  ['an entry made up', (lines: string[]) => [...lines, lines[0]!], 'line 5 has index 0 where 4 is due'],
  ['an empty line', (lines: string[]) => lines.toSpliced(2, 0, ''), 'line 3 is not an entry'],
  [
    'a reason rewritten',
    (lines: string[]) => lines.with(1, lines[1]!.replace('größe', 'groß')),
    'line 3 does not follow from the entry before: one of them was changed',
  ],
] as const)('%s is found and its place named', async (_how, change, problem) => {
  const { folder } = await signedLog()
  edit(join(folder, FIRST), (text) => `${change(text.split('\n').slice(0, -1)).join('\n')}\n`)
  expect(verifyLog(folder)).toMatchObject({ ok: false, problem: `${FIRST} ${problem}` })
})

test('last entries that were dropped are found by the checkpoint', async () => {
  const { folder } = await signedLog()
  const last = join(folder, 'audit-4.jsonl')
  edit(last, (text) => `${text.split('\n').slice(0, 2).join('\n')}\n`)
  expect(verifyLog(folder).problem).toBe('the checkpoint covers 7 entries, the log has only 6: entries were cut off')
  rmSync(last)
  expect(verifyLog(folder).problem).toBe('the checkpoint covers 7 entries, the log has only 4: entries were cut off')
})

test('a file taken out of the middle is found', async () => {
  const { folder } = await signedLog()
  rmSync(join(folder, FIRST))
  expect(verifyLog(folder).problem).toBe('audit-4.jsonl begins at entry 4, but the log has 0 entries before it')
})

test('a file that ends in half a line, with others after it, is found', async () => {
  const { folder } = await signedLog()
  truncateSync(join(folder, FIRST), readFileSync(join(folder, FIRST)).length - 1)
  expect(verifyLog(folder).problem).toBe(`${FIRST} does not end with a whole line, and later files follow`)
})

test('a last entry rewritten together with its hash is found by the checkpoint alone', async () => {
  const { folder } = await signedLog()
  edit(join(folder, 'audit-4.jsonl'), (text) => text.replace('内存 6', '内存 9'))
  expect(verifyLog(folder).problem).toBe('the checkpoint was signed over other entries than these')
})

test('a whole log written anew with another key is found with the key that was noted', async () => {
  const [ours, forged] = [await signedLog(), await signedLog()]
  for (const name of readdirSync(forged.folder)) cpSync(join(forged.folder, name), join(ours.folder, name))
  expect(verifyLog(ours.folder).ok).toBe(true)
  expect(verifyLog(ours.folder, ours.verifier)).toMatchObject({
    ok: false,
    problem: 'the signature of the checkpoint does not hold',
  })
})

test('without its checkpoint or its key a log is not said to hold', async () => {
  for (const name of ['checkpoint', 'verifier']) {
    const { folder } = await signedLog()
    rmSync(join(folder, name))
    expect(verifyLog(folder)).toMatchObject({ ok: false, problem: expect.stringContaining('ENOENT') })
  }
})

test('entries after the checkpoint are no problem: the next one covers them', async () => {
  const { folder } = await signedLog()
  const log = openAuditLog(folder, () => NOW)
  log.append(record())
  expect(verifyLog(folder)).toMatchObject({ ok: true, entries: 8, checkpointSize: 7 })
  await log[Symbol.asyncDispose]()
  expect(verifyLog(folder)).toMatchObject({ ok: true, entries: 8, checkpointSize: 8 })
})

test('the story of one incident is read in its order, and what is no entry is left out', async () => {
  const { folder } = await signedLog()
  appendFileSync(join(folder, 'audit-4.jsonl'), `{"incidentId":"${INCIDENT}"}\nhalf "${INCIDENT}"`)
  expect(entriesOfIncident(folder, INCIDENT).map(({ index }) => index)).toEqual([0, 2, 4, 6])
  expect(entriesOfIncident(folder, 'nobody')).toEqual([])
})

test('a checkpoint that was kept elsewhere must be a beginning of the log', async () => {
  const { folder } = await signedLog()
  const kept = readFileSync(join(folder, 'checkpoint'), 'utf8')
  {
    await using log = openAuditLog(folder, () => NOW, { entriesPerFile: 4 })
    log.append(record())
    log.checkpoint()
  }
  expect(verifyLog(folder, undefined, [kept])).toMatchObject({ ok: true, entries: 8, checkpointSize: 8 })

  const other = await signedLog()
  expect(verifyLog(other.folder, undefined, [kept])).toMatchObject({ ok: false })
  expect(verifyLog(folder, undefined, ['no note'])).toMatchObject({ ok: false })

  const longer = readFileSync(join(folder, 'checkpoint'), 'utf8')
  const shortened = await signedLog()
  for (const name of ['key.pem', 'verifier', 'host-uuid', 'checkpoint'])
    writeFileSync(join(shortened.folder, name), readFileSync(join(folder, name)))
  expect(verifyLog(shortened.folder, undefined, [longer]).problem).toContain('entries were cut off')
})
