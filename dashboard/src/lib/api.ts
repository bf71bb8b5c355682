import type { IncidentView, Problem, SampleColumns, Session } from '../../../server/contracts/api.ts'
import type { Autonomy, ModeChange, StopChange } from '../../../server/contracts/autonomy.ts'
import type { Recording, RecordingEntry } from '../../../server/contracts/black-box.ts'
import type { FIRST_LINES_KEPT as FirstLinesKept } from '../../../server/contracts/incident.ts'
import type { Scoreboard } from '../../../server/contracts/scoreboard.ts'

export type {
  ActionView,
  ContainerView,
  IncidentView,
  Problem,
  Role,
  SampleColumns,
} from '../../../server/contracts/api.ts'
export type { Cause, Evidence, Forecast, Light } from '../../../server/contracts/assessment.ts'
export type { Autonomy, AutonomyRecord, ModeChange } from '../../../server/contracts/autonomy.ts'
export type { Recording, RecordingEntry, RecordingMoment } from '../../../server/contracts/black-box.ts'
export type { ActionKind, ActionState, Mode, Phase } from '../../../server/contracts/incident.ts'
export type { LiveEvent } from '../../../server/contracts/live-event.ts'
export type { Scoreboard } from '../../../server/contracts/scoreboard.ts'
export type { PartStatus, ServiceStatus } from '../../../server/contracts/status.ts'
export type { ContainerState, Health } from '../../../server/contracts/telemetry.ts'

/** The contract's own number. Only types come from the server, so the compiler tells when the two differ. */
export const FIRST_LINES_KEPT: typeof FirstLinesKept = 10

/** A reply of the service that is not a success, in its own words. */
export class ApiError extends Error {
  readonly status: number

  constructor(status: number, detail: string) {
    super(detail)
    this.name = 'ApiError'
    this.status = status
  }
}

export type SampleRange = { from: Date; to: Date; stepMs: number }
export type Verdict = 'approve' | 'reject'

/** The service's HTTP interface on the page's own origin. */
export type Api = {
  samples(containerId: string, range: SampleRange, signal?: AbortSignal): Promise<SampleColumns>
  incidents(limit: number): Promise<IncidentView[]>
  recordings(incidentId: string, signal: AbortSignal): Promise<RecordingEntry[]>
  recording(incidentId: string, number: number, signal: AbortSignal): Promise<Recording>
  scoreboard(): Promise<Scoreboard>
  autonomy(): Promise<Autonomy>
  setMode(change: ModeChange): Promise<Autonomy>
  setStop(change: StopChange): Promise<Autonomy>
  decide(actionId: string, verdict: Verdict, reason: string): Promise<void>
  session(): Promise<Session>
  live(): EventSource
}

/** Where the audit report of an incident is read. */
export const reportUrl = (incidentId: string): string => `/api/incidents/${encodeURIComponent(incidentId)}/report.html`

const blackBoxUrl = (incidentId: string): string => `/api/incidents/${encodeURIComponent(incidentId)}/black-box`

/** Where one recording of the black box is downloaded. */
export const recordingUrl = (incidentId: string, number: number): string => `${blackBoxUrl(incidentId)}/${number}`

/** A session that ended leads to the login page; every other failure is thrown as `ApiError`. */
export function createApi(): Api {
  async function send(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetch(path, { ...init, headers: { accept: 'application/json', ...init.headers } })
    if (response.ok) return response
    if (response.status === 401) location.assign('/login')
    const problem = (await response.json().catch(() => null)) as Problem | null
    throw new ApiError(response.status, problem?.detail ?? `${response.status} ${response.statusText}`)
  }

  async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await send(path, signal ? { signal } : {})
    return (await response.json()) as T
  }

  async function tell(method: 'POST' | 'PUT', path: string, body: object): Promise<Response> {
    return send(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  }

  async function put<T>(path: string, body: object): Promise<T> {
    return (await (await tell('PUT', path, body)).json()) as T
  }

  return {
    samples(containerId, { from, to, stepMs }, signal) {
      const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString(), step: String(stepMs) })
      return get(`/api/containers/${encodeURIComponent(containerId)}/samples?${query}`, signal)
    },
    incidents: (limit) => get(`/api/incidents?limit=${limit}`),
    recordings: (incidentId, signal) => get(blackBoxUrl(incidentId), signal),
    recording: (incidentId, number, signal) => get(recordingUrl(incidentId, number), signal),
    scoreboard: () => get('/api/scoreboard'),
    autonomy: () => get('/api/autonomy'),
    setMode: (change) => put('/api/modes', change),
    setStop: (change) => put('/api/stop', change),
    async decide(actionId, verdict, reason) {
      await tell('POST', `/api/actions/${encodeURIComponent(actionId)}/${verdict}`, reason ? { reason } : {})
    },
    session: () => get('/api/session'),
    live: () => new EventSource('/api/live'),
  }
}
