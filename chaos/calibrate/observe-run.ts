import { featuresOf } from '../../server/analyse/assess.ts'
import type { MemoryTuning } from '../../server/analyse/memory-features.ts'
import type { Feature } from '../../server/analyse/risk.ts'
import type { Run } from '../record/run-file.ts'
import { replay } from './replay.ts'

const HORIZON_MS = 60_000
const SAMPLE_FRESH_MS = 6_000

/** One second of a run: what the model looked at, and what came of it. */
export type Second = {
  at: number
  /** In the order of `Observed.names`. */
  features: Float64Array
  /** Nothing could be evaluated: no sample and no sign of trouble. */
  blank: boolean
  /** A failure within the horizon; `null` where the recording ended too early to know, or the failure lasts already. */
  fails: boolean | null
  /** It has failed and still does: unhealthy, or saturated for five minutes. */
  failing: boolean
  timeToLimitMs: number | null
  timeToLimitLowerMs: number | null
  timeToLimitUpperMs: number | null
  memoryShareOfLimit: number | null
  cpuShareOfLimit: number | null
}

export type Observed = Pick<Run, 'header'> & { seconds: Second[] }

/** The intervals in which a failure lasts: an unhealthy container until it is not, a saturated one until the end. */
function failingIntervals({ header, happenings }: Run): [number, number][] {
  return header.failures.flatMap(({ sign, at }): [number, number][] => {
    if (sign === 'saturated') return [[at, header.endedAt]]
    if (sign !== 'unhealthy') return []
    const over = happenings.find(
      (one) =>
        one.seen === 'event' &&
        one.at > at &&
        (one.event.kind === 'die' || (one.event.kind === 'health_status' && one.event.health === 'healthy')),
    )
    return [[at, over?.seen === 'event' ? over.at : header.endedAt]]
  })
}

/** Replays a run second by second; features that are not there are 0. `names` gives them their order and grows. */
export function observeRun(run: Run, names: string[], tuning?: MemoryTuning): Observed {
  const { header } = run
  const failing = failingIntervals(run)
  const seconds: (Omit<Second, 'features'> & { features: readonly Feature[] })[] = []
  replay(run, (window, at) => {
    const { features, timeToLimit } = featuresOf(window, at, HORIZON_MS, tuning)
    for (const { name } of features) if (!names.includes(name)) names.push(name)
    const lasts = failing.some(([from, to]) => at >= from && at < to)
    const fails = header.failures.some((failure) => failure.at > at && failure.at <= at + HORIZON_MS)
    const known = fails || at + HORIZON_MS <= header.endedAt || header.end === 'ended'
    const sample = window.latest !== null && at - window.latest.at < SAMPLE_FRESH_MS ? window.latest : null
    seconds.push({
      at,
      features,
      blank: window.latest === null && features.every(({ value }) => value === 0),
      fails: known && !lasts ? fails : null,
      failing: lasts,
      timeToLimitMs: timeToLimit?.ms ?? null,
      timeToLimitLowerMs: timeToLimit?.lowerMs ?? null,
      timeToLimitUpperMs: timeToLimit?.upperMs ?? null,
      memoryShareOfLimit: sample?.memoryShareOfLimit ?? null,
      cpuShareOfLimit: sample?.cpuShareOfLimit ?? null,
    })
  })
  return {
    header,
    seconds: seconds.map((second) => {
      const values = new Map(second.features.map(({ name, value }) => [name, value]))
      return { ...second, features: Float64Array.from(names, (name) => values.get(name) ?? 0) }
    }),
  }
}
