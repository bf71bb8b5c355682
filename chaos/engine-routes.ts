import type { ServerResponse } from 'node:http'
import { inspectReply, listEntry, logFrames, topReply } from './container-replies.ts'
import { API_VERSION, infoReply, MIN_API_VERSION, networkId, versionReply } from './docker-replies.ts'
import { parseQueryTime } from './engine-time.ts'
import type { EventFeed } from './event-feed.ts'
import { EngineRefusal, lists, parseFilters } from './filters.ts'
import { applyUpdate } from './limit-updates.ts'
import type { LogFeed } from './log-feed.ts'
import { isAlive, type SimulatedContainer } from './simulated-container.ts'
import type { SimulatedHost } from './simulated-host.ts'
import type { StatsFeed } from './stats-feed.ts'
import type { CgroupVersion } from './stats-replies.ts'

/** What the routes work on. */
export type EngineParts = {
  host: SimulatedHost
  cgroupVersion: CgroupVersion
  events: EventFeed
  stats: StatsFeed
  logs: LogFeed
  networks: Set<string>
}

/** A request in parts; `body` is the parsed JSON, `contentType` what the client called it. */
export type EngineRequest = { method: string; path: string; query: URLSearchParams; body: string; contentType: string }

type Call = EngineParts & { request: EngineRequest; reference: string; response: ServerResponse }
type Route = { method: 'GET' | 'POST' | 'HEAD'; path: RegExp; answer: (call: Call) => void }

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) })
  response.end(text)
}

function sendNothing(response: ServerResponse, status: number): void {
  response.writeHead(status)
  response.end()
}

