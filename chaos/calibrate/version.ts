import { createHash } from 'node:crypto'
import type { Calibration } from '../../server/contracts/assessment.ts'

/**
 * The name of a fitted model: the day, and six digits of what its numbers hash to. The audit log and kept drills name a
 * model by it, and a day may see two.
 */
export function versionOf({ intercept, weights }: Pick<Calibration, 'intercept' | 'weights'>, day: string): string {
  const numbers = JSON.stringify([intercept, Object.entries(weights).sort(([a], [b]) => (a < b ? -1 : 1))])
  return `runs-${day}-${createHash('sha256').update(numbers).digest('hex').slice(0, 6)}`
}
