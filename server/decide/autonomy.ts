import type { Judgement } from '../contracts/autonomy.ts'

/** A record of judged decisions; `precisionLower` is the bound that the precision is above with 90 % confidence. */
export type TrackRecord = {
  judged: number
  right: number
  unknown: number
  precision: number | null
  precisionLower: number
}

export type AutonomySettings = { minJudged: number; minPrecisionLower: number }

/** One-sided 90 % point of the standard normal distribution. */
const Z90 = 1.281552

/** So many wrong actions in a row take the leave to act alone away. */
const WRONG_IN_A_ROW = 2

/**
 * Lower bound of a share of `successes` in `trials` by Wilson's score interval, one-sided 90 % or as `z` (a point of the
 * standard normal distribution) says; 0 without trials.
 * Source: Wilson, Journal of the American Statistical Association 22 (1927).
 */
export function wilsonLower(successes: number, trials: number, z = Z90): number {
  if (trials === 0) return 0
  const share = successes / trials
  const z2 = z ** 2
  const centre = share + z2 / (2 * trials)
  const margin = z * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials * trials))
  return Math.max(0, (centre - margin) / (1 + z2 / trials))
}

/** The record that judgements make. What could not be told counts neither way. */
export function trackRecord(judgements: readonly Judgement[]): TrackRecord {
  const told = judgements.filter(({ outcome }) => outcome !== 'unknown')
  const right = told.filter(({ outcome }) => outcome === 'right').length
  return {
    judged: told.length,
    right,
    unknown: judgements.length - told.length,
    precision: told.length === 0 ? null : right / told.length,
    precisionLower: wilsonLower(right, told.length),
  }
}

const percent = (share: number) => `${Math.round(share * 100)} %`

/** Judgements since the newest wrong action that was really done: after one, the record begins anew. */
function sinceLastWrong(judgements: readonly Judgement[]): readonly Judgement[] {
  const at = judgements.findLastIndex(({ done, outcome }) => done && outcome === 'wrong')
  return at < 0 ? judgements : judgements.slice(at + 1)
}

/**
 * Whether the record of one container and kind of action, oldest first, allows acting alone in `earned`; after a wrong
 * action it has to be earned again.
 */
export function mayActAlone(
  judgements: readonly Judgement[],
  settings: AutonomySettings,
): { allowed: boolean; reason: string } {
  const since = sinceLastWrong(judgements)
  const { judged, right, precisionLower } = trackRecord(since)
  const record = `${right} of ${judged} decisions were right`
  if (judged < settings.minJudged)
    return {
      allowed: false,
      reason: `${record}${since.length < judgements.length ? ' since a wrong action' : ''}, ${settings.minJudged} have to be judged`,
    }
  const allowed = precisionLower >= settings.minPrecisionLower
  return {
    allowed,
    reason: `${record}: precision above ${percent(precisionLower)} (90 % sure), ${percent(settings.minPrecisionLower)} ${allowed ? 'are' : 'would be'} enough`,
  }
}

/** Why `auto` is paused for one container and kind of action: a run of wrong ones; `null` where it is not. */
export function runOfWrong(judgements: readonly Judgement[]): string | null {
  const done = judgements.filter((one) => one.done && one.outcome !== 'unknown').slice(-WRONG_IN_A_ROW)
  if (done.length < WRONG_IN_A_ROW || done.some(({ outcome }) => outcome === 'right')) return null
  return `the last ${WRONG_IN_A_ROW} actions of this kind on it were wrong: a person decides until one is right`
}
