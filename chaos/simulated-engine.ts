import { lstat, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Clock } from '../server/contracts/ports.ts'
import type { ContainerSpec } from './container-spec.ts'
import { API_VERSION, ENGINE_VERSION } from './docker-replies.ts'
import { answer, type EngineParts } from './engine-routes.ts'
import { createEventFeed } from './event-feed.ts'
import { DEMO_FAULTS, type Fault } from './faults.ts'
import { demoFleet } from './fleet.ts'
import { createLogFeed } from './log-feed.ts'
import { createGarbler, type Misbehaviour, misbehave } from './misbehaviour.ts'
import { createSimulatedHost, type SimulatedHost } from './simulated-host.ts'
import { createStatsFeed } from './stats-feed.ts'
import type { CgroupVersion } from './stats-replies.ts'

/** At high speed many simulated moments share one wake-up. */
const SHORTEST_WAKE_MS = 4
/** So much simulated time passes at the most while the process stands still, or so much real time if that is more. */
const LONGEST_LEAP_SECONDS = 2
const LONGEST_LEAP_REAL_MS = 250
const MAX_BODY_BYTES = 1024 * 1024
const GIB = 1024 ** 3
/** A host of 8 cores and 32 GiB carries so many containers of these fleets; larger fleets get larger hosts. */
const CONTAINERS_PER_HOST_SIZE = 60

const HEADERS = {
  'Api-Version': API_VERSION,
  'Docker-Experimental': 'false',
  Ostype: 'linux',
  Server: `Docker/${ENGINE_VERSION} (linux)`,
}

export type SimulatedEngineOptions = {
  socketPath: string
  /** How many of the demo's fleet, or exactly these. Default: the demo's twelve. */
  containers?: number | ContainerSpec[]
  seed?: number
  /** Simulated seconds per real second, or fewer where the process does not get to run. */
  speed?: number
  faults?: 'demo' | 'none' | Fault[]
  /** Simulated time at the start, epoch milliseconds. Default: now. */
  startAtMs?: number
  cgroupVersion?: CgroupVersion
}

/** A running simulated engine. Disposing it ends every connection and removes the socket. */
export type SimulatedEngine = AsyncDisposable & {
  readonly socketPath: string
  /** For `DOCKER_HOST`. */
  readonly dockerHost: string
  /** Simulated time. */
  readonly clock: Clock
  readonly host: SimulatedHost
  /** Enters a fault; its `startSeconds` count from now. */
  inject(fault: Fault): void
  /** Answers every request in this way until told otherwise; with `hang` open streams fall silent, too. */
  misbehave(mode: Misbehaviour): void
  /** Cuts every connection, as an engine that is restarted does. */
  breakConnections(): void
  /** The id of the container of that name. Throws where there is none. */
  idOf(name: string): string
  /** Creates and starts a container; resolves with its id once it runs. */
  createContainer(spec: ContainerSpec): Promise<string>
  /** Removes a container by name or id, killing it first if need be. */
  removeContainer(nameOrId: string): Promise<void>
}

/** Opens a simulated Docker engine on a Unix socket. Rejects where something listens there already. */
export async function openSimulatedEngine(options: SimulatedEngineOptions): Promise<SimulatedEngine> {
  const { socketPath, seed = 1, speed = 1, cgroupVersion = '2', containers = 12, faults = 'demo' } = options
  const startAtMs = options.startAtMs ?? Date.now()
  const specs = Array.isArray(containers) ? containers : demoFleet(containers)
  const hostSize = Math.ceil(Math.max(1, specs.length) / CONTAINERS_PER_HOST_SIZE)
  const garble = createGarbler()
  const longestLeapMs = Math.max((LONGEST_LEAP_SECONDS * 1000) / speed, LONGEST_LEAP_REAL_MS)
  let lookedAtMs = performance.now()
  let simulatedMs = startAtMs
  // Where the machine is too slow for its speed, the world waits: a leak would outrun a service that does not get to run.
  function now(): number {
    const realMs = performance.now()
    simulatedMs += Math.min(realMs - lookedAtMs, longestLeapMs) * speed
    lookedAtMs = realMs
    return simulatedMs
  }
  let mode: Misbehaviour = 'none'
  let timer: NodeJS.Timeout | undefined

  const host = createSimulatedHost({
    startAtMs,
    seed,
    specs,
    faults: faults === 'demo' ? DEMO_FAULTS : faults === 'none' ? [] : faults,
    cores: 8 * hostSize,
    memoryBytes: 32 * GIB * hostSize,
    onEvent: (event) => {
      if (mode !== 'hang') events.publish(event)
      if (event.action === 'destroy') stats.end(event.container.id)
    },
    onTick: () => {
      if (mode !== 'hang') stats.tick()
    },
  })
  const events = createEventFeed(() => host.nowMs())
  const stats = createStatsFeed({
    host,
    cgroupVersion,
    garble: (line) => (mode === 'garbage-stats' ? garble(line) : line),
  })
  const logs = createLogFeed(host)
  const networks = new Set(['bridge', 'host', 'none', ...specs.map(({ network }) => network)])
  const parts: EngineParts = { host, cgroupVersion, events, stats, logs, networks }

  /** Lets the simulation catch up with its clock, and comes back when something is due next. */
  function catchUp(): void {
    clearTimeout(timer)
    host.advanceTo(now())
    stats.flush()
    if (mode !== 'hang') logs.flush()
    events.expire(host.nowMs())
    const waitMs = (host.nextDueMs() - now()) / speed
    timer = setTimeout(catchUp, Math.max(SHORTEST_WAKE_MS, waitMs))
  }

  async function receive(message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (misbehave(mode, response)) return
    const body = await readBody(message)
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const url = new URL(message.url ?? '/', 'http://engine')
    catchUp()
    answer(
      parts,
      {
        method: message.method ?? 'GET',
        path: url.pathname,
        query: url.searchParams,
        body,
        contentType: message.headers['content-type'] ?? '',
      },
      response,
    )
    catchUp()
  }

  const server = createServer((message, response) => {
    receive(message, response).catch(() => response.destroy())
  })
  await removeStaleSocket(socketPath)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
  catchUp()

  function find(nameOrId: string) {
    for (const container of host.containers.values())
      if (container.spec.name === nameOrId || container.id === nameOrId) return container
    throw new Error(`the simulated engine has no container "${nameOrId}"`)
  }

  return {
    socketPath,
    dockerHost: `unix://${socketPath}`,
    clock: { now, sleep: (ms, signal) => sleep(ms / speed, signal) },
    host,
    inject(fault) {
      catchUp()
      host.inject(fault)
      catchUp()
    },
    misbehave: (wanted) => {
      mode = wanted
    },
    breakConnections: () => server.closeAllConnections(),
    idOf: (name) => find(name).id,
    async createContainer(spec) {
      catchUp()
      networks.add(spec.network)
      const container = host.create(spec)
      await new Promise<void>((resolve) => {
        host.start(container, () => resolve())
        catchUp()
      })
      return container.id
    },
    async removeContainer(nameOrId) {
      catchUp()
      await new Promise<void>((resolve) => {
        host.remove(find(nameOrId), resolve)
        catchUp()
      })
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new Error('the request is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Resolves after `ms`, or at once when the signal aborts. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve()
      return
    }
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}

/** Removes a socket that nobody listens on any more, and nothing else. */
async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null)
  if (!found?.isSocket()) return
  const listens = await new Promise<boolean>((resolve) => {
    const probe = connect(path, () => resolve(true)).on('error', () => resolve(false))
    probe.on('connect', () => probe.end())
  })
  if (!listens) await rm(path, { force: true })
}
