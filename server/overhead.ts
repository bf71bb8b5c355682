import type { CostMeter } from './collect/process-cost.ts'
import type { Clock } from './contracts/ports.ts'
import { decideSampling } from './decide/sampling-policy.ts'
import type { Log } from './log.ts'

/** One measurement is made over this time; shorter ones see their own jitter. */
const PERIOD_MS = 15_000
/** Starting up costs more than watching, and says nothing of it. */
const SETTLE_MS = 45_000

export type OverheadState = {
  /** Shares of the whole host's CPU over the last period, 0..1; `null` before the first. */
  ownShareOfHost: number | null
  engineShareOfHost: number | null
  budgetShareOfHost: number
  calmIntervalMs: number
  reason: string
}

/**
 * Keeps the program's cost within its budget: measures itself and, where the engine is asked for figures, the engine's
 * daemons, and lets calm containers be read less often when it is too much. `look` is called once a round.
 */
export function createOverhead(options: {
  meter: CostMeter
  budgetShareOfHost: number
  clock: Clock
  log: Log
  /** Whether the engine works for us: by files it does not. Streams of logs alone are not told apart from its other work. */
  engineIsAsked: () => boolean
}): { look(): void; readonly state: OverheadState } {
  const { meter, budgetShareOfHost, clock, log, engineIsAsked } = options
  const startedAtMs = clock.now()
  let measuredAtMs = clock.now()
  let state: OverheadState = {
    ownShareOfHost: null,
    engineShareOfHost: null,
    budgetShareOfHost,
    calmIntervalMs: 1_000,
    reason: 'not measured yet',
  }
  return {
    get state() {
      return state
    },
    look() {
      if (Math.abs(clock.now() - measuredAtMs) < PERIOD_MS) return
      measuredAtMs = clock.now()
      const cost = meter.measure()
      if (clock.now() - startedAtMs < SETTLE_MS) return
      const engineShareOfHost = engineIsAsked() ? cost.engineShareOfHost : 0
      const { calmIntervalMs, reason } = decideSampling({
        ownShareOfHost: cost.ownShareOfHost,
        engineShareOfHost: engineShareOfHost ?? 0,
        budgetShareOfHost,
        calmIntervalMs: state.calmIntervalMs,
      })
      if (calmIntervalMs !== state.calmIntervalMs) log.warn({ calmIntervalMs, reason }, 'sampling rate changed')
      state = { ownShareOfHost: cost.ownShareOfHost, engineShareOfHost, budgetShareOfHost, calmIntervalMs, reason }
    },
  }
}
