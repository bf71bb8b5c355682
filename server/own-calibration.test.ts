import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { emptyTally } from './analyse/scorekeeping.ts'
import { OwnCalibration, type Tally } from './contracts/scoreboard.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'
import { openOwnCalibration } from './own-calibration.ts'
import { readCalibration } from './read-calibration.ts'
import { openDatabase } from './store/database.ts'
import { createSetting } from './store/setting.ts'

const DAY_MS = 86_400_000

/** Nothing came of a thousand predictions of a half, but for twenty. */
function overconfident(): Tally {
  const tally = { ...emptyTally(), failures: 20 }
  tally.bins[5] = { predictions: 1_000, probabilitySum: 500, failed: 20 }
  return tally
}

async function open() {
  const clock = { at: 1_700_000_000_000 }
  const now = () => clock.at
  const database = await openDatabase({ path: join(temporaryFolder(), 'x.duckdb'), memoryLimitMegabytes: 64, now })
  onTestFinished(() => database[Symbol.asyncDispose]())
  const written: { event: string; actor: string; decision: string; reason: string }[] = []
  const log = { writes: true }
  const shipped = readCalibration()
  const reopen = () =>
    openOwnCalibration({
      store: createSetting(database, 'calibration', OwnCalibration),
      shipped,
      scores: { tallies: () => ({ all: overconfident(), since: emptyTally() }) },
      now,
      write(record) {
        if (!log.writes) throw new Error('the log is full')
        written.push(record)
      },
    })
  return { clock, log, written, shipped, reopen, book: await reopen() }
}

test('once a day the model is corrected, which is written down first and outlives the program', async () => {
  const { clock, written, shipped, book, reopen } = await open()
  await book.look()
  expect(book.calibration).toBe(shipped)
  clock.at += DAY_MS
  await book.look()
  expect(written).toMatchObject([{ event: 'calibration.changed', actor: 'dockerpulse' }])
  expect(book.calibration.intercept).toBeLessThan(shipped.intercept)
  expect((await reopen()).calibration).toEqual(book.calibration)
  await book.look()
  expect(written).toHaveLength(1)
})

test('an operator takes a correction back, and then none is made', async () => {
  const { clock, written, shipped, book } = await open()
  clock.at += DAY_MS
  await book.look()
  await book.set({ own: false, reason: 'an odd week' })
  expect(book.calibration).toBe(shipped)
  expect(written.at(-1)).toMatchObject({ actor: 'operator', reason: expect.stringContaining('an odd week') })
  clock.at += 2 * DAY_MS
  await book.look()
  expect(written).toHaveLength(2)
})

test('without a writable audit log nothing changes', async () => {
  const { clock, log, shipped, book } = await open()
  log.writes = false
  clock.at += DAY_MS
  await expect(book.look()).rejects.toThrow('the log is full')
  expect(book.calibration).toBe(shipped)
})
