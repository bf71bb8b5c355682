import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../clock.ts'
import type { Container } from '../contracts/telemetry.ts'
import { recording } from '../fixtures/recording.ts'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { createLog } from '../log.ts'
import { createDockerEngine } from './docker-engine.ts'
import { parseInspect } from './docker-replies.ts'
import { createSampler } from './sampler.ts'

const HOST = { hostCores: 2, hostMemoryBytes: 25_276_510_208 }
const container = parseInspect(recording('inspect-limited'))

/** A sampler on an engine that plays recordings, with a hand on each open stream and on the clock. */
async function prepare() {
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

test('a stream that is silent for more than ten seconds is opened again', async () => {
  const { sampler, clock, opened, streams } = await prepare()
  sampler.sync([container])
  await opened(1)
  clock.at += 10_000
  sampler.sync([container])
  expect(streams).toHaveLength(1)
  clock.at += 1
  sampler.sync([container])
  await opened(2)
})
