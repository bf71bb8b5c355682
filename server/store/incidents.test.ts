import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { openDatabase } from './database.ts'
import { createIncidentStore } from './incidents.ts'
import { action, incident, uuidOf } from './stand-ins.ts'

async function open() {
  const path = join(temporaryFolder(), 'samples.duckdb')
  const database = await openDatabase({ path, memoryLimitMegabytes: 64, now: Date.now })
  onTestFinished(() => database[Symbol.asyncDispose]())
  return { database, store: createIncidentStore(database) }
}

test('an incident comes back as it was saved, every word of it', async () => {
  const { store } = await open()
  const original = incident(1, {
    containerName: `O'Reilly"; DROP TABLE incidents; -- größe 🐳 \u0000`,
    actions: [action(10, 'executed')],
    history: [{ at: 1, event: 'incident.opened', text: 'it began' }],
  })
  await store.save(original)
  expect(await store.find(original.id)).toEqual(original)
  expect(await store.find(uuidOf(2))).toBeNull()
  expect(await store.find("' OR 1=1 --")).toBeNull()
})

test('saved again it is the same incident in its new state', async () => {
  const { store } = await open()
  await store.save(incident(1, { actions: [action(10, 'proposed', false)] }))
  await store.save(incident(1, { phase: 'resolved', closedAt: 2_000_000, actions: [action(10, 'rejected', false)] }))
  expect(await store.list({ limit: 10, offset: 0 })).toEqual([
    incident(1, { phase: 'resolved', closedAt: 2_000_000, actions: [action(10, 'rejected', false)] }),
  ])
})

test('the list begins with the newest and is read in pages, the open and the closed apart', async () => {
  const { store } = await open()
  for (const number of [3, 1, 5, 2, 4]) await store.save(incident(number, { closedAt: number % 2 === 0 ? 9e6 : null }))
  const ids = async (options: Parameters<typeof store.list>[0]) => (await store.list(options)).map(({ id }) => id)
  expect(await ids({ limit: 10, offset: 0 })).toEqual([5, 4, 3, 2, 1].map(uuidOf))
  expect(await ids({ limit: 2, offset: 2 })).toEqual([3, 2].map(uuidOf))
  expect(await ids({ limit: 10, offset: 0, open: true })).toEqual([5, 3, 1].map(uuidOf))
  expect(await ids({ limit: 10, offset: 0, open: false })).toEqual([4, 2].map(uuidOf))
  expect(await ids({ limit: 10, offset: 100 })).toEqual([])
})

test('incidents of the same millisecond have one order, so that pages do not overlap', async () => {
  const { store } = await open()
  for (const number of [2, 1, 3]) await store.save(incident(number, { openedAt: 7 }))
  const pages = [0, 1, 2].map((offset) => store.list({ limit: 1, offset }))
  expect((await Promise.all(pages)).flat().map(({ id }) => id)).toEqual([1, 2, 3].map(uuidOf))
})

test('an incident is found by any of its actions', async () => {
  const { store } = await open()
  await store.save(incident(1, { actions: [action(10, 'rejected'), action(11, 'proposed')] }))
  await store.save(incident(2, { actions: [action(20, 'recorded')] }))
  expect((await store.findByAction(uuidOf(11)))?.id).toBe(uuidOf(1))
  expect((await store.findByAction(uuidOf(20)))?.id).toBe(uuidOf(2))
  expect(await store.findByAction(uuidOf(1))).toBeNull()
})

test('the counts tell automatic from asked, and what shadow would have done', async () => {
  const { store } = await open()
  expect(await store.counts()).toEqual({ open: 0, automaticActions: 0, verifiedActions: 0, wouldHaveActed: 0 })
  const actions = [
    action(10, 'verified'),
    action(11, 'ineffective'),
    action(12, 'refused'),
    action(13, 'verified', false),
    action(14, 'recorded', false),
  ]
  await store.save(incident(1, { actions }))
  await store.save(incident(2, { closedAt: 9e6, actions: [action(20, 'verified')] }))
  expect(await store.counts()).toEqual({ open: 1, automaticActions: 3, verifiedActions: 2, wouldHaveActed: 1 })
})

test.each(['{"half":', '{}', 'null', '[]', ''])('a document that cannot be read is left out: %s', async (document) => {
  const { database, store } = await open()
  await store.save(incident(1))
  await database.write((connection) =>
    connection.run('INSERT INTO incidents VALUES ($1, $2, 2000000, NULL, $3)', [uuidOf(2), 'shop/web/1', document]),
  )
  expect((await store.list({ limit: 10, offset: 0 })).map(({ id }) => id)).toEqual([uuidOf(1)])
  expect(await store.find(uuidOf(2))).toBeNull()
})
