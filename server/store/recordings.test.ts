import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { MOST_RECORDINGS, type Recording } from '../contracts/black-box.ts'
import { needs } from '../fixtures/needs.ts'
import { canMount, smallDisk } from '../fixtures/small-disk.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { aRecording } from './recording-stand-in.ts'
import { openRecordings } from './recordings.ts'
import { uuidOf } from './stand-ins.ts'

const ONE = uuidOf(1)

test('a stranger finds the hash with zcat and sha256sum, and the list and the reading say the same', async () => {
  const folder = join(temporaryFolder(), 'black-box')
  const recordings = openRecordings({ folder })
  const { number, sha256, bytes } = await recordings.save(aRecording(1))
  const text = gunzipSync(readFileSync(join(folder, ONE, '1-opened.json.gz')))
  expect(createHash('sha256').update(text).digest('hex')).toBe(sha256)
  expect([number, text.length]).toEqual([1, bytes])
  expect(await recordings.read(ONE, 1)).toBe(text.toString())
  expect(await recordings.list(ONE)).toEqual([
    { number: 1, moment: 'opened', at: '2026-03-01T12:00:00.000Z', bytes, sha256, problem: null },
  ])
})

test('of what is not there nothing is read', async () => {
  const recordings = openRecordings({ folder: temporaryFolder() })
  await recordings.save(aRecording(1))
  expect(await recordings.list(uuidOf(2))).toEqual([])
  expect(await recordings.read(ONE, 2)).toBeNull()
  expect(await recordings.read(uuidOf(2), 1)).toBeNull()
})

test.each(['..', '../audit', '/etc', ONE.slice(1), `${ONE}/..`, ''])(
  'nothing but a UUID becomes a path: "%s"',
  async (id) => {
    const recordings = openRecordings({ folder: temporaryFolder() })
    await expect(recordings.read(id, 1)).rejects.toThrow()
    await expect(recordings.list(id)).rejects.toThrow()
    await expect(recordings.save(aRecording(1, { incidentId: id }))).rejects.toThrow()
  },
)

test('an incident has at most twenty, and the first ones stay', async () => {
  const recordings = openRecordings({ folder: temporaryFolder() })
  for (let count = 0; count < MOST_RECORDINGS; count++) await recordings.save(aRecording(1))
  await expect(recordings.save(aRecording(1))).rejects.toThrow('this incident has 20 recordings already')
  expect((await recordings.list(ONE)).map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
})

test('those asked for at once get numbers of their own', async () => {
  const recordings = openRecordings({ folder: temporaryFolder() })
  const kept = await Promise.all(
    (['opened', 'before-action', 'before-action'] as const).map((moment) => recordings.save(aRecording(1, { moment }))),
  )
  expect(kept.map(({ number }) => number)).toEqual([1, 2, 3])
  expect((await recordings.list(ONE)).map(({ moment }) => moment)).toEqual(['opened', 'before-action', 'before-action'])
})

test('beyond the limit the oldest incidents go, also those of earlier runs, and never the one that is written', async () => {
  const folder = temporaryFolder()
  const first = openRecordings({ folder })
  for (const incident of [1, 2, 3]) await first.save(aRecording(incident))
  const each = first.sizeBytes / 3
  utimesSync(join(folder, uuidOf(2), '1-opened.json.gz'), 1, 1)
  const second = openRecordings({ folder, mostBytes: each * 3.5 })
  expect(second.sizeBytes).toBe(first.sizeBytes)
  await second.save(aRecording(4))
  expect(readdirSync(folder).sort()).toEqual([1, 3, 4].map(uuidOf))
  const narrow = openRecordings({ folder, mostBytes: 1 })
  await narrow.save(aRecording(5))
  expect(readdirSync(folder)).toEqual([uuidOf(5)])
})

test('a place that is no folder does not stop the start, and says so when something is to be kept', async () => {
  const file = join(temporaryFolder(), 'black-box')
  writeFileSync(file, '')
  await expect(openRecordings({ folder: file }).save(aRecording(1))).rejects.toThrow(/ENOTDIR|EEXIST/)
})

test('what an earlier run did not finish is removed, and strange files are left alone', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, ONE))
  mkdirSync(join(folder, 'lost+found'))
  writeFileSync(join(folder, ONE, '1-opened.json.gz.part'), 'half')
  writeFileSync(join(folder, ONE, 'note.txt'), 'mine')
  writeFileSync(join(folder, uuidOf(2)), 'no folder')
  const recordings = openRecordings({ folder })
  expect(readdirSync(join(folder, ONE))).toEqual(['note.txt'])
  expect(await recordings.list(ONE)).toEqual([])
  expect(recordings.sizeBytes).toBe(0)
})

describe('a damaged file', () => {
  const whole = gzipSync(JSON.stringify(aRecording(1)))
  test.each<[string, Buffer]>([
    ['cut short', whole.subarray(0, whole.length - 9)],
    ['with a bit turned', Buffer.from(whole.map((byte, at) => (at === 40 ? byte ^ 4 : byte)))],
    ['empty', Buffer.alloc(0)],
    ['without JSON', gzipSync('not JSON')],
    ['with other JSON', gzipSync('{"incidentId":"x"}')],
    ['that would fill the memory', gzipSync(Buffer.alloc(64 * 1024 ** 2))],
  ])('%s is said to be one, and the others are read', async (_, content) => {
    const folder = temporaryFolder()
    const recordings = openRecordings({ folder })
    await recordings.save(aRecording(1))
    await recordings.save(aRecording(1))
    writeFileSync(join(folder, ONE, '1-opened.json.gz'), content)
    await expect(recordings.read(ONE, 1)).rejects.toThrow(`recording 1 of incident ${ONE} cannot be read`)
    const [damaged, good] = await recordings.list(ONE)
    expect(damaged).toMatchObject({ number: 1, sha256: null, bytes: null, at: null })
    expect(damaged?.problem).toContain('cannot be read')
    expect(good).toMatchObject({ number: 2, problem: null })
  })
})

describe.skipIf(!needs('the right to mount a tmpfs', canMount()))('on a full disk', () => {
  test('a recording is there whole or not at all, and the next one finds its place', async () => {
    const disk = smallDisk(1)
    const recordings = openRecordings({ folder: disk.folder })
    const large: Recording = aRecording(1, {
      logTail: Array.from({ length: 2000 }, (_, line) => createHash('sha256').update(String(line)).digest('hex')),
    })
    await recordings.save(aRecording(1))
    disk.fill(8192)
    await expect(recordings.save(large)).rejects.toThrow(/no space left/i)
    expect(readdirSync(join(disk.folder, ONE))).toEqual(['1-opened.json.gz'])
    disk.free()
    expect(await recordings.save(large)).toMatchObject({ number: 2 })
    expect(existsSync(join(disk.folder, ONE, '2-opened.json.gz'))).toBe(true)
  })
})
