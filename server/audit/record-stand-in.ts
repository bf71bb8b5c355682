import type { AuditRecord } from '../contracts/audit.ts'

/** What a part of the program hands to the log, for tests. */
export function record(changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    event: 'action.intended',
    actor: 'dockerpulse',
    container: { id: 'a'.repeat(64), key: 'shop/web/1', name: 'shop-web-1' },
    incidentId: null,
    actionId: null,
    probability: 0.9,
    threshold: 0.85,
    calibration: 'test',
    policyHash: 'b'.repeat(64),
    evidenceHashes: [],
    decision: 'execute',
    reason: 'memory runs out',
    result: '',
    ...changes,
  }
}
