import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from './fixtures/temporary-folder.ts'
import { openIncidentBook } from './incident-book.ts'
import { createLog } from './log.ts'
import { openDatabase } from './store/database.ts'
import { createIncidentStore, type IncidentStore } from './store/incidents.ts'
import { action, incident, uuidOf } from './store/stand-ins.ts'

async function prepare() {
  const path = join(temporaryFolder(), 'samples.duckdb')
  const database = await openDatabase({ path, memoryLimitMegabytes: 64, now: Date.now })
  onTestFinished(() => database[Symbol.asyncDispose]())
  const real = createIncidentStore(database)
  /** The store on a disk that can stall or be full. */
  const disk = { stalled: Promise.resolve(), full: false }
  const store: IncidentStore = {
    ...real,
    async save(one) {
      await disk.stalled
      if (disk.full) throw new Error('No space left on device')
      await real.save(one)
    },
  }
  let stored = 0
  const open = () => openIncidentBook({ store, log: createLog('silent'), onStored: () => (stored += 1) })
  return { open, real, disk, stored: () => stored }
}

const closed = (number: number) => incident(number, { closedAt: 9_000_000 + number, phase: 'resolved' })

test('an incident is at hand in its newest state before the disk has it', async () => {
  const { open, real, disk } = await prepare()
  const book = await open()
  const gate = Promise.withResolvers<void>()
  disk.stalled = gate.promise
  book.note(incident(1))
  book.note(incident(1, { phase: 'acting', actions: [action(10, 'executing')] }))
  expect(book.recent()).toMatchObject([{ id: uuidOf(1), phase: 'acting' }])
  expect(await book.find(uuidOf(1))).toMatchObject({ phase: 'acting' })
  expect(await book.findByAction(uuidOf(10))).toMatchObject({ id: uuidOf(1) })
  expect(await real.find(uuidOf(1))).toBeNull()
  gate.resolve()
  await book[Symbol.asyncDispose]()
  expect(await real.find(uuidOf(1))).toMatchObject({ phase: 'acting' })
})

test('the list waits for what is being written', async () => {
  const { open } = await prepare()
  const book = await open()
  book.note(incident(1))
  expect(await book.list({ limit: 10, offset: 0 })).toHaveLength(1)
})

test('the counts follow the store, and it is said', async () => {
  const { open, stored } = await prepare()
  const book = await open()
  book.note(incident(1, { actions: [action(10, 'verified')] }))
  book.note(incident(2))
  await book[Symbol.asyncDispose]()
  expect(book.counts).toEqual({ open: 2, automaticActions: 1, verifiedActions: 1, wouldHaveActed: 0 })
  expect(stored()).toBeGreaterThan(0)
})

test('after a restart it begins with what the store has, newest first', async () => {
  const { open } = await prepare()
  const first = await open()
  for (const number of [1, 2, 3]) first.note(incident(number))
  await first[Symbol.asyncDispose]()
  const second = await open()
  expect(second.recent().map(({ id }) => id)).toEqual([3, 2, 1].map(uuidOf))
  expect(second.counts.open).toBe(3)
})

test('fifty are at hand; of more, closed ones are left to the store, open ones never', async () => {
  const { open } = await prepare()
  const book = await open()
  for (let number = 0; number < 10; number++) book.note(closed(number))
  for (let number = 10; number < 80; number++) book.note(incident(number))
  expect(book.recent()).toHaveLength(70)
  expect(book.recent().some(({ closedAt }) => closedAt !== null)).toBe(false)
  await book[Symbol.asyncDispose]()
  expect(await book.find(uuidOf(3))).toMatchObject({ phase: 'resolved' })
})

test('one that closes while fifty others are open is not read back in an older state', async () => {
  const { open, disk } = await prepare()
  const book = await open()
  for (let number = 0; number < 51; number++)
    book.note(incident(number, { actions: [action(100 + number, 'proposed')] }))
  await book.list({ limit: 1, offset: 0 })
  const gate = Promise.withResolvers<void>()
  disk.stalled = gate.promise
  book.note({ ...closed(7), actions: [action(107, 'rejected')] })
  expect(await book.find(uuidOf(7))).toMatchObject({ phase: 'resolved' })
  expect((await book.findByAction(uuidOf(107)))?.actions[0]).toMatchObject({ state: 'rejected' })
  gate.resolve()
  await book[Symbol.asyncDispose]()
})

test('what the disk could not take is at hand, and is stored with the next one', async () => {
  const { open, real, disk } = await prepare()
  const book = await open()
  disk.full = true
  book.note(closed(1))
  await book.list({ limit: 1, offset: 0 })
  expect(await book.find(uuidOf(1))).toMatchObject({ phase: 'resolved' })
  expect(await real.find(uuidOf(1))).toBeNull()
  disk.full = false
  book.note(incident(2))
  await book[Symbol.asyncDispose]()
  expect(await real.find(uuidOf(1))).toMatchObject({ phase: 'resolved' })
})
