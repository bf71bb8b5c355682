import type { Container, ContainerId, Counters, Endpoint, EngineDescription, EngineEvent } from './telemetry.ts'

/** Time as a parameter: real in production, fast in the demo with --speed, by hand in tests. */
export type Clock = {
  /** Epoch milliseconds. */
  now(): number
  /** Resolves after `ms` of this clock, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export type ProcessTable = { titles: string[]; processes: string[][] }

/**
 * A Docker engine in the program's own words. Every call may reject with `EngineError`, whose `kind` tells an engine
 * that cannot be reached from one that refuses; every call ends by itself (see `createDockerEngine` for the limits).
 */
export type Engine = {
  /** Where it is, for messages: `unix:///var/run/docker.sock`, `tcp://…`. */
  readonly address: string
  describe(): Promise<EngineDescription>
  /** Resolves when the engine answers at all. */
  ping(): Promise<void>
  /** Ids of all containers, stopped ones too. */
  list(): Promise<ContainerId[]>
  /** `null` where the container is gone. */
  inspect(id: ContainerId): Promise<Container | null>
  /** Container events from `sinceMs` (epoch) on; ends when `signal` aborts, rejects when the connection breaks. */
  events(options: { sinceMs: number; signal: AbortSignal }): AsyncIterable<EngineEvent>
  /** One reading a second while the container runs; ends when it stops or `signal` aborts. Replies that make no sense are counted in `onSkip` and skipped. */
  stats(id: ContainerId, options: { signal: AbortSignal; onSkip(reason: string): void }): AsyncIterable<Counters>
  /** The last lines of standard output and error, at most `maxBytes`. */
  logs(id: ContainerId, options: { tailLines: number; maxBytes: number }): Promise<string[]>
  /** Pieces of what it writes to standard output and error from now on; ends when it stops or `signal` aborts. */
  followLogs(id: ContainerId, options: { signal: AbortSignal }): AsyncIterable<string>
  top(id: ContainerId): Promise<ProcessTable>
  restart(id: ContainerId, options: { graceSeconds: number }): Promise<void>
  stop(id: ContainerId, options: { graceSeconds: number }): Promise<void>
  start(id: ContainerId): Promise<void>
  pause(id: ContainerId): Promise<void>
  unpause(id: ContainerId): Promise<void>
  updateLimits(id: ContainerId, limits: { memoryBytes?: number; cpuCores?: number }): Promise<void>
  disconnect(id: ContainerId, network: string): Promise<void>
  /** Rejoins a network, as what it was connected before where that is known. */
  connect(id: ContainerId, network: string, endpoint?: Endpoint): Promise<void>
}
