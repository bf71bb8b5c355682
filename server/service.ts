import type { BlackBoxEvidence } from '../reports/black-box-section.ts'
import { renderIncidentReport } from '../reports/incident-report.ts'
import { FORECAST_HORIZON_MS } from './analyse/forecast.ts'
import type { AuditLog } from './audit/audit-log.ts'
import { sha256 } from './audit/merkle.ts'
import { entriesOfIncident } from './audit/verification.ts'
import type { AutonomyBook } from './autonomy-book.ts'
import type { Inventory } from './collect/inventory.ts'
import type { AuditRecord } from './contracts/audit.ts'
import type { Autonomy } from './contracts/autonomy.ts'
import { Recording } from './contracts/black-box.ts'
import type { Mode } from './contracts/incident.ts'
import type { ScoreboardView } from './contracts/scoreboard.ts'
import type { ServiceStatus } from './contracts/status.ts'
import { labelledMode } from './decide/modes.ts'
import { maskSecrets } from './diagnose/prompt.ts'
import { messageOf, RequestError } from './errors.ts'
import type { Guard } from './guard.ts'
import type { Service } from './http/service.ts'
import type { IncidentBook } from './incident-book.ts'
import type { OwnCalibrationBook } from './own-calibration.ts'
import type { ScoreBook } from './score-book.ts'
import type { HistoryQuery, readHistory } from './store/history.ts'
import type { Recordings } from './store/recordings.ts'
import { containerView, incidentView, isoTime, sampleColumns } from './views.ts'

/** Whoever knocks again and again must not fill the disk. */
const REFUSALS_AN_HOUR = 60
const HOUR_MS = 3_600_000

