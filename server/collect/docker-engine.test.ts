import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Engine } from '../contracts/ports.ts'
import type { Counters, EngineEvent } from '../contracts/telemetry.ts'
import { EngineError } from '../errors.ts'
import { recording } from '../fixtures/recording.ts'
import { createDockerEngine } from './docker-engine.ts'

const ID = '0123456789abcdef'.repeat(4)
/** A deadline for where nothing more will come. */
const SHORT_MS = 100

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-engine-'))
const closing: (() => Promise<unknown>)[] = []
let servers = 0
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(() => rmSync(folder, { recursive: true }))

type Answer = (request: IncomingMessage, response: ServerResponse) => void
type Served = { engine: Engine; requests: string[] }

/** A server that answers everything in one way, on a socket or over TCP, and the engine behind it. */
async function serve(answer: Answer, over: 'unix' | 'tcp' = 'unix', replyTimeoutMs = 10_000): Promise<Served> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  // A path of its own each time: connections to the one before are kept for reuse.
  const socketPath = join(folder, `${++servers}.sock`)
  await new Promise<void>((resolve) =>
    over === 'unix' ? server.listen(socketPath, resolve) : server.listen(0, '127.0.0.1', resolve),
  )
  closing.push(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const dockerHost =
    over === 'unix' ? `unix://${socketPath}` : `tcp://127.0.0.1:${(server.address() as { port: number }).port}`
  return { engine: createDockerEngine({ dockerHost, replyTimeoutMs }), requests }
}

const reply =
  (status: number, body: string, type = 'application/json'): Answer =>
  (_request, response) =>
    response.writeHead(status, { 'Content-Type': type }).end(body)

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of stream) items.push(item)
  return items
}

const signal = () => new AbortController().signal
const events = (engine: Engine): Promise<EngineEvent[]> => all(engine.events({ sinceMs: 0, signal: signal() }))
const stats = (engine: Engine, onSkip: (reason: string) => void = () => {}): Promise<Counters[]> =>
  all(engine.stats(ID, { signal: signal(), onSkip }))

/** Every call of the port, with a sound id. */
const CALLS: Record<string, (engine: Engine, id?: string) => Promise<unknown>> = {
  describe: (engine) => engine.describe(),
  ping: (engine) => engine.ping(),
  list: (engine) => engine.list(),
  inspect: (engine, id = ID) => engine.inspect(id),
  events,
  stats: (engine, id = ID) => all(engine.stats(id, { signal: signal(), onSkip: () => {} })),
  logs: (engine, id = ID) => engine.logs(id, { tailLines: 10, maxBytes: 1000 }),
  followLogs: (engine, id = ID) => all(engine.followLogs(id, { signal: signal() })),
  top: (engine, id = ID) => engine.top(id),
  restart: (engine, id = ID) => engine.restart(id, { graceSeconds: 1 }),
  stop: (engine, id = ID) => engine.stop(id, { graceSeconds: 1 }),
  start: (engine, id = ID) => engine.start(id),
  pause: (engine, id = ID) => engine.pause(id),
  unpause: (engine, id = ID) => engine.unpause(id),
  updateLimits: (engine, id = ID) => engine.updateLimits(id, { memoryBytes: 1e8, cpuCores: 1 }),
  disconnect: (engine, id = ID) => engine.disconnect(id, 'bridge'),
  connect: (engine, id = ID) => engine.connect(id, 'bridge'),
}
const NAMES = Object.keys(CALLS)
const WITH_ID = NAMES.filter((name) => !['describe', 'ping', 'list', 'events'].includes(name))
const WITH_REPLY = ['describe', 'ping', 'list', 'inspect', 'logs', 'top']
const STREAMS = ['events', 'stats', 'followLogs']

const failure = async (name: string, engine: Engine): Promise<EngineError> => {
  const error = await CALLS[name]!(engine).then(
    () => new Error('it worked'),
    (reason: Error) => reason,
  )
  expect(error).toBeInstanceOf(EngineError)
  return error as EngineError
}

