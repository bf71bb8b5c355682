import type { Assessment, Calibration, TimeToLimit } from '../contracts/assessment.ts'
import { climbRate, goingOn } from './climb.ts'
import { LATEST_SHARE, SOONEST_SHARE } from './forecast.ts'
import { lifeFeatures } from './life-features.ts'
import { unusualLogErrors } from './log-errors.ts'
import { type MemoryTuning, memoryOutlook } from './memory-features.ts'
import { farForecasts, nearForecast } from './outlook.ts'
import { type Feature, failureRisk, lightOf } from './risk.ts'
import { SATURATION_FAILS_MS } from './saturation.ts'
import { zScore } from './statistics.ts'
import type { Window } from './window.ts'
import { durationInWords, shareInWords } from './words.ts'

/** The last third of the time after which saturation is a failure tells more than the first. */
const SATURATION_LONG_MS = 200_000

/** A z-score needs a past; from 3 on it is remarkable, at 8 it counts in full. */
const Z_SCORE_MIN_POINTS = 20
const Z_REMARKABLE = 3
const Z_FULL = 8

const PIDS_SPAN_MS = 60_000
const PIDS_PAUSES = 8
const PIDS_CLOSE_FROM_SHARE = 0.7
/** Beyond this a pace of the last minute says nothing any more. */
const PIDS_FARTHEST_MS = 3_600_000

const clamp = (value: number) => Math.max(0, Math.min(1, value))

