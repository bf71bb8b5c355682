import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../clock.ts'
import type { Container } from '../contracts/telemetry.ts'
import { recording } from '../fixtures/recording.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { createLog } from '../log.ts'
import { createCgroupSource } from './cgroup-source.ts'
import { RECORDED, recordedTree } from './cgroup-stand-in.ts'
import { createDockerEngine } from './docker-engine.ts'
import { parseInspect } from './docker-replies.ts'
import { createSampler } from './sampler.ts'

const HOST = { hostCores: 2, hostMemoryBytes: 25_276_510_208 }
const container = parseInspect(recording('inspect-limited'))

/** A sampler on an engine that plays recordings, with a hand on each open stream and on the clock. */
async function prepare(changes: Partial<Parameters<typeof createSampler>[0]> = {}) {
  const socketPath = join(temporaryFolder(), 'docker.sock')
  const streams: { id: string; response: ServerResponse }[] = []
  const waiting: (() => void)[] = []
  const server = createServer((request, response) => {
    streams.push({ id: request.url!.split('/')[2]!, response })
    response.flushHeaders()
    for (const resolve of waiting.splice(0)) resolve()
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  const clock = { ...systemClock, at: 1_000_000, now: () => clock.at }
  const sampler = createSampler({
    engine: createDockerEngine({ dockerHost: `unix://${socketPath}` }),
    clock,
    log: createLog('silent'),
    host: () => HOST,
    choice: 'docker',
    files: null,
    watchLog: () => null,
    intervalOf: () => 1_000,
    ...changes,
  })
  onTestFinished(async () => {
    await sampler[Symbol.asyncDispose]()
    server.closeAllConnections()
    server.close()
  })
  return {
    sampler,
    clock,
    streams,
    async opened(count: number) {
      while (streams.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    /** Plays replies on the newest stream and gives the samples that come of them. */
    async play(replies: unknown[], count: number) {
      for (const reply of replies) streams.at(-1)!.response.write(`${JSON.stringify(reply)}\n`)
      const samples = sampler.take()
      while (samples.length < count) {
        await new Promise(setImmediate)
        samples.push(...sampler.take())
      }
      return samples
    },
  }
}

const busy = recording<{ read: string }[]>('stats-busy')

test('a running container becomes a sample a second: the first without rates, then half a core', async () => {
  const { sampler, opened, play } = await prepare()
  sampler.sync([container])
  await opened(1)
  const samples = await play(busy, busy.length)
  expect(samples.map(({ at }) => at)).toEqual(busy.map(({ read }) => Date.parse(read)))
  expect(samples[0]).toMatchObject({ cpuCores: null, throttledShare: null, workingSetBytes: 12_292_096, pids: 2 })
  for (const { cpuCores, cpuShareOfLimit, throttledShare } of samples.slice(1)) {
    expect(cpuCores).toBeCloseTo(0.5, 1)
    expect(cpuShareOfLimit).toBeCloseTo(1, 1)
    expect(throttledShare).toBe(1)
  }
})

test('a reading twice is one sample, and one from before is a new baseline', async () => {
  const { sampler, opened, play } = await prepare()
  sampler.sync([container])
  await opened(1)
  const [first, second, third] = busy
  const samples = await play([second, second, first, third], 2)
  expect(samples.map(({ at }) => at)).toEqual([second, third].map((one) => Date.parse(one!.read)))
})

test('a new life begins with a baseline', async () => {
  const { sampler, opened, play } = await prepare()
  sampler.sync([container])
  await opened(1)
  await play(busy.slice(0, 2), 2)
  sampler.reset(container.id)
  sampler.sync([container])
  await opened(2)
  const samples = await play(busy.slice(2, 4), 2)
  expect(samples.map(({ cpuCores }) => cpuCores === null)).toEqual([true, false])
})

test('replies that make no sense are counted, and the next good one counts', async () => {
  const { sampler, opened, play } = await prepare()
  sampler.sync([container])
  await opened(1)
  await play([{}, '<html>', null, busy[0]], 1)
  expect(sampler.skipped).toBe(3)
})

test('one stream a running container, none for the others, and none twice', async () => {
  const { sampler, opened, streams } = await prepare()
  const other = (digit: string, state: Container['state']): Container => ({ ...container, id: digit.repeat(64), state })
  const all = [container, other('a', 'exited'), other('b', 'restarting'), other('c', 'paused')]
  for (let round = 0; round < 5; round++) sampler.sync(all)
  await opened(2)
  expect(streams.map(({ id }) => id).sort()).toEqual([container.id, 'c'.repeat(64)].sort())
})

test('the stream of a container that stopped is closed', async () => {
  const { sampler, opened, streams } = await prepare()
  sampler.sync([container])
  await opened(1)
  const closed = new Promise((resolve) => streams[0]!.response.on('close', resolve))
  sampler.sync([{ ...container, state: 'exited' }])
  await closed
})

test('a stream that is silent for ten seconds beyond its pace is opened again', async () => {
  const { sampler, clock, opened, streams } = await prepare()
  sampler.sync([container])
  await opened(1)
  clock.at += 11_000
  sampler.sync([container])
  expect(streams).toHaveLength(1)
  clock.at += 1
  sampler.sync([container])
  await opened(2)
})

const onFiles = (tree: Parameters<typeof recordedTree>[0] = 'hybrid') => {
  let at = 1_000_000
  return createCgroupSource({ ...recordedTree(tree), now: () => (at += 1_000) })
}
const seen: Container = { ...container, id: RECORDED.hybrid.id, pid: RECORDED.hybrid.pid }

test('where the kernel’s files are visible they are read, each time somebody asks, and the engine is left alone', async () => {
  const { sampler, clock, streams } = await prepare({ choice: 'auto', files: onFiles() })
  sampler.sync([seen])
  expect(sampler.take()).toMatchObject([{ cpuCores: null, oomKills: null, fileBytes: 21_008_384 }])
  clock.at += 1_000
  expect(sampler.take()).toMatchObject([{ cpuCores: 0, oomKills: 0, cpuPressureSomeShare: 0 }])
  expect(sampler.source).toEqual({ byFiles: 1, byEngine: 0, reason: 'the kernel’s files are visible' })
  expect(streams).toEqual([])
})

test('a container whose files are not visible is read through the engine, and why is said', async () => {
  const { sampler, opened, streams } = await prepare({ choice: 'auto', files: onFiles() })
  sampler.sync([seen, container])
  await opened(1)
  expect(streams.map(({ id }) => id)).toEqual([container.id])
  expect(sampler.source).toMatchObject({ byFiles: 1, byEngine: 1 })
  expect(sampler.source.reason).not.toBe('the kernel’s files are visible')
})

test('the choice docker never looks at files, the choice cgroup never asks the engine', async () => {
  const byEngine = await prepare({ choice: 'docker', files: onFiles() })
  byEngine.sampler.sync([seen])
  await byEngine.opened(1)
  const byFiles = await prepare({ choice: 'cgroup', files: onFiles() })
  byFiles.sampler.sync([seen, container])
  expect(byFiles.sampler.source).toMatchObject({ byFiles: 1, byEngine: 0 })
  expect(byFiles.streams).toEqual([])
})

test('a container that may be read less often is read less often', async () => {
  let intervalMs = 1_000
  const { sampler, clock } = await prepare({ choice: 'auto', files: onFiles(), intervalOf: () => intervalMs })
  const readIn = (seconds: number) => {
    let read = 0
    for (let second = 0; second < seconds; second++) {
      clock.at += 1_000
      sampler.sync([seen])
      read += sampler.take().length
    }
    return read
  }
  expect(readIn(10)).toBe(10)
  intervalMs = 5_000
  expect(readIn(20)).toBe(4)
  intervalMs = 1_000
  expect(readIn(10)).toBe(10)
})

test('whoever is no longer calm is read at once, not when the slower pace would have had it read', async () => {
  let intervalMs = 30_000
  const sleeps: { ms: number; signal: AbortSignal | undefined }[] = []
  const clock = {
    at: 1_000_000,
    now: () => clock.at,
    async sleep(ms: number, signal?: AbortSignal) {
      sleeps.push({ ms, signal })
      await new Promise((resolve) => signal!.addEventListener('abort', resolve))
    },
  }
  const { sampler, opened, play, streams } = await prepare({ clock, intervalOf: () => intervalMs })
  sampler.sync([container])
  await opened(1)
  await play(busy.slice(0, 1), 1)
  while (sleeps.length < 1) await new Promise(setImmediate)
  expect(sleeps).toMatchObject([{ ms: 30_000, signal: { aborted: false } }])
  sampler.sync([container])
  expect(sleeps[0]!.signal!.aborted).toBe(false)

  intervalMs = 1_000
  sampler.sync([container])
  await opened(2)
  expect(await play(busy.slice(1), busy.length - 1)).toHaveLength(busy.length - 1)
  expect(streams).toHaveLength(2)
  expect(sleeps).toHaveLength(1)
})

test('10,000 containers that come and go leave no descriptor and no reader', async () => {
  const files = onFiles()
  const { sampler } = await prepare({ choice: 'auto', files })
  for (let round = 0; round < 10_000; round++) {
    sampler.sync([seen])
    sampler.take()
    sampler.sync([])
  }
  expect(files.openDescriptors).toBe(0)
  expect(files.openContainers).toBe(0)
  expect(sampler.source).toMatchObject({ byFiles: 0, byEngine: 0 })
})