test.each(WITH_ID)('%s refuses what is no container id before any request', async (name) => {
  const { engine, requests } = await serve(reply(200, '{}'))
  const ids = [
    '../../images',
    '',
    'web',
    `${ID}/../x`,
    ID.toUpperCase(),
    ID.slice(1),
    `${ID}0`,
    `${ID}?all=1`,
    `${ID}\n`,
  ]
  for (const id of ids) {
    const outcome = await CALLS[name]!(engine, id).catch((error: Error) => error)
    if (name === 'inspect') expect(outcome).toBeNull()
    else expect(outcome).toMatchObject({ name: 'EngineError', kind: 'not-found' })
  }
  expect(requests).toEqual([])
})

test.each(['connect', 'disconnect'] as const)('%s refuses what is no network name before any request', async (name) => {
  const { engine, requests } = await serve(reply(200, '{}'))
  for (const network of ['', '..', '../containers', 'a/b', '-x', 'a?b', 'x'.repeat(129)])
    await expect(engine[name](ID, network)).rejects.toMatchObject({ kind: 'not-found' })
  expect(requests).toEqual([])
})

describe.each(['unix', 'tcp'] as const)('over %s', (over) => {
  test.each(WITH_REPLY.filter((name) => name !== 'logs'))('%s takes a web page for what it is', async (name) => {
    const { engine } = await serve(reply(200, '<html>Welcome to nginx</html>', 'text/html'), over)
    const error = await failure(name, engine)
    expect(error.kind).toBe('protocol')
    expect(error.message).toMatch(/is not (the|a) Docker engine.*check DOCKER_HOST/)
  })

  test.each(NAMES)('%s says what a failing engine says', async (name) => {
    const { engine } = await serve(reply(500, '{"message":"disk on fire"}'), over)
    expect(await failure(name, engine)).toMatchObject({
      kind: 'failed',
      message: expect.stringMatching(/: disk on fire$/),
    })
  })

  test.each(NAMES)('%s behind a socket proxy that forbids it says where to look', async (name) => {
    const page = '<html><body><h1>403 Forbidden</h1>Request forbidden by administrative rules.</body></html>'
    const { engine } = await serve(reply(403, page, 'text/html'), over)
    expect(await failure(name, engine)).toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/: HTTP 403 \(a socket proxy must allow this path/),
    })
  })

  test.each(NAMES)('%s ends where nothing answers', async (name) => {
    const actions = NAMES.filter((one) => ![...WITH_REPLY, ...STREAMS].includes(one))
    // An action waits 30 s and its grace: for those it is enough that the other side goes away.
    const { engine } = await serve(
      (_request, response) => (actions.includes(name) ? response.destroy() : undefined),
      over,
      SHORT_MS,
    )
    expect((await failure(name, engine)).kind).toBe(actions.includes(name) ? 'unreachable' : 'timeout')
  })

  test.each(WITH_REPLY)('%s ends where the connection breaks in the middle of the reply', async (name) => {
    const cut: Answer = (_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' })
      response.write('[{"Id":"', () => response.destroy())
    }
    const { engine } = await serve(cut, over, SHORT_MS)
    expect(['timeout', 'unreachable']).toContain((await failure(name, engine)).kind)
  })

  test.each([...WITH_REPLY, ...STREAMS])('%s ends where a refusal is never finished', async (name) => {
    const { engine } = await serve(
      (_request, response) => void response.writeHead(500, { 'Content-Length': '1000' }).write('{"mess'),
      over,
      SHORT_MS,
    )
    expect((await failure(name, engine)).kind).toBe('timeout')
  })

  test.each(STREAMS)('%s gives what came before the connection broke, then says so', async (name) => {
    const lines = recording<object[]>(name === 'events' ? 'events-oom' : 'stats-busy').map((one) => JSON.stringify(one))
    const { engine } = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' })
      response.write(`${lines.join('\n')}\n{"half":`, () => setTimeout(() => response.destroy(), 20))
    }, over)
    const items: unknown[] = []
    const read = async () => {
      const stream =
        name === 'events'
          ? engine.events({ sinceMs: 0, signal: signal() })
          : engine.stats(ID, { signal: signal(), onSkip: () => {} })
      for await (const item of stream) items.push(item)
    }
    await expect(read()).rejects.toMatchObject({ name: 'EngineError', kind: 'unreachable' })
    expect(items).toHaveLength(lines.length)
  })
})

