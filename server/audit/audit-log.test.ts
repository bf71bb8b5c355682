import { spawn, spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import canonicalize from 'canonicalize'
import { describe, expect, test } from 'vitest'
import { AuditError } from '../errors.ts'
import { hasProgram, needs } from '../fixtures/needs.ts'
import { canMount, smallDisk } from '../fixtures/small-disk.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openAuditLog } from './audit-log.ts'
import { sha256 } from './merkle.ts'
import { record } from './record-stand-in.ts'
import { auditFiles, readChain, verifyLog } from './verification.ts'

const NOW = Date.parse('2026-11-20T06:00:00.000Z')
const STAMP = '2026-11-20T060000.000Z'
const CHILD = new URL('./audit-log.child.ts', import.meta.url).pathname

const newFolder = () => join(temporaryFolder(), 'audit')
const open = (folder: string, options?: Parameters<typeof openAuditLog>[2]) => openAuditLog(folder, () => NOW, options)
const linesOf = (folder: string) =>
  auditFiles(folder).flatMap(({ name }) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))

test('an entry is one line of canonical JSON that names the one before', () => {
  const folder = newFolder()
  const log = open(folder)
  const entries = [log.append(record({ probability: 1e-7 })), log.append(record({ reason: '\u2028 "größe" \u0001' }))]
  const lines = linesOf(folder)
  expect(lines.map((line) => JSON.parse(line))).toEqual(entries)
  for (const line of lines) expect(line).toBe(canonicalize(JSON.parse(line)))
  expect(Object.keys(entries[0]!).length).toBe(Object.keys(JSON.parse(lines[0]!)).length)
  expect(entries[0]).toMatchObject({ index: 0, at: '2026-11-20T06:00:00.000Z', prev: '0'.repeat(64) })
  expect(entries[1]).toMatchObject({ index: 1, prev: sha256(lines[0]!).toString('hex') })
})

test('a line never breaks, whatever its text', () => {
  const folder = newFolder()
  const log = open(folder)
  for (const reason of ['a\nb', '\r\n', '\u2028\u2029', '\ud800', '{"index":0}', '\0'.repeat(50)])
    log.append(record({ reason }))
  expect(linesOf(folder)).toHaveLength(6)
  expect(readChain(folder)).toMatchObject({ problem: null, tornTail: null, tree: { size: 6 } })
})

test('a text that was cut in the middle of a character is written all the same', () => {
  expect(open(newFolder()).append(record({ reason: '🐳'.slice(0, 1) })).reason).toBe('\ufffd')
})

test('an entry may be as long as its 16 bits of length allow, and not a byte more', () => {
  const folder = newFolder()
  const log = open(folder)
  const room = 65_535 - Buffer.byteLength(canonicalize(log.append(record({ reason: '' })))!)
  log.append(record({ reason: 'x'.repeat(room) }))
  expect(linesOf(folder).map(({ length }) => length)[1]).toBe(65_535)
  expect(() => log.append(record({ reason: 'x'.repeat(room + 1) }))).toThrow(
    'an audit entry of 65536 bytes is over the limit of 64 KiB',
  )
  expect(log).toMatchObject({ size: 2, problem: null })
  log.checkpoint()
  expect(verifyLog(folder)).toMatchObject({ ok: true, entries: 2 })
})

test('it goes on where it stopped, with the same key', async () => {
  const folder = newFolder()
  const verifiers = new Set<string>()
  for (let run = 0; run < 3; run++) {
    await using log = open(folder)
    expect(log.repairs).toEqual([])
    expect(log.append(record()).index).toBe(run)
    verifiers.add(log.verifier)
  }
  expect(verifiers.size).toBe(1)
  expect(verifyLog(folder, [...verifiers][0])).toMatchObject({ ok: true, entries: 3, checkpointSize: 3 })
})

test('a file that is full is followed by the next, over a restart too', async () => {
  const folder = newFolder()
  for (let run = 0; run < 3; run++) {
    await using log = open(folder, { entriesPerFile: 4 })
    for (let index = 0; index < 3; index++) log.append(record())
  }
  expect(auditFiles(folder).map(({ name }) => name)).toEqual(['audit-0.jsonl', 'audit-4.jsonl', 'audit-8.jsonl'])
  expect(verifyLog(folder)).toMatchObject({ ok: true, entries: 9 })
})

test('the entries of earlier runs are told once, in their order', async () => {
  const folder = newFolder()
  const told: number[] = []
  for (let run = 0; run < 3; run++) {
    told.length = 0
    await using log = open(folder, { entriesPerFile: 2, onEntry: ({ index }) => told.push(index) })
    for (let index = 0; index < 3; index++) log.append(record())
  }
  expect(told).toEqual([0, 1, 2, 3, 4, 5])
})

