import Docker from 'dockerode'
import type { Engine } from '../contracts/ports.ts'
import { ContainerId, type Counters, type EngineEvent } from '../contracts/telemetry.ts'
import { EngineError, type EngineErrorKind, messageOf } from '../errors.ts'
import { parseDockerAddress } from './docker-address.ts'
import {
  isStoppedReply,
  ListReply,
  limitUpdate,
  parseDescription,
  parseEvent,
  parseInspect,
  parseStats,
  TopReply,
} from './docker-replies.ts'
import { readJsonLines } from './json-stream.ts'
import { parseLogFrames, readLogFrames } from './log-frames.ts'

/** A reply that takes longer means an engine that hangs; `docker info` on a loaded host takes about two seconds. */
const REPLY_TIMEOUT_MS = 10_000
/** What an engine needs beyond the grace to kill, tear down and start a container. */
const ACTION_MARGIN_MS = 30_000
/** A timer that is set to more fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Health checks alone make three exec events each time; of them only the end matters, which says that one failed. */
const EVENT_FILTERS = JSON.stringify({
  type: ['container'],
  event: [
    'create',
    'start',
    'restart',
    'die',
    'oom',
    'kill',
    'stop',
    'pause',
    'unpause',
    'destroy',
    'rename',
    'update',
    'health_status',
    'exec_die',
  ],
})

const KIND_OF_STATUS: Record<number, EngineErrorKind> = {
  403: 'refused',
  401: 'refused',
  405: 'refused',
  404: 'not-found',
  409: 'conflict',
}
/** What the engine answers with 403 where a container is in the network already. */
const ALREADY_SO = /already exists in network/
const UNREACHABLE = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTSOCK',
])

