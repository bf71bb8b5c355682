import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { ContainerView, IncidentView, Problem } from '../server/contracts/api.ts'
import { ServiceStatus } from '../server/contracts/status.ts'
import { AppError, messageOf } from '../server/errors.ts'
import { clean } from './stress-demo-terminal.ts'

const ANSWER_WITHIN_MS = 10_000
/** A service that has begun a moment ago may not be listening yet, or its engine not be found. */
const READY_WITHIN_MS = 20_000
const ASK_AGAIN_MS = 500
const INCIDENTS = 50

/** A running service, seen from outside through its API. Everything rejects with AppError saying what to do. */
export type WatchedService = {
  readonly url: string
  status(): Promise<ServiceStatus>
  containers(): Promise<ContainerView[]>
  incidents(): Promise<IncidentView[]>
  report(incidentId: string): Promise<string>
  /** Resolves once the engine is watched. */
  ready(): Promise<ServiceStatus>
}

/** The origin of an address that somebody typed. Throws AppError. */
export function serviceAddress(text: string): string {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new AppError(`--url ${clean(text)}: expected an address like http://127.0.0.1:7070`)
  if (url.username !== '' || url.password !== '')
    throw new AppError('--url: no user or password in the address; give the token with --token')
  return url.origin
}

export function createWatchedService(options: {
  url: string
  token: string | null
  signal: AbortSignal
}): WatchedService {
  const { url, token, signal } = options

  async function ask(path: string): Promise<string> {
    const response = await fetch(`${url}${path}`, {
      headers: { accept: 'application/json', ...(token === null ? {} : { authorization: `Bearer ${token}` }) },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    }).catch((error: Error) => {
      signal.throwIfAborted()
      const why = messageOf(error.cause ?? error)
      throw new AppError(
        `no service answers at ${url} (${clean(why)}): start it with "npm start" or "npm run demo", or leave --url out`,
      )
    })
    const text = await response.text()
    if (response.ok) return text
    const { data: problem } = Problem.safeParse(parse(text))
    if (response.status === 401)
      throw new AppError(
        token === null
          ? `the service at ${url} wants its token: give it with --token or in DOCKERPULSE_TOKEN`
          : `the service at ${url} does not take this token: it is the DOCKERPULSE_TOKEN that the service was started with`,
      )
    throw new AppError(
      problem === undefined
        ? `what answers at ${url} is not DockerPulse (${path}: ${response.status}): check --url`
        : `the service at ${url} refuses ${path}: ${clean(problem.detail)}`,
    )
  }

  async function get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const { data } = schema.safeParse(parse(await ask(path)))
    if (data === undefined)
      throw new AppError(`what answers at ${url} is not a DockerPulse of this version (${path}): check --url`)
    return data
  }
  const status = () => get('/api/status', ServiceStatus)

  return {
    url,
    status,
    containers: () => get('/api/containers', z.array(ContainerView)),
    incidents: () => get(`/api/incidents?limit=${INCIDENTS}`, z.array(IncidentView)),
    async report(incidentId) {
      const page = await ask(`/api/incidents/${incidentId}/report.html`)
      if (!page.includes(incidentId)) throw new AppError(`the report of incident ${incidentId} does not name it`)
      return page
    },
    async ready() {
      const deadline = Date.now() + READY_WITHIN_MS
      for (;;) {
        const now = await status()
        if (now.engine.state === 'ok') return now
        if (Date.now() > deadline)
          throw new AppError(`the service sees no Docker engine: ${clean(now.engine.detail)}; see "npm start" there`)
        await sleep(ASK_AGAIN_MS, undefined, { signal })
      }
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