function cpuFeatures(window: Window): Feature[] {
  const { latest } = window
  const { ms: saturatedMs } = window.saturation
  const throttled = latest?.throttledShare ?? 0
  const text = `CPU has been at its limit for ${durationInWords(saturatedMs)}`
  return [
    { name: 'cpuSaturation', value: clamp(saturatedMs / SATURATION_FAILS_MS), text, cause: 'cpu-saturation' },
    {
      name: 'cpuSaturationLong',
      value: clamp((saturatedMs - SATURATION_LONG_MS) / (SATURATION_FAILS_MS - SATURATION_LONG_MS)),
      text: `${text}: five minutes are a failure`,
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

function pidsOutlook(
  { latest, pidsClimb }: Window,
  horizonMs: number,
): {
  features: Feature[]
  timeToLimit: TimeToLimit | null
} {
  const { pids = null, pidsLimit = null, at = 0 } = latest ?? {}
  if (pids === null || pidsLimit === null) return { features: [], timeToLimit: null }
  const rate = climbRate(pidsClimb, at, PIDS_SPAN_MS)
  const leftMs = rate <= 0 ? Number.POSITIVE_INFINITY : (Math.max(0, pidsLimit - pids) / rate) * 1000
  const going = goingOn(pidsClimb, at, PIDS_PAUSES)
  const share = pids / pidsLimit
  const ms = Math.round(leftMs)
  const isInSight = going > 0 && leftMs <= PIDS_FARTHEST_MS
  const timeToLimit = isInSight ? { ms, lowerMs: SOONEST_SHARE * ms, upperMs: LATEST_SHARE * ms } : null
  const features: Feature[] = [
    {
      name: 'pidsClimb',
      value: leftMs === Number.POSITIVE_INFINITY ? 0 : going / (1 + (leftMs / horizonMs) ** 3),
      text: `it has ${pids} of ${pidsLimit} processes: at this pace the limit is ${durationInWords(Math.min(leftMs, 86_400_000))} away`,
      cause: 'unhealthy',
    },
    {
      name: 'pidsClose',
      value: clamp((share - PIDS_CLOSE_FROM_SHARE) / (1 - PIDS_CLOSE_FROM_SHARE)),
      text: `it has ${shareInWords(share)} of the processes that it may have`,
      cause: 'unhealthy',
    },
  ]
  return { features, timeToLimit }
}

function pressureFeature({ latest }: Window): Feature[] {
  const share = latest?.memoryPressureFullShare ?? null
  if (share === null) return []
  const text = `all of it waited for memory in ${shareInWords(share)} of the last second`
  return [{ name: 'memoryPressure', value: clamp(share), text, cause: 'memory-limit' }]
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

function unusualFeature(name: string, what: string, score: number): Feature {
  const text = `${what} departs from its own past as it seldom did (anomaly score ${score.toFixed(2)})`
  return { name, value: score, text, cause: null }
}

const perMinute = (perSecond: number) => String(Number((60 * perSecond).toPrecision(2)))

function logErrorFeature({ logErrors }: Window): Feature {
  const { recentPerSecond, usualPerSecond } = logErrors
  const value = unusualLogErrors(logErrors)
  const text =
    value === 0
      ? ''
      : `its log reports ${perMinute(recentPerSecond)} errors a minute, usually ${perMinute(usualPerSecond)}`
  return { name: 'logErrors', value, text, cause: null }
}

/** All that the failure model looks at, with the times to the limits of memory and of processes and the z-scores that come along. */
export function featuresOf(window: Window, at: number, horizonMs: number, tuning?: MemoryTuning) {
  const cpuZScore = zScore(window.cpuCores, Z_SCORE_MIN_POINTS)
  const memoryZScore = zScore(window.workingSetBytes, Z_SCORE_MIN_POINTS)
  const memory = memoryOutlook(window, horizonMs, tuning)
  const pids = pidsOutlook(window, horizonMs)
  const features: Feature[] = [
    ...memory.features,
    ...cpuFeatures(window),
    ...pids.features,
    ...pressureFeature(window),
    ...lifeFeatures(window.life, at, horizonMs),
    logErrorFeature(window),
    anomalyFeature('cpuAnomaly', 'CPU', cpuZScore),
    anomalyFeature('memoryAnomaly', 'memory', memoryZScore),
    unusualFeature('cpuUnusual', 'CPU', window.cpuOutlook.anomalyScore ?? 0),
    unusualFeature('memoryUnusual', 'memory', window.memoryOutlook.anomalyScore ?? 0),
  ]
  return { features, timeToLimit: memory.timeToLimit, pidsTimeToLimit: pids.timeToLimit, cpuZScore, memoryZScore }
}

/**
 * What is to be thought of one container now: forecasts of CPU (cores) and working set (bytes) 10 s ahead, z-scores,
 * time to the memory limit, and the probability that it fails within the calibration's horizon, with its reasons.
 * Without a sample and without a sign of trouble nothing is evaluated: probability `null`.
 */
export function assess(window: Window, calibration: Calibration): Assessment {
  const { latest, containerId, life } = window
  const at = Math.max(latest?.at ?? 0, life.at)
  const { features, timeToLimit, pidsTimeToLimit, cpuZScore, memoryZScore } = featuresOf(
    window,
    at,
    calibration.horizonMs,
  )
  if (latest === null && features.every(({ value }) => value === 0)) return notEvaluated(containerId, at)
  const { probability, cause, evidence } = failureRisk(features, calibration)
  return {
    containerId,
    at,
    probability,
    light: lightOf(probability),
    cause,
    timeToLimitMs: timeToLimit?.ms ?? null,
    timeToLimitLowerMs: timeToLimit?.lowerMs ?? null,
    timeToLimitUpperMs: timeToLimit?.upperMs ?? null,
    pidsTimeToLimit,
    cpuCoresForecast: nearForecast(window.cpuOutlook),
    memoryBytesForecast: nearForecast(window.memoryOutlook),
    cpuCoresFarForecasts: farForecasts(window.cpuOutlook),
    memoryBytesFarForecasts: farForecasts(window.memoryOutlook),
    cpuZScore,
    memoryZScore,
    cpuAnomalyScore: window.cpuOutlook.anomalyScore,
    memoryAnomalyScore: window.memoryOutlook.anomalyScore,
    logErrorsPerMinute: latest?.logErrorsPerSecond == null ? null : 60 * window.logErrors.recentPerSecond,
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
    timeToLimitLowerMs: null,
    timeToLimitUpperMs: null,
    pidsTimeToLimit: null,
    cpuCoresForecast: null,
    memoryBytesForecast: null,
    cpuCoresFarForecasts: [],
    memoryBytesFarForecasts: [],
    cpuZScore: null,
    memoryZScore: null,
    cpuAnomalyScore: null,
    memoryAnomalyScore: null,
    logErrorsPerMinute: null,
    evidence: [],
  }
}
