import type { AuditLog } from './audit/audit-log.ts'
import type { EngineState } from './collect/inventory.ts'
import type { Config } from './config.ts'
import type { HostFigures, OverheadStatus, PartStatus, ServiceStatus, SourceStatus } from './contracts/status.ts'
import type { Diagnosis } from './diagnose/diagnose.ts'
import type { IncidentCounts } from './store/incidents.ts'
import { isoTime } from './views.ts'

/** Remembers since when a part of the service is in its state. */
function createPart(now: () => number): (state: PartStatus['state'], detail: string) => PartStatus {
  let last: PartStatus['state'] | null = null
  let sinceMs = now()
  return (state, detail) => {
    if (state !== last) sinceMs = now()
    last = state
    return { state, detail, since: isoTime(sinceMs) }
  }
}

/** Puts together what the page and `/api/ready` say of the service itself, from its parts as they are when asked. */
export function createStatus(parts: {
  now: () => number
  version: string
  demo: boolean
  calibration: () => string
  config: Pick<Config, 'mode' | 'threshold' | 'ollama'>
  engine: () => EngineState
  store: {
    sizeBytes(): number
    dropped(): { count: number; reason: string | null }
    /** Why the hours that are over cannot be archived at present. */
    archiveProblem(): string | null
    repairs(): readonly string[]
  }
  audit: AuditLog
  diagnosis: Diagnosis
  counts: () => IncidentCounts
  source: () => SourceStatus
  overhead: () => OverheadStatus
  host: () => HostFigures | null
}): () => ServiceStatus {
  const { now, version, demo, calibration, config, store, audit, diagnosis } = parts
  const startedAt = isoTime(now())
  const enginePart = createPart(now)
  const storePart = createPart(now)
  const auditPart = createPart(now)
  const modelPart = createPart(now)

  const engineStatus = () => {
    const { state, detail, sinceMs, description } = parts.engine()
    return {
      ...enginePart(state === 'ok' ? 'ok' : 'down', detail),
      since: isoTime(sinceMs),
      version: description?.version ?? null,
      hostCores: description?.hostCores ?? null,
      hostMemoryBytes: description?.hostMemoryBytes ?? null,
    }
  }
  const storeStatus = () => {
    const { count, reason } = store.dropped()
    const numbers = { sizeBytes: store.sizeBytes(), droppedSamples: count }
    if (reason !== null) return { ...storePart('down', `samples are being dropped: ${reason}`), ...numbers }
    const archiveProblem = store.archiveProblem()
    const repairs = [...(archiveProblem === null ? [] : [archiveProblem]), ...store.repairs()]
    if (repairs.length > 0) return { ...storePart('degraded', repairs.join('; ')), ...numbers }
    return { ...storePart('ok', 'DuckDB'), ...numbers }
  }
  const auditStatus = () => {
    const part =
      audit.problem === null
        ? auditPart(
            audit.repairs.length > 0 ? 'degraded' : 'ok',
            audit.repairs.join('; ') || 'append-only, chained and signed',
          )
        : auditPart('down', `${audit.problem}; nothing is done to any container meanwhile`)
    return { ...part, entries: audit.size, origin: audit.origin, publicKey: audit.verifier }
  }
  return () => {
    const { open, automaticActions, verifiedActions, wouldHaveActed } = parts.counts()
    return {
      version,
      mode: config.mode,
      demo,
      startedAt,
      calibration: calibration(),
      threshold: config.threshold,
      engine: engineStatus(),
      store: storeStatus(),
      audit: auditStatus(),
      model: { ...modelPart(diagnosis.model.state, diagnosis.model.detail), name: config.ollama?.model ?? 'none' },
      source: parts.source(),
      overhead: parts.overhead(),
      host: parts.host(),
      counts: { openIncidents: open, automaticActions, verifiedActions, wouldHaveActed },
    }
  }
}
