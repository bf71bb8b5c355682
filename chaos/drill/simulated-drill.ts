import type { Scenario } from '../scenario.ts'
import { runExperiment } from './experiment.ts'
import { type Grade, gradeRecording } from './grade.ts'
import type { Recording } from './recording.ts'
import { openSimulatedStage } from './simulated-stage.ts'

/** What a drill brings home, on whichever engine. */
export type Drilled = {
  graded: { recording: Recording; grade: Grade }[]
  skipped: { scenario: string; reason: string }[]
  calibration: string
}

/** Runs scenarios one after the other, each on a simulated host of its own. */
export async function drillOnSimulation(options: {
  scenarios: readonly Scenario[]
  seed: number
  signal: AbortSignal
  say: (text: string) => void
}): Promise<Drilled> {
  const { scenarios, seed, signal, say } = options
  const graded: Drilled['graded'] = []
  let calibration = ''
  for (const [index, scenario] of scenarios.entries()) {
    if (signal.aborted) break
    await using stage = await openSimulatedStage({ seed })
    calibration = stage.calibration
    const recording = await runExperiment(scenario, stage, { signal })
    const grade = gradeRecording(recording)
    graded.push({ recording, grade })
    say(`[${index + 1}/${scenarios.length}] ${scenario.name}: ${grade.mark}, ${grade.points} points`)
  }
  return { graded, skipped: [], calibration }
}
