/** The containers' language, and their audience's. */
export type Words = { en: string; es: string }

/**
 * What is done to a victim. Shares are of the victim's own limit (memory, CPU, PIDs), so that one scenario fits victims of
 * any size; a victim without the limit cannot be used for it.
 */
export type ChaosFault =
  | { kind: 'cpu-burn'; shareOfLimit: number }
  /** Memory that is never given back. `sawtooth` gives it all back at `untilShare`, `steps` takes it by the tenth. */
  | {
      kind: 'memory-leak'
      shareOfLimitPerSecond: number
      shape: 'steady' | 'sawtooth' | 'steps'
      untilShare?: number
    }
  /** As fast as the kernel gives it. */
  | { kind: 'memory-bomb' }
  /** Reads and writes files until the cache fills the limit: harmless. */
  | { kind: 'page-cache' }
  | { kind: 'pid-exhaustion'; shareOfLimit: number }
  | { kind: 'disk-fill'; bytes: number }
  /** The main process ends by itself again and again. */
  | { kind: 'crash-loop'; everySeconds: number }
  /** The main process is stopped (SIGSTOP) and answers nobody. */
  | { kind: 'hang' }
  /** The main process is killed once. */
  | { kind: 'kill' }
  /** What it depends on answers late, loses connections, or is away. */
  | { kind: 'network-delay'; delayMs: number }
  | { kind: 'network-loss'; share: number }
  | { kind: 'dependency-down' }
  | { kind: 'connection-flood'; connections: number }
  /** Another container takes the CPU of the host. */
  | { kind: 'noisy-neighbour'; shareOfHost: number }
  | { kind: 'slow-disk'; bytesPerSecond: number }
  /** The way to the engine refuses (403): nothing can be evaluated, nothing may be done. */
  | { kind: 'engine-refuses' }
  /** An operator restarts it; compose replaces it by a new one. */
  | { kind: 'planned-restart' }
  | { kind: 'recreation' }

/**
 * What a good guard makes of it. `foreseen`: a failure comes that can be known before. `noticed`: it comes without a
 * warning, and must be seen at once. `quiet`: nothing is wrong; no incident, no action. `unknown`: it cannot be told; no
 * light above low that is not stale, no action.
 */
export type Expectation = 'foreseen' | 'noticed' | 'quiet' | 'unknown'

/** When the victim has failed, by the world's own signs and not the guard's. */
export type FailureSign = 'oom' | 'exit' | 'unhealthy' | 'saturated' | 'none'

/** One experiment. Seconds count from the begin of watching; before `startSeconds` the victim is calm. */
export type Scenario = {
  /** kebab-case; what one types. */
  name: string
  about: Words
  fault: ChaosFault
  startSeconds: number
  /** How long the fault lasts if nothing ends it before. */
  durationSeconds: number
  /** How long is watched in all. */
  watchSeconds: number
  expected: Expectation
  failure: FailureSign
}
