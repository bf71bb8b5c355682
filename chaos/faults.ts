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
    | { kind: 'leak'; bytesPerSecond: number; againAfterSeconds?: number }
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
export type Effects = { leakBytesPerSecond: number; extraCores: number; hung: boolean; failing: boolean }

export const NO_EFFECTS: Effects = { leakBytesPerSecond: 0, extraCores: 0, hung: false, failing: false }

/** Adds up the faults at work in one container. */
export function effectsOf(faults: Fault[]): Effects {
  if (faults.length === 0) return NO_EFFECTS
  const effects = { ...NO_EFFECTS, failing: true }
  for (const fault of faults) {
    if (fault.kind === 'leak') effects.leakBytesPerSecond += fault.bytesPerSecond
    else if (fault.kind === 'hang') effects.hung = true
    else if (fault.kind !== 'crash-loop') effects.extraCores += fault.cores
  }
  return effects
}
