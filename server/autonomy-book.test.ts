import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openAutonomyBook } from './autonomy-book.ts'
import type { Judgement } from './contracts/autonomy.ts'
import { aContainer, SETTINGS } from './decide/incident-stand-in.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'
import { createLog } from './log.ts'
import { type AutonomyStore, createAutonomyStore } from './store/autonomy.ts'
import { openDatabase } from './store/database.ts'

const NOW = 1_700_000_000_000
const KEY = 'shop/api/1'

const right = (number: number, different: Partial<Judgement> = {}): Judgement => ({
  at: NOW - 1_000 + number,
  actionId: `action-${number}`,
  incidentId: `incident-${number}`,
  containerKey: KEY,
  cause: 'memory-limit',
  kind: 'restart',
  done: false,
  outcome: 'right',
  reason: 'it was not done, and oom followed 8 s later',
  durationMs: null,
  failureMs: null,
  ...different,
})

const openBook = (store: AutonomyStore, folder: string) =>
  openAutonomyBook({
    store,
    log: createLog('silent'),
    now: () => NOW,
    configuredMode: 'shadow',
    stopFile: join(folder, 'STOP'),
    settings: SETTINGS,
  })

const databaseIn = (folder: string) =>
  openDatabase({ path: join(folder, 'a.duckdb'), memoryLimitMegabytes: 64, now: () => NOW })

test('what an operator set and what became of decisions outlives a restart of the service', async () => {
  const folder = temporaryFolder()
  {
    await using database = await databaseIn(folder)
    const book = await openBook(createAutonomyStore(database), folder)
    await book.setMode({ scope: 'host', name: '', mode: 'approve', reason: '' })
    await book.setMode({ scope: 'project', name: 'shop', mode: 'earned', reason: '' })
    await book.setMode({ scope: 'container', name: KEY, mode: 'auto', reason: '' })
    await book.setMode({ scope: 'container', name: KEY, mode: null, reason: '' })
    book.take([right(1), right(2)])
    // Said twice of one action, the last word counts.
    book.take([right(2, { outcome: 'wrong' })])
    await database.write(async () => {})
  }
  await using database = await databaseIn(folder)
  const book = await openBook(createAutonomyStore(database), folder)
  expect(book.modeOf(aContainer())).toEqual({ mode: 'earned', from: 'project' })
  expect(book.modeOf(aContainer({ composeProject: null }))).toEqual({ mode: 'approve', from: 'host' })
  expect(book.judgementsOf(KEY).restart?.map(({ outcome }) => outcome)).toEqual(['right', 'wrong'])
  expect(book.view(null, () => 'shadow').overall).toMatchObject({ judged: 2, right: 1, done: 0, falseActions: 0 })
})

test('the stop switch works by a file, and by the page also where the disk refuses to keep it', async () => {
  const folder = temporaryFolder()
  const refusing: AutonomyStore = {
    saveJudgement: () => Promise.reject(new Error('disk full')),
    judgements: async () => [],
    saveSettings: () => Promise.reject(new Error('disk full')),
    settings: async () => null,
    prune: () => Promise.reject(new Error('disk full')),
  }
  const book = await openBook(refusing, folder)
  expect(book.stopped()).toBeNull()
  writeFileSync(join(folder, 'STOP'), '')
  expect(book.stopped()).toContain('STOP is there')
  rmSync(join(folder, 'STOP'))
  await book.setStop('we deploy', 'operator')
  expect(book.stopped()).toBe('we deploy')
  expect(existsSync(join(folder, 'STOP'))).toBe(true)
  expect(book.view(null, () => null).settings.stopChanged).toEqual({ by: 'operator', atMs: NOW })
  await book.setStop(null, 'operator')
  expect(book.stopped()).toBeNull()
  expect(book.resumedAtMs).toBe(NOW)
  // A bolder mode that nobody could keep must not be in force while the operator is told that it failed.
  await expect(book.setMode({ scope: 'host', name: '', mode: 'auto', reason: '' })).rejects.toThrow('disk full')
  expect(book.modeOf(aContainer()).mode).toBe('shadow')
})

test('a record that allows it suggests the promotion, where the mode only looks on or asks', async () => {
  const folder = temporaryFolder()
  await using database = await databaseIn(folder)
  const book = await openBook(createAutonomyStore(database), folder)
  book.take(Array.from({ length: 7 }, (_, index) => right(index)))
  const suggestion = (mode: 'shadow' | 'approve' | 'earned' | 'auto' | null) =>
    book.view(null, () => mode).records[0]?.suggestion
  expect(suggestion('shadow')).toBe('earned')
  expect(suggestion('approve')).toBe('earned')
  expect(suggestion('earned')).toBeNull()
  expect(suggestion(null)).toBeNull()
})

test('how remedies did is told by cause, of what was really done', async () => {
  const folder = temporaryFolder()
  await using database = await databaseIn(folder)
  const book = await openBook(createAutonomyStore(database), folder)
  book.take([
    right(1, { done: true, durationMs: 2_000 }),
    right(2, { done: true, durationMs: 4_000, outcome: 'wrong' }),
    right(3, { done: true, cause: 'unhealthy' }),
    right(4),
  ])
  expect(book.remediesOf(KEY, 'memory-limit')).toEqual({ restart: { helped: 1, failed: 1, meanDurationMs: 3_000 } })
  expect(book.remediesOf('another/one/1', 'memory-limit')).toEqual({})
})

test('decisions of more than ninety days ago are forgotten, in the store, too', async () => {
  const folder = temporaryFolder()
  await using database = await databaseIn(folder)
  const store = createAutonomyStore(database)
  await store.saveJudgement(right(1, { at: NOW - 91 * 86_400_000 }))
  await store.saveJudgement(right(2, { at: NOW - 89 * 86_400_000 }))
  await openBook(store, folder)
  expect((await store.judgements(0)).map(({ actionId }) => actionId)).toEqual(['action-2'])
})
