import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { containerSpec } from './container-spec.ts'
import { openSimulatedEngine, type SimulatedEngineOptions } from './simulated-engine.ts'

const folder = await mkdtemp(join(tmpdir(), 'dockerpulse-simulated-'))
afterAll(() => rm(folder, { recursive: true }))

let opened = 0
async function open(options: Partial<SimulatedEngineOptions> = {}) {
  const socketPath = join(folder, `${++opened}.sock`)
  const engine = await openSimulatedEngine({ socketPath, faults: 'none', speed: 50, ...options })
  onTestFinished(() => engine[Symbol.asyncDispose]())
  return { engine, docker: new Docker({ socketPath }), socketPath }
}

function fetchText(
  socketPath: string,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; text: string; type: string }> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' }
    const sent = request({ socketPath, method, path, headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => (text += chunk))
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text, type: response.headers['content-type'] ?? '' }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function lines(stream: NodeJS.ReadableStream, count: number): Promise<string[]> {
  let text = ''
  for await (const chunk of stream) {
    text += chunk
    if (text.split('\n').length > count) break
  }
  return text.split('\n').slice(0, count)
}

test('dockerode talks to it as to any engine', async () => {
  const { engine, docker } = await open()
  expect(String(await docker.ping())).toBe('OK')
  expect(await docker.version()).toMatchObject({ ApiVersion: '1.41', MinAPIVersion: '1.12', Os: 'linux' })
  expect(await docker.info()).toMatchObject({ Containers: 12, ContainersRunning: 12, NCPU: 8, CgroupVersion: '2' })
  const listed = await docker.listContainers({ filters: { label: ['com.docker.compose.project=rag'] } })
  expect(listed.map(({ Names }) => Names[0]).sort()).toEqual(['/rag-embedder-1', '/rag-rag-api-1', '/rag-vector-db-1'])
  expect(listed[0]!.Status).toMatch(/^Up \d+ (hours|days)/)
  const container = docker.getContainer('webshop-shop-api-2')
  const inspected = await container.inspect()
  expect(inspected).toMatchObject({
    Id: engine.idOf('webshop-shop-api-2'),
    Name: '/webshop-shop-api-2',
    State: { Status: 'running', Running: true, OOMKilled: false, Health: { Status: 'healthy' } },
    HostConfig: { Memory: 512 * 1024 * 1024, NanoCpus: 1e9, RestartPolicy: { Name: 'unless-stopped' } },
    Config: { Labels: { 'com.docker.compose.container-number': '2' } },
  })
  expect(inspected.Image).toMatch(/^sha256:[0-9a-f]{64}$/)
  const stats = await container.stats({ stream: false })
  expect(Date.parse(stats.read) - Date.parse(stats.preread)).toBe(1_000)
  expect(stats.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(stats.precpu_stats.cpu_usage.total_usage)
  const oneShot = await container.stats({ stream: false, 'one-shot': true })
  expect(oneShot.preread).toBe('0001-01-01T00:00:00Z')
  expect((await container.top()).Processes[0]).toContain('node dist/server.js')
})

test('a stream has one reading for each simulated second, each with the one before', async () => {
  const { docker } = await open()
  const stream = await docker.getContainer('webshop-nginx-1').stats({ stream: true })
  const readings = (await lines(stream, 40)).map((line) => JSON.parse(line))
  expect(readings[0].preread).toBe('0001-01-01T00:00:00Z')
  for (let index = 1; index < readings.length; index++) {
    expect(Date.parse(readings[index].read) - Date.parse(readings[index - 1].read)).toBe(1_000)
    expect(readings[index].preread).toBe(readings[index - 1].read)
    expect(readings[index].precpu_stats).toEqual(readings[index - 1].cpu_stats)
  }
})

test('the stream of a stopped container goes on with empty readings, and ends with the container', async () => {
  const { engine, docker } = await open()
  await docker.getContainer('webshop-redis-1').stop()
  const stream = await docker.getContainer('webshop-redis-1').stats({ stream: true })
  let text = ''
  for await (const chunk of stream) {
    if (text === '') void engine.removeContainer('webshop-redis-1')
    text += chunk
  }
  expect(JSON.parse(text.split('\n')[0]!)).toMatchObject({ read: '0001-01-01T00:00:00Z', memory_stats: {} })
  expect(() => engine.idOf('webshop-redis-1')).toThrow('webshop-redis-1')
})

test('errors are those of the engine', async () => {
  const { engine, docker, socketPath } = await open()
  const id = engine.idOf('webshop-redis-1')
  await docker.getContainer('workers-report-cron-1').stop()
  const stopped = engine.idOf('workers-report-cron-1')
  const cases: [string, string, number, string, string?][] = [
    ['GET', '/containers/nope/json', 404, 'No such container: nope'],
    ['GET', '/nope', 404, 'page not found'],
    ['POST', '/containers/json', 404, 'page not found'],
    ['GET', '/v1.99/info', 400, 'client version 1.99 is too new. Maximum supported API version is 1.41'],
    ['GET', `/v1.41/containers/${id}/logs`, 400, 'Bad parameters: you must choose at least one stream'],
    ['POST', `/containers/${id}/start`, 304, ''],
    ['POST', `/containers/${stopped}/stop`, 304, ''],
    ['POST', `/containers/${stopped}/pause`, 409, `Container ${stopped} is not running`],
    ['POST', `/containers/${id}/unpause`, 500, `Container ${id} is not paused`],
    ['GET', `/containers/${stopped}/top`, 409, `Container ${stopped} is not running`],
    ['POST', `/containers/${id}/kill?signal=FOO`, 400, 'Invalid signal: FOO'],
    ['POST', `/containers/${id}/stop?t=abc`, 500, 'strconv.Atoi: parsing "abc": invalid syntax'],
    ['POST', `/containers/${id}/update`, 400, 'Minimum memory limit allowed is 6MB', '{"Memory":1000}'],
    ['POST', `/containers/${id}/update`, 500, 'unexpected EOF', '{"Memory":'],
    ['POST', '/networks/nope/connect', 404, 'network nope not found', `{"Container":"${id}"}`],
    [
      'POST',
      '/networks/webshop_default/connect',
      403,
      'endpoint with name webshop-redis-1 already exists in network webshop_default',
      `{"Container":"${id}"}`,
    ],
    ['GET', '/containers/json?filters={"foo":["x"]}', 400, "Invalid filter 'foo'"],
    ['GET', '/events?since=abc', 500, 'strconv.ParseInt: parsing "abc": invalid syntax'],
  ]
  for (const [method, path, status, message, body] of cases) {
    const reply = await fetchText(socketPath, method, path, body)
    expect({ path, status: reply.status }).toEqual({ path, status })
    if (message !== '') expect(JSON.parse(reply.text)).toEqual({ message })
  }
})

test('logs come in frames, with the errors of a service in trouble on the second stream', async () => {
  const { engine, docker } = await open()
  engine.inject({
    kind: 'cpu-saturation',
    container: 'webshop-shop-api-1',
    startSeconds: 0,
    cores: 4,
    durationSeconds: 100,
  })
  await engine.clock.sleep(40_000)
  const container = docker.getContainer('webshop-shop-api-1')
  const reply = (await container.logs({ stdout: false, stderr: true, tail: 3 })) as unknown as Buffer
  expect([...reply.subarray(0, 4)]).toEqual([2, 0, 0, 0])
  const length = reply.readUInt32BE(4)
  expect(reply.subarray(8, 8 + length).toString()).toMatch(/^\{"level":.*\}\n$/)
})

test('events: what is remembered, then what happens; until ends them', async () => {
  const { engine, docker, socketPath } = await open()
  const sinceSeconds = engine.clock.now() / 1_000
  const container = docker.getContainer('webshop-redis-1')
  await container.restart({ t: 5 })
  const until = engine.clock.now() / 1_000
  const filters = JSON.stringify({ container: ['webshop-redis-1'], event: ['die', 'start', 'restart'] })
  const { text } = await fetchText(
    socketPath,
    'GET',
    `/events?since=${sinceSeconds}&until=${until}&filters=${encodeURIComponent(filters)}`,
  )
  const events = text.trim().split('\n')
  expect(events.map((line) => JSON.parse(line).Action)).toEqual(['die', 'start', 'restart'])
  expect(events[0]).toMatch(/"time":\d{10},"timeNano":\d{19}\}$/)
  expect(JSON.parse(events[0]!)).toMatchObject({
    status: 'die',
    Type: 'container',
    Actor: { ID: engine.idOf('webshop-redis-1'), Attributes: { exitCode: '0', name: 'webshop-redis-1' } },
  })
})

