import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LabelWindow, NAB_PROFILES, type NabProfile, nabFileScore } from './nab-score.ts'

/** Rows of published results, and the labels they were made with, as `expected.json` holds them. */
type Published = {
  windows: Record<string, [string, string][]>
  expected: { detector: string; profile: string; file: string; threshold: number; score: number }[]
}

/** The benchmark's own names of its profiles. */
const PROFILES: Record<string, NabProfile> = {
  standard: NAB_PROFILES.standard,
  reward_low_FP_rate: NAB_PROFILES.lowFalsePositives,
  reward_low_FN_rate: NAB_PROFILES.lowFalseNegatives,
}

/** Turns windows given by their first and last time into rows: those whose time lies between. Times in ascending order. */
export function windowsOfTimes(atMs: ArrayLike<number>, spans: readonly (readonly [number, number])[]): LabelWindow[] {
  return spans
    .map(([fromMs, toMs]) => {
      let from = 0
      while (from < atMs.length && atMs[from]! < fromMs) from += 1
      let to = from - 1
      while (to + 1 < atMs.length && atMs[to + 1]! <= toMs) to += 1
      return { from, to }
    })
    .filter(({ from, to }) => to >= from)
    .sort((a, b) => a.from - b.from)
}

const epochMs = (time: string) => Date.parse(`${time.replace(' ', 'T')}Z`)

/**
 * Scores published score files of other detectors (`<folder>/<detector>/<file>` with `timestamp,anomaly_score,...`)
 * and compares with the published results in `<folder>/expected.json`.
 */
export function checkAgainstPublished(folder: string): { compared: number; largestDifference: number } {
  const { windows, expected } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Published
  let largestDifference = 0
  for (const { detector, profile, file, threshold, score } of expected) {
    const rows = readFileSync(join(folder, detector, file), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
    const cells = rows.map((row) => row.split(','))
    const spans = (windows[file] ?? []).map(([from, to]) => [epochMs(from), epochMs(to)] as const)
    const scored = {
      scores: cells.map(([, value]) => Number(value)),
      windows: windowsOfTimes(
        cells.map(([time]) => epochMs(time!)),
        spans,
      ),
    }
    const own = nabFileScore(scored, threshold, PROFILES[profile]!)
    largestDifference = Math.max(largestDifference, Math.abs(own - score))
  }
  return { compared: expected.length, largestDifference }
}