describe('JSON that is not the engine’s', () => {
  test.each(['{}', '[]', 'null', '0', '""', '[{"Id":"../../etc"}]', '{"Id":5}', '[[[[]]]]', '{"Titles":5}'])(
    'is refused: %s',
    async (body) => {
      const { engine } = await serve(reply(200, body))
      for (const name of ['describe', 'inspect', 'top']) expect((await failure(name, engine)).kind).toBe('protocol')
      if (body === '[]') expect(await engine.list()).toEqual([])
      else expect((await failure('list', engine)).kind).toBe('protocol')
    },
  )

  test('in a stream of stats is counted and left out', async () => {
    const [first, second] = recording<object[]>('stats-busy').map((one) => JSON.stringify(one))
    const [stopped] = recording<object[]>('stats-stopped').map((one) => JSON.stringify(one))
    const skipped: string[] = []
    const { engine } = await serve(reply(200, [first, '<html>', '{}', '[1]', 'null', second, stopped].join('\n')))
    expect(await stats(engine, (reason) => skipped.push(reason))).toHaveLength(2)
    expect(skipped).toEqual(['a line is not JSON', ...Array(3).fill('a stats reply carries no reading')])
  })

  test('in a stream of events is left out', async () => {
    const [event] = recording<object[]>('events-oom').map((one) => JSON.stringify(one))
    const { engine } = await serve(reply(200, ['<html>', '{"Type":"container"}', event].join('\n')))
    expect(await events(engine)).toHaveLength(1)
  })
})

test('a stopped container ends its stats by itself', async () => {
  const { engine } = await serve((_request, response) => {
    for (const one of recording<object[]>('stats-stopped')) response.write(`${JSON.stringify(one)}\n`)
  })
  expect(await stats(engine)).toEqual([])
})

test('a stream ends without an error when it is asked to', async () => {
  const [first] = recording<object[]>('stats-busy')
  const { engine } = await serve((_request, response) => void response.write(`${JSON.stringify(first)}\n`))
  const stop = new AbortController()
  let seen = 0
  for await (const _ of engine.stats(ID, { signal: stop.signal, onSkip: () => {} })) {
    seen += 1
    stop.abort()
  }
  expect(seen).toBe(1)
})

test('the connection of a stream is closed when its reader leaves', async () => {
  const [first] = recording<object[]>('stats-busy')
  const closed = Promise.withResolvers<void>()
  const { engine } = await serve((_request, response) => {
    response.on('close', closed.resolve)
    response.write(`${JSON.stringify(first)}\n`)
  })
  for await (const _ of engine.stats(ID, { signal: signal(), onSkip: () => {} })) break
  await closed.promise
})

test('a container that is gone is null, and no error', async () => {
  const { engine } = await serve(reply(404, `{"message":"No such container: ${ID}"}`))
  expect(await engine.inspect(ID)).toBeNull()
  expect((await failure('top', engine)).kind).toBe('not-found')
})

test('an action that is done already is done', async () => {
  const { engine, requests } = await serve((_request, response) => void response.writeHead(304).end())
  await engine.start(ID)
  await engine.stop(ID, { graceSeconds: 7 })
  expect(requests).toEqual([`POST /containers/${ID}/start`, `POST /containers/${ID}/stop?t=7`])
})

