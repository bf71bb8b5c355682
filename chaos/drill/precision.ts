import { wilsonLower } from '../../server/decide/autonomy.ts'
import type { Scenario } from '../scenario.ts'
import type { JudgedActions } from './judged-actions.ts'
import type { KeptPrecision } from './kept-precision.ts'
import { playOneMode } from './run-game-day.ts'
import { drillOnSimulation } from './simulated-drill.ts'

type Precision = Omit<KeptPrecision, 'at' | 'version'>

/** Two-sided 95 % point of the standard normal distribution. */
const Z95 = 1.959964

/** What was counted, with its interval. */
export function precisionOf(
  counted: Pick<Precision, 'calibration' | 'seeds' | 'minutes' | 'drills' | 'gameDays'>,
): Precision {
  const right = counted.drills.right + counted.gameDays.right
  const wrong = counted.drills.wrong + counted.gameDays.wrong
  const all = right + wrong
  return {
    ...counted,
    right,
    wrong,
    precision: all === 0 ? null : right / all,
    lower: wilsonLower(right, all, Z95),
    // The interval is symmetric: the upper bound of a share is one less the lower bound of its complement.
    upper: all === 0 ? 1 : 1 - wilsonLower(wrong, all, Z95),
  }
}

/**
 * All scenarios and a game day of `minutes` on the simulated engine, for each seed from 1 on. Automatic actions are judged
 * by what was really done to the containers. Ended by `signal` it gives what was counted by then.
 */
export async function measurePrecision(options: {
  scenarios: readonly Scenario[]
  seeds: number
  minutes: number
  signal: AbortSignal
  say: (text: string) => void
}): Promise<Precision> {
  const { scenarios, minutes, signal, say } = options
  const drills: JudgedActions = { right: 0, wrong: 0 }
  const gameDays: JudgedActions = { right: 0, wrong: 0 }
  const add = (sum: JudgedActions, one: JudgedActions) => {
    sum.right += one.right
    sum.wrong += one.wrong
  }
  let seeds = 0
  let calibration = ''
  for (let seed = 1; seed <= options.seeds && !signal.aborted; seed++) {
    const { graded } = await drillOnSimulation({ scenarios, seed, signal, say: () => {} })
    if (signal.aborted) break
    for (const { grade } of graded) {
      add(drills, grade.actions)
      if (grade.actions.wrong > 0) say(`seed ${seed}, ${grade.scenario}: ${grade.actions.wrong} wrong`)
    }
    const { figures, calibration: used } = await playOneMode({
      engine: 'sim',
      minutes,
      seed,
      signal,
      say: () => {},
      mode: 'auto',
    })
    if (figures.judged !== null) add(gameDays, figures.judged)
    seeds = seed
    calibration = used
    const so = precisionOf({ calibration, seeds, minutes, drills, gameDays })
    say(
      `seed ${seed}: game day ${figures.judged?.right} right, ${figures.judged?.wrong} wrong; so far ${so.right} of ${so.right + so.wrong}`,
    )
  }
  return precisionOf({ calibration, seeds, minutes, drills, gameDays })
}
