import type { Scenario } from '../scenario.ts'
import type { Grade } from './grade.ts'
import type { Recording } from './recording.ts'

/** What a drill brings home, on whichever engine. */
export type Drilled = {
  graded: { recording: Recording; grade: Grade }[]
  skipped: { scenario: string; reason: string }[]
  calibration: string
}

/** What became of one scenario: a grade, or why it was not done. */
export type Outcome = ({ calibration: string } & Drilled['graded'][number]) | Drilled['skipped'][number]

/**
 * Collects outcomes as they come, in the order of the scenarios. `onProgress` hears of all that is there after each, so
 * that nothing is lost with whatever ends the drill.
 */
export function createTally(options: {
  scenarios: readonly Scenario[]
  say: (text: string) => void
  onProgress?: (soFar: Drilled) => void
}): { add(outcome: Outcome): void; drilled(): Drilled } {
  const { scenarios, say, onProgress } = options
  const place = new Map(scenarios.map(({ name }, index) => [name, index]))
  const outcomes: Outcome[] = []
  const nameOf = (outcome: Outcome) => ('reason' in outcome ? outcome.scenario : outcome.grade.scenario)
  const drilled = (): Drilled => {
    const ordered = outcomes.toSorted((a, b) => (place.get(nameOf(a)) ?? 0) - (place.get(nameOf(b)) ?? 0))
    const graded = ordered.flatMap((one) => ('reason' in one ? [] : [{ recording: one.recording, grade: one.grade }]))
    const skipped = ordered.flatMap((one) => ('reason' in one ? [one] : []))
    return { graded, skipped, calibration: ordered.findLast((one) => 'calibration' in one)?.calibration ?? '' }
  }
  return {
    add(outcome) {
      outcomes.push(outcome)
      const what =
        'reason' in outcome ? `not done: ${outcome.reason}` : `${outcome.grade.mark}, ${outcome.grade.points} points`
      say(`[${outcomes.length}/${scenarios.length}] ${nameOf(outcome)}: ${what}`)
      onProgress?.(drilled())
    },
    drilled,
  }
}
