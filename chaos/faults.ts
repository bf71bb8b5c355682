import { MIB } from './container-spec.ts'

type Scheduled = {
  /** Name of the container it happens to. */
  container: string
  /** Simulated seconds after the engine's start (after the call, for one that is injected). */
  startSeconds: number
  /** It happens again so many seconds after each start. */
  repeatSeconds?: number
}

/**
 * What can go wrong. All but the crash loop end with the process they befell, so a restart cures them; those with a
 * duration end by themselves too.
 */
export type Fault = Scheduled &
  (
    | {
        kind: 'leak'
        bytesPerSecond: number
        /** Gives all of it back from here on, and begins again. */
        untilBytes?: number
        /** Takes it by this much at a time. */
        stepBytes?: number
        durationSeconds?: number
        againAfterSeconds?: number
      }
    /** Files read into the page cache, as far as the limit lets it. */
    | { kind: 'page-cache'; bytesPerSecond: number; durationSeconds: number }
    | { kind: 'more-processes'; pids: number; durationSeconds: number }
    | { kind: 'disk-writes'; bytesPerSecond: number; durationSeconds: number }
    /** What it depends on answers late, or with this share not at all. */
    | { kind: 'bad-dependency'; delayMs: number; lossShare: number; durationSeconds: number }
    | { kind: 'connection-flood'; connections: number; durationSeconds: number }
    /** The process ends at once, without anybody having asked the engine for it. */
    | { kind: 'killed'; exitCode: number }
    | { kind: 'cpu-saturation'; cores: number; durationSeconds: number }
    | { kind: 'crash-loop'; everySeconds: number; exitCode: number; durationSeconds: number }
    | { kind: 'hang'; durationSeconds?: number }
    | { kind: 'noisy-neighbour'; cores: number; durationSeconds: number }
  )

export type FaultKind = Fault['kind']

/** After this the demo's story begins again. */
const DEMO_PERIOD_SECONDS = 900

/**
 * The demo's story: a leak that an audience sees predicted, reaching its limit and cured within 90 s, then one trouble
 * after another with calm between them.
 */
export const DEMO_FAULTS: Fault[] = (
  [
    { kind: 'leak', container: 'webshop-shop-api-1', startSeconds: 20, bytesPerSecond: 4.8 * MIB },
    { kind: 'hang', container: 'rag-rag-api-1', startSeconds: 170, durationSeconds: 120 },
    { kind: 'cpu-saturation', container: 'workers-image-worker-1', startSeconds: 310, cores: 2.6, durationSeconds: 80 },
    { kind: 'leak', container: 'rag-embedder-1', startSeconds: 450, bytesPerSecond: 11 * MIB },
    {
      kind: 'crash-loop',
      container: 'workers-order-worker-1',
      startSeconds: 590,
      everySeconds: 7,
      exitCode: 1,
      durationSeconds: 60,
    },
    { kind: 'noisy-neighbour', container: 'workers-report-cron-1', startSeconds: 730, cores: 12, durationSeconds: 60 },
  ] satisfies Fault[]
).map((fault) => ({ ...fault, repeatSeconds: DEMO_PERIOD_SECONDS }))

/** Whether the end of the process ends the fault. */
export function endsWithProcess(kind: FaultKind): boolean {
  return kind !== 'crash-loop'
}

/** What the faults at work in one container do to it at the moment. */
export type Effects = {
  leakBytesPerSecond: number
  leakUntilBytes: number
  leakStepBytes: number
  cacheBytesPerSecond: number
  extraCores: number
  extraPids: number
  extraBytes: number
  writeBytesPerSecond: number
  hung: boolean
  failing: boolean
}

export const NO_EFFECTS: Effects = {
  leakBytesPerSecond: 0,
  leakUntilBytes: Number.POSITIVE_INFINITY,
  leakStepBytes: 0,
  cacheBytesPerSecond: 0,
  extraCores: 0,
  extraPids: 0,
  extraBytes: 0,
  writeBytesPerSecond: 0,
  hung: false,
  failing: false,
}

/** What an open connection costs its server. */
const CONNECTION_BYTES = 24 * 1024
const CONNECTIONS_PER_CORE = 2_000

/** Adds up the faults at work in one container. */
export function effectsOf(faults: Fault[]): Effects {
  if (faults.length === 0) return NO_EFFECTS
  const effects = { ...NO_EFFECTS, failing: true }
  for (const fault of faults) {
    add(effects, fault)
  }
  return effects
}

function add(effects: Effects, fault: Fault): void {
  switch (fault.kind) {
    case 'leak':
      effects.leakBytesPerSecond += fault.bytesPerSecond
      effects.leakUntilBytes = Math.min(effects.leakUntilBytes, fault.untilBytes ?? Number.POSITIVE_INFINITY)
      effects.leakStepBytes = Math.max(effects.leakStepBytes, fault.stepBytes ?? 0)
      return
    case 'hang':
      effects.hung = true
      return
    case 'cpu-saturation':
    case 'noisy-neighbour':
      effects.extraCores += fault.cores
      return
    case 'page-cache':
      effects.cacheBytesPerSecond += fault.bytesPerSecond
      effects.failing = false
      return
    case 'more-processes':
      effects.extraPids += fault.pids
      return
    case 'disk-writes':
      effects.writeBytesPerSecond += fault.bytesPerSecond
      return
    case 'connection-flood':
      effects.extraBytes += fault.connections * CONNECTION_BYTES
      effects.extraCores += fault.connections / CONNECTIONS_PER_CORE
  }
}

/** What a small server's queue takes; who comes then waits longer than a health check does. */
const MOST_CONNECTIONS = 256

/** Whether a check that is made now fails for what the service depends on, or for others in its way; `chance` is 0..1. */
export function checkFails(faults: readonly Fault[], timeoutSeconds: number, chance: number): boolean {
  return faults.some((fault) => {
    if (fault.kind === 'connection-flood') return fault.connections > MOST_CONNECTIONS
    if (fault.kind !== 'bad-dependency') return false
    return fault.delayMs >= timeoutSeconds * 1000 || chance < fault.lossShare
  })
}
