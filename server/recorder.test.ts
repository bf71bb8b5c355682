import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from './fixtures/temporary-folder.ts'
import { createRecorder } from './recorder.ts'
import { openDatabase } from './store/database.ts'
import { openSampleStore, type SampleStore } from './store/samples.ts'
import { observation } from './store/stand-ins.ts'

const MAINTAIN_EVERY_MS = 60_000
const START = 1_000_000_000_000

async function prepare() {
  const folder = temporaryFolder()
  const database = await openDatabase({ path: join(folder, 'samples.duckdb'), memoryLimitMegabytes: 64, now: Date.now })
  const samples = await openSampleStore(database, folder)
  onTestFinished(() => database[Symbol.asyncDispose]())
  const clock = { at: START, now: () => clock.at, sleep: async () => {} }
  /** The store behind gates that can be shut, as a disk that stalls. */
  const gates = { append: Promise.resolve(), maintain: Promise.resolve() }
  let goOn = () => {}
  const store: Pick<SampleStore, 'append'> = {
    append: (at, observations) => gates.append.then(() => samples.append(at, observations)),
  }
  const maintained: number[] = []
  const maintain = () => gates.maintain.then(() => void maintained.push(clock.at))
  return {
    clock,
    recorder: createRecorder({ store, clock, maintain }),
    maintained,
    stall: (what: 'append' | 'maintain') => {
      gates[what] = new Promise((resolve) => {
        goOn = resolve
      })
    },
    goOn: () => goOn(),
    async rounds(): Promise<number[]> {
      await samples.flush()
      const reader = await database.read((connection) =>
        connection.runAndReadAll('SELECT at_ms FROM batches ORDER BY batch'),
      )
      return reader.getRows().map(([at]) => Number(at))
    },
  }
}

const round = (number: number): [number, ReturnType<typeof observation>[]] => {
  const at = START + number * 1000
  return [at, [observation(1, at)]]
}
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => START + (from + index) * 1000)

test('rounds are written in their order, all of them by the end', async () => {
  const { recorder, rounds } = await prepare()
  for (let number = 0; number < 30; number++) recorder.take(...round(number))
  await recorder[Symbol.asyncDispose]()
  expect(await rounds()).toEqual(range(0, 30))
  expect(recorder.lostSamples).toBe(0)
})

test('while the disk stalls nobody waits, and the oldest rounds are let go and counted', async () => {
  const { recorder, stall, goOn, rounds } = await prepare()
  stall('append')
  recorder.take(...round(0))
  await sleep(0)
  for (let number = 1; number < 100; number++) recorder.take(...round(number))
  // The first is being written; of the 99 behind it the newest 60 wait.
  expect(recorder.lostSamples).toBe(39)
  goOn()
  await recorder[Symbol.asyncDispose]()
  expect(await rounds()).toEqual([...range(0, 1), ...range(40, 100)])
})

test('a round that comes while the archive is looked after is written at the end', async () => {
  const { clock, recorder, stall, goOn, rounds } = await prepare()
  stall('maintain')
  clock.at += MAINTAIN_EVERY_MS
  recorder.take(...round(0))
  while ((await rounds()).length === 0);
  recorder.take(...round(1))
  const ended = recorder[Symbol.asyncDispose]()
  goOn()
  await ended
  expect(await rounds()).toEqual(range(0, 2))
})

test('the archive is looked after once a minute', async () => {
  const { recorder, clock, maintained } = await prepare()
  for (let number = 0; number < 150; number++) {
    clock.at = START + number * 1000
    recorder.take(...round(number))
    await recorder[Symbol.asyncDispose]()
  }
  expect(maintained).toEqual([START + MAINTAIN_EVERY_MS, START + 2 * MAINTAIN_EVERY_MS])
})
