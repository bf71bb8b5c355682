import type { Scenario } from '../scenario.ts'
import { createTally, type Drilled } from './drilled.ts'
import { runExperiment } from './experiment.ts'
import { gradeRecording } from './grade.ts'
import { openSimulatedStage } from './simulated-stage.ts'

/** Runs scenarios one after the other, each on a simulated host of its own; ended by `signal` it gives what was done. */
export async function drillOnSimulation(options: {
  scenarios: readonly Scenario[]
  seed: number
  signal: AbortSignal
  say: (text: string) => void
  onProgress?: (soFar: Drilled) => void
}): Promise<Drilled> {
  const { scenarios, seed, signal } = options
  const tally = createTally(options)
  for (const scenario of scenarios) {
    if (signal.aborted) break
    await using stage = await openSimulatedStage({ seed })
    const recording = await runExperiment(scenario, stage, { signal })
    // What was ended in the middle is no grade.
    if (!signal.aborted) tally.add({ recording, grade: gradeRecording(recording), calibration: stage.calibration })
  }
  return tally.drilled()
}