/** By id, name, or an unambiguous beginning of an id. Throws the engine's 404. */
function findContainer({ host }: EngineParts, reference: string): SimulatedContainer {
  const exact = host.containers.get(reference)
  if (exact) return exact
  const name = reference.replace(/^\//, '')
  const all = [...host.containers.values()]
  const named = all.find(({ spec }) => spec.name === name)
  if (named) return named
  const begun = all.filter(({ id }) => id.startsWith(reference))
  if (begun.length !== 1) throw new EngineRefusal(404, `No such container: ${reference}`)
  return begun[0]!
}

function integer(query: URLSearchParams, name: string, otherwise: number): number {
  const text = query.get(name)
  if (text === null || text === '') return otherwise
  if (!/^[+-]?\d+$/.test(text)) throw new EngineRefusal(500, `strconv.Atoi: parsing "${text}": invalid syntax`)
  return Number(text)
}

/** The engine takes anything for true but these. */
const isTrue = (text: string | null) => !['', '0', 'no', 'false', 'none'].includes((text ?? '').trim().toLowerCase())

function graceSeconds({ request }: Call, { spec }: SimulatedContainer): number {
  return integer(request.query, 't', spec.stopTimeoutSeconds ?? 10)
}

/** A route on one container; the engine's refusals about its state are up to `answer`. */
function onContainer(
  method: 'GET' | 'POST',
  action: string,
  answer: (call: Call, container: SimulatedContainer) => void,
): Route {
  return {
    method,
    path: new RegExp(`^/containers/([^/]+)/${action}$`),
    answer: (call) => answer(call, findContainer(call, call.reference)),
  }
}

const notRunning = ({ id }: SimulatedContainer) => `Container ${id} is not running`

const SIGNALS: Record<string, number> = { HUP: 1, INT: 2, QUIT: 3, KILL: 9, USR1: 10, USR2: 12, TERM: 15, STOP: 19 }

function signalNumber(text: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : SIGNALS[text.toUpperCase().replace(/^SIG/, '')]
  if (number === undefined || number < 1 || number > 64) throw new EngineRefusal(400, `Invalid signal: ${text}`)
  return number
}

function sendLogs({ request, response, logs }: Call, container: SimulatedContainer): void {
  const { query } = request
  const wanted = [isTrue(query.get('stdout')), isTrue(query.get('stderr'))]
  if (!wanted.includes(true)) throw new EngineRefusal(400, 'Bad parameters: you must choose at least one stream')
  const sinceMs = parseQueryTime(query.get('since')) ?? 0
  const untilMs = parseQueryTime(query.get('until')) || Number.POSITIVE_INFINITY
  const lines = container.logs.filter(({ stream, atMs }) => wanted[stream - 1] && atMs >= sinceMs && atMs <= untilMs)
  const tail = query.get('tail') ?? ''
  const timestamps = isTrue(query.get('timestamps'))
  const tailed = /^\d+$/.test(tail) ? lines.slice(lines.length - Math.min(Number(tail), lines.length)) : lines
  const follows = isTrue(query.get('follow')) && isAlive(container)
  if (follows) logs.attach(container, response, wanted, timestamps)
  else response.writeHead(200)
  if (tailed.length > 0) response.write(logFrames(tailed, timestamps))
  if (!follows) response.end()
}

function pause({ host, response }: Call, container: SimulatedContainer): void {
  const { id, status } = container
  if (status === 'restarting')
    throw new EngineRefusal(409, `Container ${id} is restarting, wait until the container is running`)
  if (!isAlive(container)) throw new EngineRefusal(409, notRunning(container))
  if (status === 'paused') throw new EngineRefusal(409, `Container ${id} is already paused`)
  host.pause(container)
  sendNothing(response, 204)
}

function kill({ host, request, response }: Call, container: SimulatedContainer): void {
  const signal = signalNumber(request.query.get('signal') || 'KILL')
  if (!isAlive(container) && container.status !== 'restarting' && !container.busy)
    throw new EngineRefusal(409, `Cannot kill container: ${container.spec.name}: ${notRunning(container)}`)
  host.kill(container, signal, () => sendNothing(response, 204))
}

function parseBody({ body, contentType }: EngineRequest): Record<string, unknown> {
  if (!contentType.startsWith('application/json'))
    throw new EngineRefusal(400, `Content-Type specified (${contentType}) must be 'application/json'`)
  try {
    return JSON.parse(body) as Record<string, unknown>
  } catch {
    throw new EngineRefusal(500, 'unexpected EOF')
  }
}

function changeNetwork(action: 'connect' | 'disconnect'): Route {
  return {
    method: 'POST',
    path: new RegExp(`^/networks/([^/]+)/${action}$`),
    answer: (call) => {
      const { host, networks, reference, request, response } = call
      const wanted = parseBody(request)
      const name = [...networks].find((network) => network === reference || networkId(network) === reference)
      if (name === undefined) throw new EngineRefusal(404, `network ${reference} not found`)
      const container = findContainer(call, String(wanted.Container ?? ''))
      const connected = container.networks.has(name)
      if (action === 'connect' && connected)
        throw new EngineRefusal(403, `endpoint with name ${container.spec.name} already exists in network ${name}`)
      if (action === 'disconnect' && !connected)
        throw new EngineRefusal(500, `container ${container.id} is not connected to network ${name}`)
      host[action](container, name)
      sendNothing(response, 200)
    },
  }
}

const PING_HEADERS = { 'Cache-Control': 'no-cache, no-store, must-revalidate', Pragma: 'no-cache' }

const ROUTES: Route[] = [
  ...(['GET', 'HEAD'] as const).map(
    (method): Route => ({
      method,
      path: /^\/_ping$/,
      answer: ({ response }) => {
        response.writeHead(200, { ...PING_HEADERS, 'Content-Type': 'text/plain; charset=utf-8' })
        response.end('OK')
      },
    }),
  ),
  { method: 'GET', path: /^\/version$/, answer: ({ response }) => sendJson(response, 200, versionReply()) },
  {
    method: 'GET',
    path: /^\/info$/,
    answer: ({ host, cgroupVersion, response }) =>
      sendJson(response, 200, infoReply(host, cgroupVersion, 'simulated-host')),
  },
  {
    method: 'GET',
    path: /^\/events$/,
    answer: ({ events, request: { query }, response }) =>
      events.attach(response, {
        filters: parseFilters(query.get('filters'), ['type', 'event', 'container', 'image', 'label']),
        sinceMs: parseQueryTime(query.get('since')),
        untilMs: parseQueryTime(query.get('until')),
      }),
  },
  {
    method: 'GET',
    path: /^\/containers\/json$/,
    answer: ({ host, request: { query }, response }) => {
      const filters = parseFilters(query.get('filters'), ['id', 'name', 'status', 'label'])
      const limit = integer(query, 'limit', 0)
      const all = isTrue(query.get('all')) || limit > 0 || filters.has('status')
      const shown = [...host.containers.values()]
        .filter((one) => (all || isAlive(one) || one.status === 'restarting') && lists(filters, one))
        .sort((a, b) => b.createdAtMs - a.createdAtMs)
        .slice(0, limit > 0 ? limit : undefined)
      sendJson(
        response,
        200,
        shown.map((container) => listEntry(container, host.nowMs())),
      )
    },
  },
  onContainer('GET', 'json', ({ response }, container) => sendJson(response, 200, inspectReply(container))),
  onContainer('GET', 'stats', ({ stats, request: { query }, response }, container) => {
    const streams = !query.has('stream') || isTrue(query.get('stream'))
    stats.attach(container, response, streams ? 'stream' : isTrue(query.get('one-shot')) ? 'one-shot' : 'once')
  }),
  onContainer('GET', 'logs', sendLogs),
  onContainer('GET', 'top', ({ response }, container) => {
    if (!isAlive(container)) throw new EngineRefusal(409, notRunning(container))
    sendJson(response, 200, topReply(container))
  }),
  onContainer('POST', 'start', ({ host, response }, container) => {
    if (container.status === 'paused')
      throw new EngineRefusal(409, 'cannot start a paused container, try unpause instead')
    host.start(container, (outcome) => sendNothing(response, outcome === 'done' ? 204 : 304))
  }),
  onContainer('POST', 'stop', (call, container) =>
    call.host.stop(container, graceSeconds(call, container), (outcome) =>
      sendNothing(call.response, outcome === 'done' ? 204 : 304),
    ),
  ),
  onContainer('POST', 'restart', (call, container) =>
    call.host.restart(container, graceSeconds(call, container), () => sendNothing(call.response, 204)),
  ),
  onContainer('POST', 'kill', kill),
  onContainer('POST', 'pause', pause),
  onContainer('POST', 'unpause', ({ host, response }, container) => {
    if (container.status !== 'paused') throw new EngineRefusal(500, `Container ${container.id} is not paused`)
    host.unpause(container)
    sendNothing(response, 204)
  }),
  onContainer('POST', 'update', ({ host, request, response }, container) => {
    applyUpdate(container, parseBody(request), host.cores)
    host.updated(container)
    sendJson(response, 200, { Warnings: null })
  }),
  changeNetwork('connect'),
  changeNetwork('disconnect'),
]

/** Without its version prefix. Throws the engine's 400 for versions it does not speak. */
function stripVersion(path: string): string {
  const match = /^\/v(\d+)\.(\d+)(\/.*)$/.exec(path)
  if (!match) return path
  const [, major = '', minor = '', rest = ''] = match
  const version = Number(major) * 1000 + Number(minor)
  const bound = (text: string) => Number(text.split('.')[0]) * 1000 + Number(text.split('.')[1])
  if (version > bound(API_VERSION))
    throw new EngineRefusal(
      400,
      `client version ${major}.${minor} is too new. Maximum supported API version is ${API_VERSION}`,
    )
  if (version < bound(MIN_API_VERSION))
    throw new EngineRefusal(
      400,
      `client version ${major}.${minor} is too old. Minimum supported API version is ${MIN_API_VERSION}, please upgrade your client to a newer version`,
    )
  return rest
}

/** Answers a request as the engine would, its errors included. */
export function answer(parts: EngineParts, request: EngineRequest, response: ServerResponse): void {
  try {
    const path = stripVersion(request.path)
    for (const route of ROUTES) {
      const match = route.method === request.method ? route.path.exec(path) : null
      if (!match) continue
      route.answer({ ...parts, request, response, reference: decodeURIComponent(match[1] ?? '') })
      return
    }
    throw new EngineRefusal(404, 'page not found')
  } catch (error) {
    const status = error instanceof EngineRefusal ? error.status : 500
    sendJson(response, status, { message: (error as Error).message })
  }
}
