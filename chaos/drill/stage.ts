import type { Engine } from '../../server/contracts/ports.ts'
import type { Injector, Victim } from '../injector.ts'
import type { Role } from './recording.ts'

/** Where an experiment takes place: two victims among calm neighbours, watched by a service of their own. */
export type Stage = AsyncDisposable & {
  /** The service under test. */
  readonly url: string
  /** The world's own word on what happens, beside the service's. */
  readonly engine: Engine
  readonly injector: Injector
  readonly victims: Record<Role, Victim>
  /** Of the probabilities that the service gives. */
  readonly calibration: string
  /** Whether a container is another experiment's, so that what happens to it is none of this one's doing. */
  isForeign(containerName: string): boolean
  /** Epoch milliseconds. */
  now(): number
  /** Resolves a second later. */
  second(): Promise<void>
}

/** The calibration of the service at `url`. */
export async function calibrationOf(url: string): Promise<string> {
  const status = (await (await fetch(`${url}/api/status`)).json()) as { calibration: string }
  return status.calibration
}