test('re-creation: destroy, create and start, with another id', async () => {
  const { engine, docker } = await open()
  const stream = await docker.getEvents({ filters: { type: ['container'], event: ['create', 'destroy', 'start'] } })
  const before = engine.idOf('rag-rag-api-1')
  const { spec } = engine.host.containers.get(before)!
  await engine.removeContainer('rag-rag-api-1')
  const after = await engine.createContainer(containerSpec({ ...spec, image: 'rag/api:0.9.4' }))
  expect(after).not.toBe(before)
  const seen = (await lines(stream, 3)).map((line) => JSON.parse(line))
  expect(seen.map(({ Action, id }) => [Action, id])).toEqual([
    ['destroy', before],
    ['create', after],
    ['start', after],
  ])
})

test('it misbehaves on demand: a web page, a refusal, garbage, silence', async () => {
  const { engine, docker, socketPath } = await open()
  engine.misbehave('html')
  expect(await fetchText(socketPath, 'GET', '/info')).toMatchObject({ status: 200, type: 'text/html' })
  engine.misbehave('refuse')
  expect(await fetchText(socketPath, 'GET', '/info')).toMatchObject({ status: 403, type: 'text/html' })
  engine.misbehave('garbage-stats')
  expect((await docker.listContainers()).length).toBe(12)
  const stream = await docker.getContainer('webshop-redis-1').stats({ stream: true })
  const garbage = await lines(stream, 40)
  expect(garbage.some((line) => line.includes('NaN'))).toBe(true)
  engine.misbehave('hang')
  const answered = fetchText(socketPath, 'GET', '/_ping').then(
    () => true,
    () => false,
  )
  const silent = new Promise((resolve) => setTimeout(() => resolve('silent'), 100))
  expect(await Promise.race([answered, silent])).toBe('silent')
  engine.misbehave('none')
  engine.breakConnections()
  expect(await answered).toBe(false)
  expect(String(await docker.ping())).toBe('OK')
})

