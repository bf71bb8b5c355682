import type { TimeToLimit } from '../contracts/assessment.ts'
import { climbRate, goingOn, leftToRise } from './climb.ts'
import { exceedanceOfLine, surestRise, timeToLimit } from './forecast.ts'
import type { Feature } from './risk.ts'
import { indexOfAge } from './series.ts'
import type { Window } from './window.ts'
import { bytesInWords, durationInWords, shareInWords } from './words.ts'

/**
 * Warm-ups end anywhere below the limit and look like leaks until then, so that how much is reached counts twice: from half
 * of the limit on, and again on the way to nearly all of it.
 */
const EARLY = { from: 0.5, to: 0.8 }
const LATE = { from: 0.65, to: 0.95 }
/** In the first minute of a life, where no pace of a minute is known: the limit is seconds away. */
const IMMINENT = { from: 0.72, to: 0.82 }
const IMMINENT_MS = 8_000

/** Few warm-ups get here. Before, every sign counts less by a part, and by more in a young life, in which everything rises. */
const NEARLY = { from: 0.85, to: 0.96 }
const NEARLY_MS = 6_000
const DOUBT = 0.4
const DOUBT_WHEN_YOUNG = 0.8
/** A life is young up to here, and old from there on. */
const YOUNG_MS = 60_000
const OLD_MS = 120_000
/** Over two such spans it is seen whether a young climb slows down; one that would come to rest counts half at the least. */
const SLOWING_MS = 15_000
const SLOWING_COUNTS = 0.5

/** For so long after the kernel killed for memory a climb is no warm-up: it has shown where it leads. */
const KILLED_HOLDS_MS = 600_000

/** So far above where it rested in the life before, as a share of the limit, a rise is news. */
const NEW_SHARE = 0.05

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
export function memoryOutlook(window: Window, horizonMs: number): MemoryOutlook {
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
  const isNew = restedAtBytes === 0 ? 1 : clamp((top - restedAtBytes) / (NEW_SHARE * limit))
  const wasKilled = latest.at - window.killedAtMs < KILLED_HOLDS_MS
  const shareOf = ({ from, to }: typeof EARLY) => clamp((top / limit - from) / (to - from))
  const reached = (stage: typeof EARLY) => (wasKilled ? 1 : shareOf(stage))
  // What slows down will be slower still: the pace of the newer half counts where it is the lower one.
  const paceOver = (spanMs: number) => {
    const rate = Math.min(climbRate(memoryClimb, latest.at, spanMs), climbRate(memoryClimb, latest.at, spanMs / 2))
    return { spanMs, rate, leftMs: rate <= 0 ? Number.POSITIVE_INFINITY : (Math.max(0, limit - top) / rate) * 1000 }
  }
  const [now, minute, long] = [paceOver(NOW_MS), paceOver(MINUTE_MS), paceOver(LONG_MS)]
  const nearly = Math.max(shareOf(NEARLY), few * closeness(now.leftMs, NEARLY_MS))
  const youth = clamp((OLD_MS - (latest.at - memoryClimb.beganAtMs)) / (OLD_MS - YOUNG_MS))
  const doubt = wasKilled ? 0 : (DOUBT + youth * (DOUBT_WHEN_YOUNG - DOUBT)) * (1 - nearly)
  const risesToLimit = clamp(leftToRise(memoryClimb, latest.at, SLOWING_MS) / Math.max(1, limit - top))
  const slowing = wasKilled ? 0 : youth * Math.min(1 - SLOWING_COUNTS, 1 - risesToLimit)
  const sure = (1 - doubt) * (1 - slowing)

  const near = (
    name: string,
    { spanMs, rate, leftMs }: typeof now,
    weight: number,
    stage: typeof EARLY,
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
    exceedance.value = rising.value * reached(EARLY)
    exceedance.text =
      `memory that cannot be reclaimed grows ${bytesInWords(line.slopePerSecond)}/s and is at ${shareInWords(line.level / limit)} of its ` +
      `${bytesInWords(limit)} limit${left === null ? '' : `: the limit is ${durationInWords(left.ms)} away`}`
  }
  return {
    features: [
      exceedance,
      rising,
      near('memoryClimbNow', now, few * (1 - doubt), LATE),
      near('memoryClimbImminent', now, few * isYoung, IMMINENT, IMMINENT_MS),
      near('memoryClimbMinute', minute, few * sure, EARLY),
      near('memoryClimbMinuteLate', minute, few * sure, LATE),
      near('memoryClimbPauses', minute, many * sure, LATE),
      near('memoryClimbLong', long, many * sure, LATE),
    ],
    timeToLimit: left,
  }
}