test('a grace of months is no deadline of a millisecond', async () => {
  const { engine } = await serve((_request, response) => void setTimeout(() => response.writeHead(204).end(), 50))
  await engine.restart(ID, { graceSeconds: 1e9 })
  await engine.restart(ID, { graceSeconds: 1e300 })
})

test('a container that is in the network already is a conflict, and no word of a socket proxy', async () => {
  const { engine } = await serve(reply(403, JSON.stringify(recording('network-already-connected'))))
  expect(await failure('connect', engine)).toMatchObject({
    kind: 'conflict',
    message: 'connecting a network: endpoint with name rec-idle already exists in network rec-net',
  })
})

test('an engine that refuses with a reason of its own is not taken for a proxy', async () => {
  const { engine } = await serve(reply(403, '{"message":"authorization denied by plugin opa"}'))
  expect(await failure('restart', engine)).toMatchObject({
    kind: 'refused',
    message: 'restarting a container: authorization denied by plugin opa',
  })
})

test('an endless message of the engine is cut', async () => {
  const { engine } = await serve(reply(500, JSON.stringify({ message: 'x'.repeat(100_000) })))
  expect((await failure('list', engine)).message.length).toBeLessThan(400)
})

test('an engine that is not there is unreachable, with what to do', async () => {
  const engine = createDockerEngine({ dockerHost: `unix://${folder}/nothing.sock` })
  expect(await failure('ping', engine)).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining(`no Docker engine answers at unix://${folder}/nothing.sock (ENOENT): start it`),
  })
})

function frame(stream: number, text: string, length = Buffer.byteLength(text)): Buffer {
  const head = Buffer.alloc(8)
  head[0] = stream
  head.writeUInt32BE(length, 4)
  return Buffer.concat([head, Buffer.from(text)])
}

describe('logs', () => {
  const logs = async (body: Buffer, maxBytes = 1000) => {
    const { engine } = await serve((_request, response) => response.end(body))
    return engine.logs(ID, { tailLines: 100, maxBytes })
  }

  test('of both streams come as lines', async () => {
    expect(await logs(Buffer.concat([frame(1, 'hello\n'), frame(2, 'oh\nno\n'), frame(1, 'end')]))).toEqual([
      'hello',
      'oh',
      'no',
      'end',
    ])
  })

  test('join a line that was sent in two frames', async () => {
    expect(await logs(Buffer.concat([frame(1, 'grö'), frame(1, 'ße\n')]))).toEqual(['größe'])
  })

  test('of a container with a terminal come without its carriage returns', async () => {
    expect(await logs(Buffer.from('one\r\ntwo\r\n'))).toEqual(['one', 'two'])
  })

  test('cut in a frame or in its head give what is there', async () => {
    const whole = Buffer.concat([frame(1, 'hello\n'), frame(1, 'world\n')])
    for (let length = 14; length < whole.length; length++)
      expect(await logs(whole.subarray(0, length))).toEqual([
        'hello',
        ...(length > 22 ? ['world'.slice(0, length - 22)] : []),
      ])
  })

  test('with a head that promises more than there is are read to the end', async () => {
    expect(await logs(frame(1, 'hello\n', 0xffffffff))).toEqual(['hello'])
  })

  test('keep the newest whole lines that fit', async () => {
    expect(await logs(Buffer.from('first\nsecond\nthird\n'), 13)).toEqual(['second', 'third'])
    expect(await logs(Buffer.from('first\nsecond\nthird\n'), 12)).toEqual(['third'])
    expect(await logs(Buffer.from(`${'x'.repeat(5000)}\n`), 1000)).toEqual([])
  })

  test('that say nothing are no lines', async () => {
    expect(await logs(Buffer.alloc(0))).toEqual([])
    expect(await logs(frame(1, ''))).toEqual([])
  })

  test('that happen to be JSON are lines all the same', async () => {
    expect(await logs(Buffer.from('{"level":"error"}\n'))).toEqual(['{"level":"error"}'])
    expect(await logs(Buffer.from('42\n'))).toEqual(['42'])
  })
})
