import type { Assessment, Calibration } from '../contracts/assessment.ts'
import { exceedanceProbability, freshRise, isClimbing, timeToLimitMs } from './forecast.ts'
import { farForecasts, nearForecast } from './outlook.ts'
import { type Feature, failureRisk, lightOf } from './risk.ts'
import { fitLine, type Line, zScore } from './statistics.ts'
import type { LifeSigns, Window } from './window.ts'
import { bytesInWords, durationInWords, shareInWords } from './words.ts'

/** A rise below a quarter of the limit is not yet worth a word, at half of it it counts in full: warm-up looks the same. */
const RISE_COUNTS_FROM_SHARE = 0.25
const RISE_COUNTS_FULLY_AT_SHARE = 0.5

/** Saturation is a failure after five minutes; four of them leave one minute to the horizon. */
const SATURATION_MS = 240_000

/** Three crashes in five minutes are a loop. */
export const CRASH_LOOP_COUNT = 3
export const CRASH_LOOP_WITHIN_MS = 300_000

/** The engine's default number of failed checks until it calls a container unhealthy. */
const HEALTH_RETRIES = 3

/** A z-score needs a past; from 3 on it is remarkable, at 8 it counts in full. */
const Z_SCORE_MIN_POINTS = 20
const Z_REMARKABLE = 3
const Z_FULL = 8

const clamp = (value: number) => Math.max(0, Math.min(1, value))

type Rise = { line: Line; limit: number; exceedance: number; timeToLimitMs: number | null }

/** How memory climbs towards its limit, over the whole window or since a fresh rise, whichever says more; else `null`. */
function memoryRise(window: Window, horizonMs: number): Rise | null {
  const limit = window.latest?.memoryLimitBytes ?? null
  const whole = window.unreclaimableBytes.length > 0 ? window.unreclaimableBytes : window.workingSetBytes
  if (limit === null) return null
  const rises = [whole, freshRise(whole)].flatMap((series): Rise[] => {
    if (series === null || !isClimbing(series)) return []
    const line = fitLine(series)
    const exceedance = exceedanceProbability(series, limit, horizonMs)
    if (line === null || exceedance === null) return []
    return [{ line, limit, exceedance, timeToLimitMs: timeToLimitMs(series, limit) }]
  })
  rises.sort((a, b) => b.exceedance - a.exceedance || b.line.slopePerSecond - a.line.slopePerSecond)
  return rises[0] ?? null
}

function memoryFeature(rise: Rise | null): Feature {
  const feature: Feature = { name: 'memoryExceedance', value: 0, text: '', cause: 'memory-limit' }
  if (rise === null) return feature
  const { line, limit, timeToLimitMs: left } = rise
  const share = line.level / limit
  const reached = clamp((share - RISE_COUNTS_FROM_SHARE) / (RISE_COUNTS_FULLY_AT_SHARE - RISE_COUNTS_FROM_SHARE))
  feature.value = rise.exceedance * reached
  feature.text =
    `memory that cannot be reclaimed grows ${bytesInWords(line.slopePerSecond)}/s and is at ${shareInWords(share)} of its ` +
    `${bytesInWords(limit)} limit${left === null ? '' : `: the limit is ${durationInWords(left)} away`}`
  return feature
}

function cpuFeatures(window: Window): Feature[] {
  const latest = window.latest
  const saturatedMs = window.saturatedSinceMs === null || latest === null ? 0 : latest.at - window.saturatedSinceMs
  const throttled = latest?.throttledShare ?? 0
  return [
    {
      name: 'cpuSaturation',
      value: clamp(saturatedMs / SATURATION_MS),
      text: `CPU has been at its limit for ${durationInWords(saturatedMs)}`,
      cause: 'cpu-saturation',
    },
    {
      name: 'throttling',
      value: clamp(throttled),
      text: `the kernel throttles it in ${shareInWords(throttled)} of its CPU periods`,
      cause: 'cpu-saturation',
    },
  ]
}

function lifeFeatures(life: LifeSigns, at: number): Feature[] {
  const crashes = life.crashTimesMs.filter((crash) => at - crash < CRASH_LOOP_WITHIN_MS).length
  const unhealthy = life.health === 'unhealthy'
  return [
    {
      name: 'unhealthy',
      value: unhealthy ? 1 : clamp(life.healthFailingStreak / HEALTH_RETRIES),
      text: unhealthy
        ? 'its health check says unhealthy'
        : `its health check failed ${life.healthFailingStreak} times in a row`,
      cause: 'unhealthy',
    },
    {
      name: 'crashes',
      value: clamp(crashes / CRASH_LOOP_COUNT),
      text: `it ended by itself ${crashes} ${crashes === 1 ? 'time' : 'times'} in the last 5 minutes`,
      cause: 'crash-loop',
    },
  ]
}

function anomalyFeature(name: string, what: string, score: number | null): Feature {
  const distance = Math.abs(score ?? 0)
  return {
    name,
    value: clamp((distance - Z_REMARKABLE) / (Z_FULL - Z_REMARKABLE)),
    text: `${what} is ${distance.toFixed(1)} standard deviations from its last minute`,
    cause: null,
  }
}

/**
 * What is to be thought of one container now: forecasts of CPU (cores) and working set (bytes) 10 s ahead, z-scores,
 * time to the memory limit, and the probability that it fails within the calibration's horizon, with its reasons.
 * Without a sample and without a sign of trouble nothing is evaluated: probability `null`.
 */
export function assess(window: Window, calibration: Calibration): Assessment {
  const { latest, containerId, life } = window
  const at = Math.max(latest?.at ?? 0, life.at)
  const features = lifeFeatures(life, at)
  if (latest === null && features.every(({ value }) => value === 0)) return notEvaluated(containerId, at)
  const cpuZScore = zScore(window.cpuCores, Z_SCORE_MIN_POINTS)
  const memoryZScore = zScore(window.workingSetBytes, Z_SCORE_MIN_POINTS)
  const rise = memoryRise(window, calibration.horizonMs)
  const { probability, cause, evidence } = failureRisk(
    [
      memoryFeature(rise),
      ...cpuFeatures(window),
      ...features,
      anomalyFeature('cpuAnomaly', 'CPU', cpuZScore),
      anomalyFeature('memoryAnomaly', 'memory', memoryZScore),
    ],
    calibration,
  )
  return {
    containerId,
    at,
    probability,
    light: lightOf(probability),
    cause,
    timeToLimitMs: rise?.timeToLimitMs ?? null,
    cpuCoresForecast: nearForecast(window.cpuOutlook),
    memoryBytesForecast: nearForecast(window.memoryOutlook),
    cpuCoresFarForecasts: farForecasts(window.cpuOutlook),
    memoryBytesFarForecasts: farForecasts(window.memoryOutlook),
    cpuZScore,
    memoryZScore,
    cpuAnomalyScore: window.cpuOutlook.anomalyScore,
    memoryAnomalyScore: window.memoryOutlook.anomalyScore,
    evidence,
  }
}

/** The assessment of a container of which nothing is known: not low, not high, not evaluated. */
export function notEvaluated(containerId: string, at: number): Assessment {
  return {
    containerId,
    at,
    probability: null,
    light: 'low',
    cause: null,
    timeToLimitMs: null,
    cpuCoresForecast: null,
    memoryBytesForecast: null,
    cpuCoresFarForecasts: [],
    memoryBytesFarForecasts: [],
    cpuZScore: null,
    memoryZScore: null,
    cpuAnomalyScore: null,
    memoryAnomalyScore: null,
    evidence: [],
  }
}
