import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from './fixtures/temporary-folder.ts'
import { openScoreBook } from './score-book.ts'
import { openDatabase } from './store/database.ts'
import { createScoreStore } from './store/scores.ts'

const START = Date.parse('2026-11-20T23:58:00Z')
const A = 'a'.repeat(64)

async function open(folder = temporaryFolder()) {
  const clock = { at: START, now: () => clock.at, sleep: async () => {} }
  const database = await openDatabase({ path: join(folder, 'x.duckdb'), memoryLimitMegabytes: 64, now: clock.now })
  onTestFinished(() => database[Symbol.asyncDispose]())
  const store = createScoreStore(database)
  const book = await openScoreBook({ store, clock, horizonMs: 60_000 })
  const say = (seconds: number, probability: number) => {
    for (let second = 0; second < seconds; second++) {
      book.assessed({ containerId: A, probability, light: probability >= 0.85 ? 'critical' : 'low' })
      clock.at += 1_000
    }
  }
  return { folder, clock, database, store, book, say }
}

test('the score outlives the program, also over midnight', async () => {
  const { folder, database, book, say } = await open()
  say(100, 0.05)
  say(30, 0.95)
  book.failed(A)
  const board = book.board()
  expect(board).toMatchObject({ since: '2026-11-20T00:00:00.000Z', failures: 1, foreseen: 1, medianLeadTimeMs: 30_000 })
  await book.save()
  await database[Symbol.asyncDispose]()
  expect((await open(folder)).book.board()).toEqual(board)
})

test('who was stopped is not judged', async () => {
  const { book, say } = await open()
  say(30, 0.95)
  book.cutShort(A)
  say(100, 0.05)
  expect(book.board()).toMatchObject({ warningsCutShort: 1, warningsFalse: 0, failures: 0 })
})

test('a day that cannot be read is left out', async () => {
  const { folder, database, store, book, say } = await open()
  say(100, 0.05)
  await book.save()
  await database.write((connection) =>
    connection.run(
      `INSERT INTO scores VALUES (${START - 86_400_000}, '{"bins": 1}'), (${START - 3_600_000}, 'garbage')`,
    ),
  )
  expect(await store.list(0)).toHaveLength(1)
  await database[Symbol.asyncDispose]()
  expect((await open(folder)).book.board().predictions).toBe(book.board().predictions)
})
