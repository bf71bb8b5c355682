import { z } from 'zod'
import { ContainerId } from './telemetry.ts'

/** What is written down. One spelling with the log and an incident's history: `noun.verb`. */
export const AuditEvent = z.enum([
  'service.started',
  'service.stopped',
  'store.repaired',
  'audit.repaired',
  'engine.lost',
  'engine.found',
  'incident.opened',
  'incident.updated',
  'incident.escalated',
  'incident.explained',
  'incident.resolved',
  'action.recorded',
  'action.proposed',
  'action.approved',
  'action.rejected',
  'action.expired',
  'action.refused',
  'action.intended',
  'action.executed',
  'action.failed',
  'action.verified',
  'action.ineffective',
  'action.unknown',
  'lease.ended',
  'lease.kept',
  'mode.changed',
  'stop.changed',
  'storm.tripped',
  'autonomy.changed',
  'answer.refused',
  'request.refused',
  'evidence.kept',
  'calibration.changed',
  'report.issued',
])
export type AuditEvent = z.infer<typeof AuditEvent>

/** What a part of the program hands to the log; the log adds index, times and the link to the entry before. */
export const AuditRecord = z.object({
  event: AuditEvent,
  actor: z.string(),
  container: z.object({ id: ContainerId, key: z.string(), name: z.string() }).nullable(),
  incidentId: z.string().nullable(),
  actionId: z.string().nullable(),
  probability: z.number().nullable(),
  threshold: z.number().nullable(),
  calibration: z.string(),
  policyHash: z.string(),
  /** SHA-256 of larger evidence that is kept elsewhere. */
  evidenceHashes: z.array(z.string()),
  decision: z.string(),
  reason: z.string(),
  result: z.string(),
})
export type AuditRecord = z.infer<typeof AuditRecord>

/** One line of the log as RFC 8785 JSON. `prev` is the SHA-256 (hex) of the line before, 64 zeros for the first. */
export const AuditEntry = AuditRecord.extend({
  index: z.number().int().min(0),
  at: z.iso.datetime({ precision: 3 }),
  monotonicMs: z.number(),
  prev: z.string().regex(/^[0-9a-f]{64}$/),
})
export type AuditEntry = z.infer<typeof AuditEntry>