function describeFailure(error: unknown, doing: string, address: string): EngineError {
  if (error instanceof EngineError) return error
  const { name, code, statusCode, json } = error as {
    name?: string
    code?: string
    statusCode?: number
    json?: unknown
  }
  const cause = { cause: error }
  if (name === 'TimeoutError' || name === 'AbortError')
    return new EngineError('timeout', `${doing}: no answer from the engine at ${address} in time`, cause)
  if (code === 'EACCES' || code === 'EPERM')
    return new EngineError(
      'unreachable',
      `${doing}: no permission for ${address}: run as a member of the group docker, or set DOCKER_HOST to a socket proxy`,
      cause,
    )
  if (code !== undefined && UNREACHABLE.has(code))
    return new EngineError(
      'unreachable',
      `${doing}: no Docker engine answers at ${address} (${code}): start it, or set DOCKER_HOST`,
      cause,
    )
  if (name === 'ZodError')
    return new EngineError(
      'protocol',
      `${doing}: what answers at ${address} is not the Docker engine's API: check DOCKER_HOST`,
      cause,
    )
  if (statusCode === undefined)
    return new EngineError('unreachable', `${doing}: no talking to ${address}: ${messageOf(error)}`, cause)
  const message = (json as { message?: unknown } | null)?.message
  // Of a stream's refusal dockerode keeps the text alone, in its own message; a proxy's is a page.
  const [, text] = /^\(HTTP code \d+\) .+? - ([^<{[]+)$/.exec(messageOf(error)) ?? []
  const reason = typeof message === 'string' ? message : (text ?? `HTTP ${statusCode}`)
  const kind = ALREADY_SO.test(reason) ? 'conflict' : (KIND_OF_STATUS[statusCode] ?? 'failed')
  // An engine that refuses says why; a proxy in front of it does not.
  const hint =
    kind === 'refused' && typeof message !== 'string'
      ? ' (a socket proxy must allow this path: see "Socket proxy" in the README)'
      : ''
  return new EngineError(kind, `${doing}: ${reason.slice(0, 300)}${hint}`, cause)
}

function checkedId(id: string): string {
  if (!ContainerId.safeParse(id).success)
    throw new EngineError('not-found', `"${id.slice(0, 80)}" is not a container id`)
  return id
}

/**
 * The engine that `DOCKER_HOST` names, over dockerode. Every call ends: replies within 10 s, actions within their grace
 * plus 30 s; streams end with their signal. Errors are EngineError. Ids are checked before any request is built.
 * `replyTimeoutMs` is for tests.
 */
export function createDockerEngine(options: {
  dockerHost?: string | undefined
  certPath?: string | undefined
  tlsVerify?: boolean | undefined
  replyTimeoutMs?: number
}): Engine {
  const { replyTimeoutMs = REPLY_TIMEOUT_MS } = options
  const { address, connection } = parseDockerAddress(options)
  const docker = new Docker(connection)
  const container = (id: string) => docker.getContainer(checkedId(id))
  const endpoint = (id: string, abortSignal: AbortSignal): { Container: string } => {
    const options = { Container: checkedId(id), abortSignal }
    return options
  }
  /** dockerode takes a signal here too; its types do not know yet. */
  const untyped = docker as unknown as Record<
    'info' | 'version' | 'ping',
    (options: { abortSignal: AbortSignal }) => Promise<unknown>
  >

  async function attempt<T>(
    doing: string,
    call: (signal: AbortSignal) => Promise<T>,
    limitMs = replyTimeoutMs,
  ): Promise<T> {
    const signal = AbortSignal.timeout(Math.min(limitMs, LONGEST_TIMER_MS))
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
    try {
      // dockerode never settles where a connection breaks in the middle of a reply.
      return await Promise.race([call(signal), late])
    } catch (error) {
      throw describeFailure(error, doing, address)
    }
  }

  /** For actions where 304 "already so" is as good as done. */
  async function act(doing: string, call: (signal: AbortSignal) => Promise<unknown>, graceSeconds = 0): Promise<void> {
    await attempt(
      doing,
      (signal) =>
        call(signal).catch((error: { statusCode?: number }) => {
          if (error.statusCode !== 304) throw error
        }),
      graceSeconds * 1000 + ACTION_MARGIN_MS,
    )
  }

  /** Opens a stream whose head must come in time, and destroys it on every way out: dockerode leaves that to its caller. */
  async function* stream<T>(
    doing: string,
    signal: AbortSignal,
    open: (signal: AbortSignal) => Promise<NodeJS.ReadableStream>,
    read: (source: AsyncIterable<Buffer>) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    const head = new AbortController()
    const timer = setTimeout(() => head.abort(new DOMException('no answer', 'TimeoutError')), replyTimeoutMs)
    let source: NodeJS.ReadableStream | undefined
    try {
      source = await open(AbortSignal.any([signal, head.signal]))
      clearTimeout(timer)
      yield* read(source as AsyncIterable<Buffer>)
    } catch (error) {
      if (!signal.aborted) throw describeFailure(head.signal.aborted ? head.signal.reason : error, doing, address)
    } finally {
      clearTimeout(timer)
      ;(source as { destroy?: () => void } | undefined)?.destroy?.()
    }
  }

  return {
    address,

    describe: () =>
      attempt('describing the engine', async (abortSignal) => {
        const [info, version] = await Promise.all([untyped.info({ abortSignal }), untyped.version({ abortSignal })])
        return parseDescription(info, version)
      }),

    ping: () =>
      attempt('asking whether the engine is there', async (abortSignal) => {
        const reply = await untyped.ping({ abortSignal })
        if (String(reply).trim() !== 'OK')
          throw new EngineError('protocol', `what answers at ${address} is not a Docker engine: check DOCKER_HOST`)
      }),

    list: () =>
      attempt('listing containers', async (abortSignal) =>
        ListReply.parse(await docker.listContainers({ all: true, abortSignal })).map(({ Id }) => Id),
      ),

    inspect: (id) =>
      attempt('inspecting a container', async (abortSignal) =>
        parseInspect(await container(id).inspect({ abortSignal })),
      ).catch((error: EngineError) => {
        if (error.kind === 'not-found') return null
        throw error
      }),

    async *events({ sinceMs, signal }): AsyncGenerator<EngineEvent> {
      const open = (abortSignal: AbortSignal) =>
        docker.getEvents({ since: sinceMs / 1000, filters: EVENT_FILTERS, abortSignal })
      const read = (source: AsyncIterable<Buffer>) => readJsonLines(source, () => {})
      for await (const reply of stream('following events', signal, open, read)) {
        const event = parseEvent(reply)
        if (event !== null) yield event
      }
    },

    async *stats(id, { signal, onSkip }): AsyncGenerator<Counters> {
      const open = (abortSignal: AbortSignal) => container(id).stats({ stream: true, abortSignal } as { stream: true })
      const read = (source: AsyncIterable<Buffer>) => readJsonLines(source, onSkip)
      for await (const reply of stream('reading stats', signal, open, read)) {
        // A stopped container's stream goes on, a reply without a reading each second, until it is removed.
        if (isStoppedReply(reply)) return
        const counters = parseStats(reply)
        if (counters !== null) yield counters
        else onSkip('a stats reply carries no reading')
      }
    },

    logs: (id, { tailLines, maxBytes }) =>
      attempt('reading logs', async (abortSignal) => {
        const reply = (await container(id).logs({
          stdout: true,
          stderr: true,
          follow: false,
          tail: tailLines,
          abortSignal,
        })) as unknown
        // dockerode has parsed a log that is one JSON text.
        return newestLines(Buffer.isBuffer(reply) ? parseLogFrames(reply) : [JSON.stringify(reply)], maxBytes)
      }),

    followLogs: (id, { signal }) => {
      const open = async (abortSignal: AbortSignal) => {
        const options = { stdout: true, stderr: true, follow: true, tail: 0, abortSignal }
        return (await container(id).logs(options as { follow: true })) as NodeJS.ReadableStream
      }
      return stream('following logs', signal, open, readLogFrames)
    },

    top: (id) =>
      attempt('listing processes', async (abortSignal) => {
        const reply = TopReply.parse(await container(id).top({ abortSignal }))
        return { titles: reply.Titles, processes: reply.Processes }
      }),

    restart: (id, { graceSeconds }) =>
      act(
        'restarting a container',
        (abortSignal) => container(id).restart({ t: graceSeconds, abortSignal }),
        graceSeconds,
      ),
    stop: (id, { graceSeconds }) =>
      act('stopping a container', (abortSignal) => container(id).stop({ t: graceSeconds, abortSignal }), graceSeconds),
    start: (id) => act('starting a container', (abortSignal) => container(id).start({ abortSignal })),
    pause: (id) => act('pausing a container', (abortSignal) => container(id).pause({ abortSignal })),
    unpause: (id) => act('unpausing a container', (abortSignal) => container(id).unpause({ abortSignal })),

    updateLimits: (id, limits) =>
      act('updating limits', async (abortSignal) => {
        const inspection = await container(id).inspect({ abortSignal })
        return container(id).update({ ...limitUpdate(inspection, limits), abortSignal } as object)
      }),

    disconnect: (id, network) =>
      act('disconnecting a network', (abortSignal) =>
        docker.getNetwork(checkedNetwork(network)).disconnect(endpoint(id, abortSignal)),
      ),
    connect: (id, network, as) =>
      act('connecting a network', (abortSignal) => {
        // The default bridge knows no aliases, and refuses them.
        const IPAMConfig = as?.ipv4Address ? { IPv4Address: as.ipv4Address } : undefined
        const EndpointConfig = {
          ...(as?.aliases.length ? { Aliases: as.aliases } : {}),
          ...(IPAMConfig && { IPAMConfig }),
        }
        return docker.getNetwork(checkedNetwork(network)).connect({ ...endpoint(id, abortSignal), EndpointConfig })
      }),
  }
}

/** The newest whole lines that fit into `maxBytes`, in their order. */
function newestLines(lines: string[], maxBytes: number): string[] {
  let bytes = 0
  let first = lines.length
  while (first > 0) {
    bytes += Buffer.byteLength(lines[first - 1]!) + 1
    if (bytes > maxBytes) break
    first -= 1
  }
  return lines.slice(first)
}

function checkedNetwork(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name))
    throw new EngineError('not-found', `"${name.slice(0, 80)}" is not a network name`)
  return name
}
