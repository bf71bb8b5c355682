import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { epochMs, windowsOfTimes } from './nab-corpus.ts'
import { NAB_PROFILES, type NabProfile, nabFileScore } from './nab-score.ts'

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
