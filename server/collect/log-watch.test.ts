import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Engine } from '../contracts/ports.ts'
import { aContainer } from '../decide/incident-stand-in.ts'
import { EngineError } from '../errors.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { createLog } from '../log.ts'
import { createLogWatches } from './log-watch.ts'

/** Plays these pieces, one stream after the other, and keeps the last one open; sleeps end when they are told to. */
function prepare(streams: (readonly string[] | Error)[], ways: { files?: boolean; streams?: boolean } = {}) {
  const rests: { ms: number; end: () => void }[] = []
  let opened = 0
  const engine = {
    async *followLogs(_id: string, { signal }: { signal: AbortSignal }) {
      const played = streams[opened]
      opened += 1
      if (played instanceof Error) throw played
      yield* played ?? []
      if (opened >= streams.length && !signal.aborted)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
  } as unknown as Engine
  const clock = {
    now: () => 0,
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((end) => {
        rests.push({ ms, end })
        if (signal?.aborted) end()
        signal?.addEventListener('abort', () => end())
      }),
  }
  const watch = createLogWatches({ engine, clock, log: createLog('silent'), files: true, streams: true, ...ways })
  const open = (logPath: string | null = null) => {
    const one = watch(aContainer({ logPath }))
    onTestFinished(() => one?.close())
    return one
  }
  return { open, rests, opened: () => opened }
}
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
}

test('errors are counted in the engine’s stream, lines cut anywhere', async () => {
  const { open } = prepare([['ERROR one\nfine\nERR', 'OR two\nlevel=er', 'ror three\nERROR not yet complete']])
  const watch = open()!
  await turns()
  expect(watch.errorLines).toBe(3)
})

test('the file is read where it can be, and the engine is not asked', async () => {
  const path = join(temporaryFolder(), 'x-json.log')
  writeFileSync(path, '')
  const { open, opened } = prepare([['ERROR in the stream\n']])
  const watch = open(path)!
  writeFileSync(path, 'ERROR in the file\n')
  watch.read()
  await turns()
  expect([watch.errorLines, opened()]).toEqual([1, 0])
})

test('neither way is gone where it is not wanted', async () => {
  const path = join(temporaryFolder(), 'x-json.log')
  writeFileSync(path, '')
  expect(prepare([[]], { files: false, streams: false }).open(path)).toBeNull()
  const byStream = prepare([['ERROR\n']], { files: false })
  const watch = byStream.open(path)!
  await turns()
  expect([watch.errorLines, byStream.opened()]).toEqual([1, 1])
})

test('a refusal makes it unknown, and is not repeated for a minute; then it goes on', async () => {
  const refusal = new EngineError('refused', 'following logs: HTTP 403')
  const { open, rests, opened } = prepare([['ERROR before\n'], refusal, ['ERROR after\n']])
  const watch = open()!
  await turns()
  expect([watch.errorLines, rests.map(({ ms }) => ms)]).toEqual([1, [2_000]])
  rests[0]!.end()
  await turns()
  expect([watch.errorLines, rests.map(({ ms }) => ms), opened()]).toEqual([null, [2_000, 60_000], 2])
  rests[1]!.end()
  await turns()
  expect(watch.errorLines).toBe(1)
})

test('a quiet log that can be read again is known to report nothing', async () => {
  const { open, rests } = prepare([new EngineError('unreachable', 'following logs: ECONNREFUSED'), []])
  const watch = open()!
  await turns()
  expect(watch.errorLines).toBeNull()
  rests[0]!.end()
  await turns()
  expect(watch.errorLines).toBe(0)
})

test('who floods it is not listened to for a while', async () => {
  const flood = Array<string>(100).fill('ERROR flood\n'.repeat(1_000))
  const { open, rests } = prepare([flood, ['ERROR calm again\n']])
  const watch = open()!
  await turns()
  const counted = watch.errorLines!
  expect(counted).toBeGreaterThan(10_000)
  expect(counted).toBeLessThan(40_000)
  expect(rests.map(({ ms }) => ms)).toEqual([10_000])
  watch.read()
  rests[0]!.end()
  await turns()
  expect(watch.errorLines).toBe(counted + 1)
})

test('an endless line holds no memory', async () => {
  const { open } = prepare([[...Array<string>(1_000).fill('x'.repeat(200)), '\nERROR behind it\n']])
  const watch = open()!
  await turns()
  expect(watch.errorLines).toBe(1)
})

test('there are no more streams than 200, and a closed one makes room', async () => {
  const { open } = prepare([[]])
  const watches = Array.from({ length: 201 }, () => open())
  expect(watches.map((watch) => watch === null).indexOf(true)).toBe(200)
  await watches[7]!.close()
  expect(open()).not.toBeNull()
})
