import type { TimeToLimit } from '../contracts/assessment.ts'
import { climbRate, goingOn, leftToRise } from './climb.ts'
import { exceedanceOfLine, surestRise, timeToLimit } from './forecast.ts'
import type { Feature } from './risk.ts'
import { indexOfAge } from './series.ts'
import type { Window } from './window.ts'
import { bytesInWords, durationInWords, shareInWords } from './words.ts'

type Stage = { readonly from: number; readonly to: number }

/** What can be chosen of how a climb towards the limit is judged. Shares are of the limit. */
export type MemoryTuning = {
  /**
   * Warm-ups end anywhere below the limit and look like leaks until then, so that how much is reached counts twice: from
   * half of the limit on, and again on the way to nearly all of it.
   */
  readonly early: Stage
  readonly late: Stage
  /** In the first minute of a life, where no pace of a minute is known: the limit is seconds away. */
  readonly imminent: Stage
  readonly imminentMs: number
  /** Few warm-ups get here. Before, every sign counts less by `doubt`, and by more in a young life, in which everything rises. */
  readonly nearly: Stage
  readonly nearlyMs: number
  readonly doubt: number
  readonly doubtWhenYoung: number
  /** Over two such spans it is seen whether a young climb slows down; one that would come to rest counts so much at least. */
  readonly slowingMs: number
  readonly slowingCounts: number
  /** For so long after the kernel killed for memory a climb is no warm-up: it has shown where it leads. */
  readonly killedHoldsMs: number
  /** So far above where it rested in the life before a rise is news. */
  readonly newShare: number
}

/** `scripts/tune-failure-model.ts` shows what other values would bring, with each family of programs left out in turn. */
export const SHIPPED_MEMORY_TUNING: MemoryTuning = {
  early: { from: 0.5, to: 0.8 },
  late: { from: 0.65, to: 0.95 },
  imminent: { from: 0.72, to: 0.82 },
  imminentMs: 8_000,
  nearly: { from: 0.85, to: 0.96 },
  nearlyMs: 6_000,
  doubt: 0.4,
  doubtWhenYoung: 0.8,
  slowingMs: 15_000,
  slowingCounts: 0.5,
  killedHoldsMs: 600_000,
  newShare: 0.05,
}

/** A life is young up to here, and old from there on. */
const YOUNG_MS = 60_000
const OLD_MS = 120_000

/** Over these the highs are compared: what happens now, in a minute, and in five. */
const NOW_MS = 12_000
const MINUTE_MS = 60_000
const LONG_MS = 300_000
/** Of so many pauses the longest counts: the very last ones, and all of a climb. */
const FEW_PAUSES = 3
const MANY_PAUSES = 60

const clamp = (value: number) => Math.max(0, Math.min(1, value))

/** 1 where the limit is here, one half where it is as far away as the horizon, next to nothing at three times that. */
const closeness = (leftMs: number, horizonMs: number) => 1 / (1 + (leftMs / horizonMs) ** 3)

export type MemoryOutlook = { features: Feature[]; timeToLimit: TimeToLimit | null }

