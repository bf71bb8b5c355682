import { pino } from 'pino'
import { emptyTally, scoreboardOf } from '../analyse/scorekeeping.ts'
import type { ContainerView, IncidentView, SampleColumns } from '../contracts/api.ts'
import type { Autonomy } from '../contracts/autonomy.ts'
import type { LiveEvent } from '../contracts/live-event.ts'
import type { ScoreboardView } from '../contracts/scoreboard.ts'
import type { ServiceStatus } from '../contracts/status.ts'
import { aContainer, anAssessment, anIncident, aSample } from '../decide/incident-stand-in.ts'
import { RequestError } from '../errors.ts'
import { containerView, incidentView, isoTime, sampleColumns } from '../views.ts'
import { createApi } from './api.ts'
import { createLive } from './live.ts'
import type { Service } from './service.ts'

export const NOW = Date.parse('2026-03-01T12:00:00.000Z')
export const CONTAINER_ID = 'a'.repeat(64)
export const INCIDENT_ID = '00000000-0000-4000-8000-00000000bbbb'
export const ACTION_ID = '00000000-0000-4000-8000-00000000aaaa'
export const NOBODYS_ID = '00000000-0000-4000-8000-00000000dead'

export function aContainerView(different: Partial<ContainerView> = {}): ContainerView {
  const view = containerView({
    container: aContainer(),
    mode: 'shadow',
    protectedBecause: null,
    sample: aSample(),
    assessment: anAssessment(0.9),
    freshness: 'live',
    openIncidentId: INCIDENT_ID,
  })
  return { ...view, ...different }
}

export const anIncidentView = (): IncidentView => incidentView(anIncident())

export function aStatus(different: Partial<ServiceStatus> = {}): ServiceStatus {
  const part = { state: 'ok' as const, detail: 'fine', since: isoTime(NOW) }
  return {
    version: '0.1.0',
    mode: 'shadow',
    demo: false,
    startedAt: isoTime(NOW),
    calibration: 'prior-1',
    threshold: 0.85,
    engine: { ...part, version: '29.0.1', hostCores: 4, hostMemoryBytes: 8 * 1024 ** 3 },
    store: { ...part, sizeBytes: 4096, droppedSamples: 3 },
    audit: { ...part, entries: 7, origin: 'dockerpulse/test', publicKey: 'key' },
    model: { ...part, name: 'gpt-oss:20b' },
    source: { byFiles: 1, byEngine: 0, reason: 'the kernel’s files are visible' },
    overhead: {
      ownShareOfHost: 0.01,
      engineShareOfHost: 0,
      budgetShareOfHost: 0.02,
      calmIntervalMs: 1_000,
      reason: 'watching costs 1 % of the host, 2 % are allowed',
    },
    host: null,
    counts: { openIncidents: 1, automaticActions: 2, verifiedActions: 1, wouldHaveActed: 5 },
    ...different,
  }
}

/** Spaced as no program would write it again. */
export const RECORDING = `{ "incidentId" : "${INCIDENT_ID}" }`

const NO_AUTONOMY: Autonomy = {
  configuredMode: 'shadow',
  settings: { host: null, projects: {}, containers: {}, stopped: null, stopChanged: null, resumedAtMs: 0 },
  labelled: {},
  brake: null,
  brakeEndsWithAWord: false,
  overall: {
    judged: 0,
    right: 0,
    unknown: 0,
    precision: null,
    precisionLower: 0,
    done: 0,
    falseActions: 0,
    failureAvoidedMs: 0,
    assumedActions: 0,
  },
  records: [],
}

const scoreboard = (): ScoreboardView => ({
  ...scoreboardOf(emptyTally(), { since: null, horizonMs: 60_000 }),
  calibration: { version: 'prior-1', own: true, correction: null, since: null },
  actionsDone: 0,
  falseActions: 0,
  failureAvoidedMs: 0,
  assumedActions: 0,
})

/** A service that knows one container and one incident, and remembers what it was asked. */
export function createServiceStandIn(different: Partial<Service> = {}): Service & { readonly asked: unknown[] } {
  const asked: unknown[] = []
  return {
    asked,
    now: () => NOW,
    status: aStatus,
    scoreboard,
    async setCalibration(change) {
      asked.push(change)
      return scoreboard()
    },
    autonomy: () => NO_AUTONOMY,
    async setMode(change) {
      asked.push(change)
      if (change.name === 'nobody') throw new RequestError(404, 'there is no container "nobody"')
      return NO_AUTONOMY
    },
    async setStop(change) {
      asked.push(change)
      return NO_AUTONOMY
    },
    containers: () => [aContainerView()],
    async samples(query): Promise<SampleColumns | null> {
      asked.push(query)
      if (query.containerId !== CONTAINER_ID) return null
      const seen = { at: [query.fromMs], cpuCores: [0.2], workingSetBytes: [null] }
      return sampleColumns(query, aContainer(), { tier: 'raw', stepMs: query.stepMs, seen, ahead: { at: [] } }, 10_000)
    },
    async incidents(query) {
      asked.push(query)
      return [anIncidentView()]
    },
    incident: async (id) => (id === INCIDENT_ID ? anIncidentView() : null),
    async answer(actionId, word, reason) {
      asked.push({ actionId, word, reason })
      if (actionId === NOBODYS_ID) throw new RequestError(404, 'there is no action with that id')
      return anIncidentView()
    },
    recordings: async (id) =>
      id === INCIDENT_ID
        ? [{ number: 1, moment: 'opened', at: isoTime(NOW), bytes: 2, sha256: 'c'.repeat(64), problem: null }]
        : null,
    recording: async (id, number) => (id === INCIDENT_ID && number === 1 ? RECORDING : null),
    viewerRefused: (what) => void asked.push({ refused: what }),
    report: async (id) => (id === INCIDENT_ID ? '<!doctype html><title>report</title>' : null),
    ...different,
  }
}

/** The whole HTTP surface over a stand-in; `ask` goes through it as from this machine's browser. */
export function createApiStandIn(
  options: {
    service?: Partial<Service>
    token?: string | null
    viewerToken?: string
    allowedHosts?: string[]
    dashboardFolder?: string
    snapshot?: () => LiveEvent
  } = {},
) {
  const service = createServiceStandIn(options.service)
  const snapshot = (): LiveEvent => ({
    type: 'snapshot',
    at: isoTime(NOW),
    containers: service.containers(),
    incidents: [anIncidentView()],
    status: service.status(),
  })
  const live = createLive({ runId: 'run1', snapshot: options.snapshot ?? snapshot })
  const logged: { reason?: string; msg: string }[] = []
  const log = pino({ base: null }, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const api = createApi({
    service,
    live,
    log,
    tokens: { operator: options.token ?? null, viewer: options.viewerToken ?? null },
    allowedHosts: options.allowedHosts ?? [],
    dashboardFolder: options.dashboardFolder ?? '/nowhere',
  })
  return {
    api,
    live,
    service,
    logged,
    ask: async (path: string, { headers, ...init }: RequestInit & { headers?: Record<string, string> } = {}) =>
      api.request(path, { ...init, headers: { host: 'localhost:7070', ...headers } }),
  }
}