test('a log whose checkpoint is gone goes on, and that is said', async () => {
  const folder = newFolder()
  {
    await using log = open(folder)
    log.append(record())
  }
  rmSync(join(folder, 'checkpoint'))
  await using log = open(folder)
  expect(log.repairs).toEqual(['the audit log had no checkpoint: nothing signed proves its 1 entries until now'])
  expect(log.size).toBe(1)
})

test('a checkpoint is signed after 256 entries, or after a minute', () => {
  const folder = newFolder()
  let now = NOW
  const log = openAuditLog(folder, () => now)
  const signed = () => verifyLog(folder).checkpointSize
  for (let index = 0; index < 255; index++) log.append(record())
  expect(signed()).toBeNull()
  log.append(record())
  expect(signed()).toBe(256)
  now += 59_999
  log.append(record())
  expect(signed()).toBe(256)
  now += 1
  log.append(record())
  expect(signed()).toBe(258)
})

test('a record that is none is not written', () => {
  const log = open(newFolder())
  expect(() => log.append(record({ event: 'no.event' as 'service.started' }))).toThrow()
  expect(() => log.append(record({ probability: Number.NaN }))).toThrow()
  expect(log.append(record()).index).toBe(0)
})

/** A log of five entries whose checkpoint covers two of them, as a killed program leaves it. */
function leftByAKill() {
  const folder = newFolder()
  const log = open(folder)
  const ends: number[] = []
  for (let index = 0; index < 5; index++) {
    log.append(record({ reason: `größe ${index}` }))
    ends.push(statSync(join(folder, 'audit-0.jsonl')).size)
    if (index === 1) log.checkpoint()
  }
  return { folder, ends, verifier: log.verifier }
}

test('cut at any byte after its checkpoint it keeps the torn tail beside it and goes on', async () => {
  const { folder: whole, ends, verifier } = leftByAKill()
  const content = readFileSync(join(whole, 'audit-0.jsonl'))
  const [signedEnd, end] = [ends[1]!, ends[4]!]
  const places = [
    ...ends.slice(1).flatMap((at) => [at - 1, at, at + 1]),
    ...Array.from({ length: 20 }, (_, index) => signedEnd + index * 61),
  ]
  for (const place of new Set(places.filter((at) => at >= signedEnd && at <= end))) {
    const folder = newFolder()
    cpSync(whole, folder, { recursive: true })
    truncateSync(join(folder, 'audit-0.jsonl'), place)
    const kept = ends.filter((at) => at <= place)
    const torn = content.subarray(kept.at(-1), place)
    await using log = open(folder)
    expect(log).toMatchObject({ size: kept.length, verifier })
    expect(log.repairs).toHaveLength(torn.length > 0 ? 1 : 0)
    if (torn.length > 0) {
      expect(log.repairs[0]).toContain(`an incomplete last entry of ${torn.length} bytes was cut off`)
      const aside = readFileSync(join(folder, `audit-0.jsonl.torn-${STAMP}`), 'utf8')
      expect(Buffer.from(aside, 'base64').equals(torn)).toBe(true)
    }
    expect(log.append(record()).index).toBe(kept.length)
    log.checkpoint()
    expect(verifyLog(folder)).toMatchObject({ ok: true, entries: kept.length + 1 })
  }
})

test('cut before its checkpoint it is set aside whole, and a new one begins', () => {
  const { folder, ends, verifier } = leftByAKill()
  truncateSync(join(folder, 'audit-0.jsonl'), ends[0]!)
  const before = readFileSync(join(folder, 'audit-0.jsonl'))
  const log = open(folder)
  expect(log.repairs).toEqual([
    `the audit log did not verify (the checkpoint covers 2 entries, the log has only 1: entries were cut off) and was set aside as ${folder}.damaged-${STAMP}`,
  ])
  expect(log.size).toBe(0)
  expect(log.verifier).not.toBe(verifier)
  expect(readFileSync(join(`${folder}.damaged-${STAMP}`, 'audit-0.jsonl')).equals(before)).toBe(true)
})

test('a changed entry sets the log aside at the next start', () => {
  const { folder } = leftByAKill()
  const path = join(folder, 'audit-0.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('größe 0', 'größe 7'))
  expect(open(folder).repairs[0]).toContain('audit-0.jsonl line 2 does not follow from the entry before')
})

test('a log of one torn line is an empty log', () => {
  const folder = newFolder()
  open(folder)
  writeFileSync(join(folder, 'audit-0.jsonl'), '{"half":')
  const log = open(folder)
  expect(log.repairs[0]).toContain('an incomplete last entry of 8 bytes')
  log.append(record())
  log.checkpoint()
  expect(verifyLog(folder)).toMatchObject({ ok: true, entries: 1 })
})

test('killed at any moment it loses no acknowledged entry, and holds', async () => {
  const folder = newFolder()
  const acknowledged: number[] = []
  for (let round = 0; round < 10; round++) {
    const child = spawn(process.execPath, [CHILD, folder])
    const ended = new Promise((resolve) => child.once('close', resolve))
    let text = ''
    const begun = new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        text += chunk
        resolve()
      })
    })
    await Promise.race([begun, ended])
    await sleep(Math.random() * 100)
    child.kill('SIGKILL')
    await ended
    const lines = text.split('\n').slice(0, -1)
    expect(lines.length).toBeGreaterThan(0)
    acknowledged.push(...lines.map(Number))
  }
  const log = open(folder)
  expect(log.repairs.filter((repair) => !repair.startsWith('an incomplete last entry'))).toEqual([])
  // Each index was acknowledged once at most: nothing acknowledged was written over.
  expect(new Set(acknowledged).size).toBe(acknowledged.length)
  expect(log.size).toBeGreaterThan(Math.max(...acknowledged))
  log.checkpoint()
  expect(verifyLog(folder, log.verifier)).toMatchObject({ ok: true, entries: log.size })
})