/** What memory says: whether what cannot be reclaimed will reach the limit within the horizon, seen in several ways. */
export function memoryOutlook(window: Window, horizonMs: number, tuning = SHIPPED_MEMORY_TUNING): MemoryOutlook {
  const { latest, memoryClimb, restedAtBytes } = window
  const limit = latest?.memoryLimitBytes ?? null
  const series = window.unreclaimableBytes.length > 0 ? window.unreclaimableBytes : window.workingSetBytes
  if (latest === null || limit === null || series.length === 0) return { features: [], timeToLimit: null }
  const level = series.values[indexOfAge(series, 0)]!
  const { highs } = memoryClimb
  const top = highs.length === 0 ? level : highs.values[indexOfAge(highs, 0)]!
  const few = goingOn(memoryClimb, latest.at, FEW_PAUSES)
  const many = goingOn(memoryClimb, latest.at, MANY_PAUSES)
  const isYoung = latest.at - memoryClimb.beganAtMs < MINUTE_MS ? 1 : 0
  const isNew = restedAtBytes === 0 ? 1 : clamp((top - restedAtBytes) / (tuning.newShare * limit))
  const wasKilled = latest.at - window.killedAtMs < tuning.killedHoldsMs
  const shareOf = ({ from, to }: Stage) => clamp((top / limit - from) / (to - from))
  const reached = (stage: Stage) => (wasKilled ? 1 : shareOf(stage))
  // What slows down will be slower still: the pace of the newer half counts where it is the lower one.
  const paceOver = (spanMs: number) => {
    const rate = Math.min(climbRate(memoryClimb, latest.at, spanMs), climbRate(memoryClimb, latest.at, spanMs / 2))
    return { spanMs, rate, leftMs: rate <= 0 ? Number.POSITIVE_INFINITY : (Math.max(0, limit - top) / rate) * 1000 }
  }
  const [now, minute, long] = [paceOver(NOW_MS), paceOver(MINUTE_MS), paceOver(LONG_MS)]
  const nearly = Math.max(shareOf(tuning.nearly), few * closeness(now.leftMs, tuning.nearlyMs))
  const youth = clamp((OLD_MS - (latest.at - memoryClimb.beganAtMs)) / (OLD_MS - YOUNG_MS))
  const doubt = wasKilled ? 0 : (tuning.doubt + youth * (tuning.doubtWhenYoung - tuning.doubt)) * (1 - nearly)
  const risesToLimit = clamp(leftToRise(memoryClimb, latest.at, tuning.slowingMs) / Math.max(1, limit - top))
  const slowing = wasKilled ? 0 : youth * Math.min(1 - tuning.slowingCounts, 1 - risesToLimit)
  const sure = (1 - doubt) * (1 - slowing)

  const near = (
    name: string,
    { spanMs, rate, leftMs }: typeof now,
    weight: number,
    stage: Stage,
    withinMs = horizonMs,
  ): Feature => {
    const value = closeness(leftMs, withinMs) * weight * reached(stage) * isNew
    const text =
      value === 0
        ? ''
        : `memory that cannot be reclaimed rose by ${bytesInWords(rate)}/s over the last ${durationInWords(spanMs)}, pauses included`
    return { name, value, text, cause: 'memory-limit' }
  }
  const line = many > 0 ? surestRise(series) : null
  const left = line === null ? null : timeToLimit(line, limit)
  const rising: Feature = { name: 'memoryRising', value: 0, text: '', cause: 'memory-limit' }
  const exceedance: Feature = { name: 'memoryExceedance', value: 0, text: '', cause: 'memory-limit' }
  if (line !== null) {
    rising.value = exceedanceOfLine(line, limit, horizonMs) * many * isNew * sure
    rising.text = `memory grows at a pace of ${bytesInWords(line.slopePerSecond)}/s`
    exceedance.value = rising.value * reached(tuning.early)
    exceedance.text =
      `memory that cannot be reclaimed grows ${bytesInWords(line.slopePerSecond)}/s and is at ${shareInWords(line.level / limit)} of its ` +
      `${bytesInWords(limit)} limit${left === null ? '' : `: the limit is ${durationInWords(left.ms)} away`}`
  }
  return {
    features: [
      exceedance,
      rising,
      near('memoryClimbNow', now, few * (1 - doubt), tuning.late),
      near('memoryClimbImminent', now, few * isYoung, tuning.imminent, tuning.imminentMs),
      near('memoryClimbMinute', minute, few * sure, tuning.early),
      near('memoryClimbMinuteLate', minute, few * sure, tuning.late),
      near('memoryClimbPauses', minute, many * sure, tuning.late),
      near('memoryClimbLong', long, many * sure, tuning.late),
    ],
    timeToLimit: left,
  }
}