test('two thousand containers, five hundred of them streamed', async () => {
  const { docker, engine } = await open({ containers: 2_000, speed: 5 })
  const ids = (await docker.listContainers({ all: true })).map(({ Id }) => Id)
  expect(ids.length).toBe(2_000)
  const streams = await Promise.all(ids.slice(0, 500).map((id) => docker.getContainer(id).stats({ stream: true })))
  const read = await Promise.all(streams.map((stream) => lines(stream, 3)))
  expect(read.every((three) => three.length === 3)).toBe(true)
  expect(engine.host.cores).toBeGreaterThan(100)
})

test('its clock runs at its speed and its sleepers wake when told', async () => {
  const { engine } = await open({ speed: 100, startAtMs: Date.UTC(2030, 0, 1) })
  expect(new Date(engine.clock.now()).getUTCFullYear()).toBe(2030)
  const before = engine.clock.now()
  await engine.clock.sleep(5_000)
  expect(engine.clock.now() - before).toBeGreaterThanOrEqual(4_900)
  const stop = new AbortController()
  const sleeping = engine.clock.sleep(1e9, stop.signal)
  stop.abort()
  await sleeping
})

test('while the process stands still its world waits, too', async () => {
  const { engine } = await open({ speed: 8 })
  const before = engine.clock.now()
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000)
  const leapt = engine.clock.now() - before
  expect(leapt).toBeGreaterThanOrEqual(1_900)
  expect(leapt).toBeLessThan(4_000)
  expect(engine.clock.now() - before).toBeGreaterThanOrEqual(leapt)
})

test('disposing ends its streams and removes its socket; a stale socket is no obstacle, a live one is', async () => {
  const { docker, engine, socketPath } = await open()
  await expect(openSimulatedEngine({ socketPath })).rejects.toThrow('EADDRINUSE')
  const stream = await docker.getEvents()
  const ended = new Promise((resolve) => stream.on('close', resolve).on('error', resolve).resume())
  await engine[Symbol.asyncDispose]()
  await ended
  expect(existsSync(socketPath)).toBe(false)
  const again = await openSimulatedEngine({ socketPath })
  await again[Symbol.asyncDispose]()
})
