import type { RealContainer } from '../real-engine.ts'
import type { Program } from './program.ts'

/** `failing` programs fail at least once, `leak` by memory that grows; `deceptive` ones only look like it. */
export type Kind = 'leak' | 'failing' | 'deceptive' | 'calm'

/** What somebody does to the container from outside, in seconds after its start. */
export type Act = { atSeconds: number; do: 'restart' | 'stop' | 'start' }

/** One container to record. */
export type RunPlan = {
  family: string
  kind: Kind
  use: 'fit' | 'test'
  seed: number
  parameters: Record<string, number>
  program: Program
  container: Pick<RealContainer, 'memoryBytes' | 'cpuCores' | 'pidsLimit' | 'restartPolicy' | 'health'>
  acts: Act[]
  seconds: number
}

/** A family of programs: one shape with random sizes. */
export type Family = {
  name: string
  kind: Kind
  use: 'fit' | 'test'
  about: string
  plan(draw: Draw): Pick<RunPlan, 'program' | 'seconds'> & {
    memoryMib: number
    cpuCores?: number
    pidsLimit?: number
    restarts?: boolean
    health?: RealContainer['health']
    acts?: Act[]
  }
}

/** Draws a parameter and notes it under its name; `log` draws its logarithm evenly. */
export type Draw = (name: string, from: number, to: number, scale?: 'even' | 'log' | 'whole') => number