/** What people and programs may ask of the running service, answered from its parts. */
export function createService(parts: {
  now: () => number
  status: () => ServiceStatus
  scores: ScoreBook
  ownCalibration: OwnCalibrationBook
  guard: Guard
  inventory: Inventory
  history: (query: HistoryQuery) => ReturnType<typeof readHistory>
  book: IncidentBook
  audit: AuditLog
  auditFolder: string
  autonomy: AutonomyBook
  configuredMode: Mode
  recordings: Recordings
  note: (record: Partial<AuditRecord> & Pick<AuditRecord, 'event' | 'reason'>) => void
}): Service {
  let refusalTimesMs: number[] = []
  const {
    now,
    status,
    scores,
    ownCalibration,
    guard,
    inventory,
    history,
    book,
    audit,
    auditFolder,
    autonomy,
    recordings,
    note,
  } = parts
  const blackBoxOf = async (id: string): Promise<BlackBoxEvidence> => {
    const entries = await recordings.list(id)
    const newest = entries.findLast(({ problem }) => problem === null)
    const text = newest === undefined ? null : await recordings.read(id, newest.number)
    return { recordings: entries, newest: text === null ? null : Recording.parse(JSON.parse(text)) }
  }
  const autonomyView = (): Autonomy => {
    const byKey = new Map([...inventory.containers.values()].map((container) => [container.key, container]))
    const view = autonomy.view(guard.brake, (key) => {
      const container = byKey.get(key)
      return container === undefined ? null : autonomy.modeOf(container).mode
    })
    const labels = [...byKey].map(([key, container]) => [key, labelledMode(container)] as const)
    return {
      ...view,
      labelled: Object.fromEntries(labels.filter((label): label is [string, Mode] => label[1] !== null)),
    }
  }
  const scoreboardView = (): ScoreboardView => {
    const { own, correction, sinceMs } = ownCalibration.own
    const since = sinceMs === null ? null : isoTime(sinceMs)
    const { done: actionsDone, falseActions, failureAvoidedMs, assumedActions } = autonomyView().overall
    return {
      ...scores.board(),
      calibration: { version: ownCalibration.calibration.version, own, correction, since },
      actionsDone,
      falseActions,
      failureAvoidedMs,
      assumedActions,
    }
  }
  const operatorNote = (record: Partial<AuditRecord> & Pick<AuditRecord, 'event' | 'reason'>) =>
    note({ actor: 'operator', ...record })
  return {
    now,
    status,
    autonomy: autonomyView,
    async setMode(change) {
      const { scope, name, mode } = change
      const reason = maskSecrets(change.reason)
      const containers = [...inventory.containers.values()]
      const known =
        scope === 'host' ||
        (scope === 'project' && containers.some(({ composeProject }) => composeProject === name)) ||
        (scope === 'container' && containers.some(({ key }) => key === name)) ||
        mode === null
      if (!known) throw new RequestError(404, `there is no ${scope} "${name.slice(0, 100)}"`)
      operatorNote({
        event: 'mode.changed',
        decision: mode ?? 'as configured',
        reason: `${scope}${scope === 'host' ? '' : ` ${name}`}: ${mode ?? 'taken back'}${reason === '' ? '' : `: ${reason}`}`,
      })
      await autonomy.setMode(change)
      return autonomyView()
    },
    async setStop({ on, reason }) {
      const why = reason === '' ? 'an operator asked for it' : maskSecrets(reason)
      const stopping = autonomy.setStop(on ? why : null, 'operator')
      operatorNote({ event: 'stop.changed', decision: on ? 'stop' : 'go on', reason: why })
      await stopping
      return autonomyView()
    },
    scoreboard: scoreboardView,
    async setCalibration(change) {
      await ownCalibration.set({ ...change, reason: maskSecrets(change.reason) })
      return scoreboardView()
    },
    containers: () => guard.tracked().map(containerView),
    async samples(query) {
      const container = inventory.containers.get(query.containerId) ?? null
      const { containerId, ...range } = query
      const found = await history({ ...range, containerIds: [containerId], horizonMs: FORECAST_HORIZON_MS })
      if (container === null && found.seen.at.length === 0) return null
      return sampleColumns(query, container, found, FORECAST_HORIZON_MS)
    },
    incidents: async (query) => (await book.list(query)).map(incidentView),
    async incident(id) {
      const incident = await book.find(id)
      return incident === null ? null : incidentView(incident)
    },
    async answer(actionId, word, reason) {
      const incident = await book.findByAction(actionId)
      if (incident === null) throw new RequestError(404, 'there is no action with that id')
      const refusal = guard.answer(incident, actionId, word, 'operator', maskSecrets(reason))
      if (refusal !== null) {
        note({
          event: 'answer.refused',
          actor: 'operator',
          incidentId: incident.id,
          actionId,
          decision: word,
          reason: refusal,
          result: 'refused',
        })
        throw new RequestError(409, refusal)
      }
      return incidentView((await book.find(incident.id)) ?? incident)
    },
    viewerRefused(what) {
      const at = now()
      refusalTimesMs = refusalTimesMs.filter((time) => Math.abs(at - time) < HOUR_MS)
      if (refusalTimesMs.length >= REFUSALS_AN_HOUR) return
      refusalTimesMs.push(at)
      const actionId = /^\/api\/actions\/([0-9a-f-]{36})\//.exec(what.split(' ')[1] ?? '')?.[1] ?? null
      const reason =
        refusalTimesMs.length < REFUSALS_AN_HOUR
          ? 'a viewer may change nothing'
          : 'a viewer may change nothing; more of these are not written down within this hour'
      note({ event: 'request.refused', actor: 'viewer', actionId, decision: what, reason, result: 'refused' })
    },
    recordings: async (id) => ((await book.find(id)) === null ? null : recordings.list(id)),
    async recording(id, number) {
      try {
        return await recordings.read(id, number)
      } catch (error) {
        throw new RequestError(503, messageOf(error))
      }
    },
    async report(id) {
      const incident = await book.find(id)
      if (incident === null) return null
      const { version, calibration, demo } = status()
      const { description } = inventory.engine
      const report = renderIncidentReport(incidentView(incident), {
        issuedAt: isoTime(now()),
        version,
        demo,
        calibration,
        engine: description === null ? 'not reached' : `Docker ${description.version} on ${description.name}`,
        entries: entriesOfIncident(auditFolder, id),
        blackBox: await blackBoxOf(id),
        checkpoint: audit.checkpoint(),
        verifier: audit.verifier,
      })
      const evidenceHashes = [sha256(report).toString('hex')]
      note({ event: 'report.issued', incidentId: id, reason: 'asked for over HTTP', evidenceHashes })
      return report
    },
  }
}
