import type { Observed } from './observe-run.ts'

/** From so long before a failure on the alarm must stand without a pause for it to count as foreseen. */
const FORESEEN_MS = 5_000
/** An alarm that comes back within this time is the same one. */
const SAME_ALARM_SECONDS = 30
const HORIZON_MS = 60_000
const BINS = 10

/** Whether somebody who watches would be alarmed, for each second of a run. */
export type Alarms = (run: Observed) => boolean[]

export type ForeseenRow = { family: string; kind: string; sign: string; leadSeconds: number | null; foreseen: boolean }

/** Each failure of a run that did not last already, with how long the alarm had stood when it came. */
export function failuresSeen(run: Observed, alarms: readonly boolean[]): ForeseenRow[] {
  const { header, seconds } = run
  return header.failures.map(({ sign, at }) => {
    let index = seconds.findLastIndex((second) => second.at < at)
    const last = index
    while (index >= 0 && alarms[index] === true) index -= 1
    const since = seconds[index + 1]
    const leadMs = index === last || since === undefined ? null : at - since.at
    return {
      family: header.family,
      kind: header.kind,
      sign,
      leadSeconds: leadMs === null ? null : leadMs / 1000,
      foreseen: leadMs !== null && leadMs >= FORESEEN_MS,
    }
  })
}

/** How often an alarm began that no failure followed within the horizon. */
export function falseAlarms(run: Observed, alarms: readonly boolean[]): number {
  let count = 0
  let lastAlarm = Number.NEGATIVE_INFINITY
  for (const [index, alarmed] of alarms.entries()) {
    if (!alarmed) continue
    const began = index - lastAlarm > SAME_ALARM_SECONDS
    lastAlarm = index
    const second = run.seconds[index]!
    const failed = run.header.failures.some(({ at }) => at > second.at && at <= second.at + HORIZON_MS)
    if (began && !second.failing && !failed) count += 1
  }
  return count
}

export type Bin = {
  from: number
  to: number
  share: number
  meanProbability: number
  observed: number
  seconds: number
}
export type Reliability = {
  seconds: number
  baseRate: number
  brier: number
  brierSkill: number
  ece: number
  bins: Bin[]
}

/**
 * How well probabilities agree with what came: Brier score, its skill over always saying the base rate, and the expected
 * calibration error in ten bins of equal width. `each` says what counts alike: a run, or a second.
 */
export function reliability(
  runs: readonly { outcomes: readonly { p: number; y: number }[] }[],
  each: 'run' | 'second',
): Reliability {
  const bins = Array.from({ length: BINS }, () => ({ weight: 0, p: 0, y: 0, seconds: 0 }))
  let [weight, brier, positives, seconds] = [0, 0, 0, 0]
  for (const { outcomes } of runs)
    for (const { p, y } of outcomes) {
      const w = each === 'run' ? 1 / outcomes.length : 1
      const bin = bins[Math.min(BINS - 1, Math.floor(p * BINS))]!
      bin.weight += w
      bin.p += w * p
      bin.y += w * y
      bin.seconds += 1
      weight += w
      brier += w * (p - y) ** 2
      positives += w * y
      seconds += 1
    }
  const baseRate = positives / weight
  const score = brier / weight
  return {
    seconds,
    baseRate,
    brier: score,
    brierSkill: 1 - score / (baseRate * (1 - baseRate)),
    ece: bins.reduce((sum, bin) => sum + Math.abs(bin.p - bin.y), 0) / weight,
    bins: bins.map((bin, index) => ({
      from: index / BINS,
      to: (index + 1) / BINS,
      share: bin.weight / weight,
      meanProbability: bin.weight === 0 ? 0 : bin.p / bin.weight,
      observed: bin.weight === 0 ? 0 : bin.y / bin.weight,
      seconds: bin.seconds,
    })),
  }
}

/** The middle of some numbers, or a quantile of them; `null` of none. */
export function quantile(values: readonly number[], share = 0.5): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}
