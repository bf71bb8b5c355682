import type { PartStatus, ServiceStatus } from './api.ts'
import type { Mark } from './mark.ts'

/** The parts of the service whose state is shown, in this order. */
export const PARTS = ['engine', 'store', 'audit', 'model'] as const satisfies readonly (keyof ServiceStatus)[]

export const PART_MARKS: Record<PartStatus['state'], Mark> = {
  ok: 'low',
  degraded: 'medium',
  down: 'critical',
  off: 'none',
}