describe.skipIf(!needs('the right to mount a tmpfs', canMount()))('on a full disk', () => {
  const appendUntilItFails = (log: ReturnType<typeof open>): AuditError => {
    for (let index = 0; index < 1000; index++) {
      try {
        log.append(record({ reason: 'x'.repeat(700) }))
      } catch (error) {
        return error as AuditError
      }
    }
    throw new Error('the disk never got full')
  }

  test('it says so, leaves no half line, and goes on when there is space', () => {
    const disk = smallDisk(1)
    const folder = join(disk.folder, 'audit')
    const log = open(folder)
    log.append(record())
    disk.fill()
    const error = appendUntilItFails(log)
    expect(error).toBeInstanceOf(AuditError)
    expect(error.message).toMatch(/^the audit log cannot be written: ENOSPC/)
    expect(log.problem).toBe(error.message)
    expect(readChain(folder)).toMatchObject({ problem: null, tornTail: null, tree: { size: log.size } })
    expect(() => log.checkpoint()).toThrow(AuditError)
    disk.free()
    const { size } = log
    expect(log.append(record()).index).toBe(size)
    expect(log.problem).toBeNull()
    log.checkpoint()
    expect(verifyLog(folder)).toMatchObject({ ok: true, entries: size + 1 })
  })

  test('an entry that has room stands although its checkpoint has none, and that is said', () => {
    const disk = smallDisk(1)
    const folder = join(disk.folder, 'audit')
    let now = NOW
    const log = openAuditLog(folder, () => now)
    log.append(record({ reason: 'x'.repeat(100) }))
    disk.fill()
    now += 60_000
    // The rest of the file's last page is room for this one.
    expect(log.append(record()).index).toBe(1)
    expect(log.problem).toMatch(/^the checkpoint of the audit log cannot be written: ENOSPC/)
    expect(log.size).toBe(2)
    disk.free()
    log.append(record())
    expect(log.problem).toBeNull()
    expect(verifyLog(folder)).toMatchObject({ ok: true, entries: 3, checkpointSize: 3 })
  })

  test('its end is no error, and the next begin finds everything', async () => {
    const disk = smallDisk(1)
    const folder = join(disk.folder, 'audit')
    const log = open(folder)
    log.append(record())
    log.checkpoint()
    disk.fill()
    appendUntilItFails(log)
    const { size } = log
    await log[Symbol.asyncDispose]()
    disk.free()
    expect(open(folder)).toMatchObject({ size, repairs: [] })
  })
})

describe.skipIf(!needs('strace', hasProgram('strace', '-f', 'true'), 'may be missing'))('watched by strace', () => {
  test('each entry is on disk before it is acknowledged', () => {
    const folder = newFolder()
    const trace = join(folder, '..', 'trace')
    const args = ['-f', '-y', '-s', '64', '-e', 'trace=write,pwrite64,fsync,fdatasync', '-o', trace]
    const { status, stdout } = spawnSync('strace', [...args, process.execPath, CHILD, folder, '5'], {
      encoding: 'utf8',
    })
    expect(status).toBe(0)
    expect(stdout.trim().split('\n')).toHaveLength(5)
    const steps = readFileSync(trace, 'utf8')
      .split('\n')
      .flatMap((line) => {
        if (/p?write(64)?\(\d+<.*audit-0\.jsonl>/.test(line)) return ['entry']
        if (/f(data)?sync\(\d+<.*audit-0\.jsonl>/.test(line)) return ['sync']
        return /write\(1</.test(line) ? ['acknowledged'] : []
      })
    expect(steps).toEqual(Array(5).fill(['entry', 'sync', 'acknowledged']).flat())
  })
})

test('nothing but the log’s own files lies in its folder', async () => {
  const folder = newFolder()
  await using log = open(folder)
  log.append(record())
  log.checkpoint()
  expect(readdirSync(folder).sort()).toEqual(['audit-0.jsonl', 'checkpoint', 'host-uuid', 'key.pem', 'verifier'])
})
