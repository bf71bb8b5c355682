import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type App, openApp } from '../server/app.ts'
import { systemClock } from '../server/clock.ts'
import { parseConfig } from '../server/config.ts'
import type { ContainerView, IncidentView } from '../server/contracts/api.ts'
import type { Clock } from '../server/contracts/ports.ts'
import type { ServiceStatus } from '../server/contracts/status.ts'
import { createLog, type Log } from '../server/log.ts'

/** The service under test, seen from outside through its API. Disposing it throws its data away. */
export type TestService = AsyncDisposable & {
  readonly url: string
  readonly dataFolder: string
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: unknown): Promise<{ status: number; body: T }>
  put<T>(path: string, body: unknown): Promise<{ status: number; body: T }>
  status(): Promise<ServiceStatus>
  containers(): Promise<ContainerView[]>
  incidents(): Promise<IncidentView[]>
  /** Ends the service and begins it again on the same data. */
  restart(): Promise<void>
}

/** Starts the whole service on an engine, without a model and with its data in `dataFolder`, by default one of its own. */
export async function openTestService(options: {
  dockerHost: string
  dataFolder?: string
  env?: Record<string, string>
  clock?: Clock
  log?: Log
}): Promise<TestService> {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), 'dockerpulse-service-'))
  const config = parseConfig({
    DOCKER_HOST: options.dockerHost,
    DOCKERPULSE_DATA: dataFolder,
    DOCKERPULSE_PORT: '0',
    DOCKERPULSE_LOG_LEVEL: 'silent',
    // The test is in this process, too, and its work is not what watching costs.
    DOCKERPULSE_CPU_BUDGET: '1',
    OLLAMA_HOST: '',
    ...options.env,
  })
  const open = () =>
    openApp({ config, clock: options.clock ?? systemClock, log: options.log ?? createLog(config.logLevel) })
  let app: App = await open()

  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${app.url}${path}`, init)
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text }
  }
  const send = (method: 'POST' | 'PUT', path: string, body: unknown) =>
    ask(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const get = async <T>(path: string) => (await ask(path)).body as T

  return {
    get url() {
      return app.url
    },
    dataFolder,
    get,
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    status: () => get('/api/status'),
    containers: () => get('/api/containers'),
    incidents: () => get('/api/incidents'),
    async restart() {
      await app[Symbol.asyncDispose]()
      app = await open()
    },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
}

/**
 * Looks again and again until `look` gives something, and returns that. Throws with `what` after `withinMs`, which is
 * patience for slow machines, not a measurement.
 */
export async function eventually<T>(
  what: string,
  withinMs: number,
  look: () => Promise<T | undefined | false | null>,
): Promise<T> {
  const until = Date.now() + withinMs
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (Date.now() > until) throw new Error(`waited ${withinMs / 1000} s in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

export type LogLine = { level: 'warn' | 'error'; message: string; fields: Record<string, unknown> }

/** A log that keeps its warnings and errors. */
export function createMemoryLog(): Log & { lines: LogLine[] } {
  const lines: LogLine[] = []
  const keep = (level: LogLine['level']) => (fields: Record<string, unknown>, message: string) =>
    void lines.push({ level, message, fields })
  const quiet = () => {}
  const log = {
    lines,
    trace: quiet,
    debug: quiet,
    info: quiet,
    warn: keep('warn'),
    error: keep('error'),
    fatal: keep('error'),
  }
  return log as unknown as Log & { lines: LogLine[] }
}

/** How many rounds of its loop the service tells of within `ms`. */
export async function countRounds({ url }: Pick<TestService, 'url'>, ms: number): Promise<number> {
  const { body } = await fetch(`${url}/api/live`)
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  const timer = setTimeout(() => void reader.cancel(), ms)
  let text = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value
  clearTimeout(timer)
  return text.split('event: tick\n').length - 1
}
