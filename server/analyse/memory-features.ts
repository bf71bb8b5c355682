import { climbRate, goingOn } from './climb.ts'
import { exceedanceProbability, freshRise, isClimbing, timeToLimitMs } from './forecast.ts'
import type { Feature } from './risk.ts'
import { indexOfAge, type Series } from './series.ts'
import { fitLine, type Line } from './statistics.ts'
import type { Window } from './window.ts'
import { bytesInWords, durationInWords, shareInWords } from './words.ts'

/** A rise below a quarter of the limit is not yet worth a word, at half of it it counts in full: warm-up looks the same. */
const RISE_COUNTS_FROM_SHARE = 0.25
const RISE_COUNTS_FULLY_AT_SHARE = 0.5

/** The last stretch before the limit. */
const CLOSE_FROM_SHARE = 0.7

/** Over these the highs are compared: what happens now, in a minute, and in five. */
const NOW_MS = 12_000
const MINUTE_MS = 60_000
const LONG_MS = 300_000
/** Of so many pauses the longest counts: the very last ones, and all of a climb. */
const FEW_PAUSES = 3
const MANY_PAUSES = 60

const clamp = (value: number) => Math.max(0, Math.min(1, value))

type Rise = { line: Line; limit: number; exceedance: number; timeToLimitMs: number | null }

/** How memory climbs towards its limit, over the whole window or since a fresh rise, whichever says more; else `null`. */
function memoryRise(series: Series, limit: number, horizonMs: number): Rise | null {
  const rises = [series, freshRise(series)].flatMap((stretch): Rise[] => {
    if (stretch === null || !isClimbing(stretch)) return []
    const line = fitLine(stretch)
    const exceedance = exceedanceProbability(stretch, limit, horizonMs)
    if (line === null || exceedance === null) return []
    return [{ line, limit, exceedance, timeToLimitMs: timeToLimitMs(stretch, limit) }]
  })
  rises.sort((a, b) => b.exceedance - a.exceedance || b.line.slopePerSecond - a.line.slopePerSecond)
  return rises[0] ?? null
}

/** 1 where the limit is here, one half where it is as far away as the horizon, next to nothing at three times that. */
const closeness = (leftMs: number, horizonMs: number) => 1 / (1 + (leftMs / horizonMs) ** 3)

export type MemoryOutlook = { features: Feature[]; timeToLimitMs: number | null }

/** What memory says: whether what cannot be reclaimed will reach the limit within the horizon, seen in several ways. */
export function memoryOutlook(window: Window, horizonMs: number): MemoryOutlook {
  const limit = window.latest?.memoryLimitBytes ?? null
  const series = window.unreclaimableBytes.length > 0 ? window.unreclaimableBytes : window.workingSetBytes
  if (limit === null || series.length === 0 || window.latest === null) return { features: [], timeToLimitMs: null }
  const nowMs = window.latest.at
  const level = series.values[indexOfAge(series, 0)]!
  const { memoryClimb } = window
  const few = goingOn(memoryClimb, nowMs, FEW_PAUSES)
  const many = goingOn(memoryClimb, nowMs, MANY_PAUSES)
  const top = memoryClimb.highs.length === 0 ? level : memoryClimb.highs.values[indexOfAge(memoryClimb.highs, 0)]!
  const share = top / limit
  const reached = clamp((share - RISE_COUNTS_FROM_SHARE) / (RISE_COUNTS_FULLY_AT_SHARE - RISE_COUNTS_FROM_SHARE))
  const rise = memoryRise(series, limit, horizonMs)
  const room = Math.max(0, limit - top)

  const near = (name: string, spanMs: number, going: number): Feature => {
    const rate = climbRate(memoryClimb, nowMs, spanMs)
    const leftMs = rate <= 0 ? Number.POSITIVE_INFINITY : (room / rate) * 1000
    return {
      name,
      value: leftMs === Number.POSITIVE_INFINITY ? 0 : closeness(leftMs, horizonMs) * going * reached,
      text: `memory grew ${bytesInWords(rate)}/s over the last ${durationInWords(spanMs)}: at this pace the limit is ${durationInWords(Math.min(leftMs, 86_400_000))} away`,
      cause: 'memory-limit',
    }
  }
  const exceedance: Feature = { name: 'memoryExceedance', value: 0, text: '', cause: 'memory-limit' }
  if (rise !== null) {
    const { line, timeToLimitMs: left } = rise
    exceedance.value =
      rise.exceedance *
      clamp((line.level / limit - RISE_COUNTS_FROM_SHARE) / (RISE_COUNTS_FULLY_AT_SHARE - RISE_COUNTS_FROM_SHARE)) *
      many
    exceedance.text =
      `memory that cannot be reclaimed grows ${bytesInWords(line.slopePerSecond)}/s and is at ${shareInWords(line.level / limit)} of its ` +
      `${bytesInWords(limit)} limit${left === null ? '' : `: the limit is ${durationInWords(left)} away`}`
  }
  return {
    features: [
      exceedance,
      near('memoryClimbNow', NOW_MS, few),
      near('memoryClimbMinute', MINUTE_MS, few),
      near('memoryClimbPauses', MINUTE_MS, many),
      near('memoryClimbLong', LONG_MS, many),
      {
        name: 'memoryClose',
        value: clamp((share - CLOSE_FROM_SHARE) / (1 - CLOSE_FROM_SHARE)) * many,
        text: `memory climbs and has reached ${shareInWords(share)} of its limit`,
        cause: 'memory-limit',
      },
    ],
    timeToLimitMs: rise?.timeToLimitMs ?? null,
  }
}
