import { messageOf } from '../../server/errors.ts'
import type { Scenario } from '../scenario.ts'
import type { Outcome } from './drilled.ts'
import type { Lifeline } from './lifeline.ts'

/**
 * Runs scenarios, `lanes` at once. An outcome counts only where the lifeline held to its end: what went on while the engine
 * was dying says nothing about the guard.
 */
export async function runInLanes(options: {
  scenarios: readonly Scenario[]
  lanes: number
  lifeline: Lifeline
  drill: (scenario: Scenario) => Promise<Outcome>
  onOutcome: (outcome: Outcome) => void
}): Promise<void> {
  const { lanes, lifeline, drill, onOutcome } = options
  const waiting = [...options.scenarios]
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined && !lifeline.signal.aborted; next = waiting.shift()) {
      const { name } = next
      const outcome = await drill(next).catch((error): Outcome => ({ scenario: name, reason: messageOf(error) }))
      if (await lifeline.holds()) onOutcome(outcome)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}
