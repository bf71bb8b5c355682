/** What a hit, a miss and a false alarm weigh. */
export type NabProfile = { hit: number; miss: number; falseAlarm: number }

/** The three application profiles of the benchmark. */
export const NAB_PROFILES = {
  standard: { hit: 1, miss: 1, falseAlarm: 0.11 },
  lowFalsePositives: { hit: 1, miss: 1, falseAlarm: 0.22 },
  lowFalseNegatives: { hit: 1, miss: 2, falseAlarm: 0.11 },
} as const satisfies Record<string, NabProfile>

/** Rows from..to, both inclusive, in which an alarm is right. Ascending and apart from each other within a file. */
export type LabelWindow = { from: number; to: number }

/** One series: the score of every row, and where alarms are right. */
export type ScoredFile = { scores: ArrayLike<number>; windows: readonly LabelWindow[] }

/** How many rows at the start are for learning only: the first 15 %, at most 750. */
export function probationRows(rows: number): number {
  return Math.min(Math.floor(0.15 * rows), 750)
}

/** The scaled sigmoid: about 1 well before the end of a window, 0 at it, -1 well after. */
function sigmoid(position: number): number {
  return position > 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1
}

/** What an alarm in a row is worth, and the place in the file's list of the window it lies in (-1: outside). */
type RowValue = { value: number; window: number }

/** Calls `take` for every row after the probation. */
function eachRow(file: ScoredFile, profile: NabProfile, take: (row: number, value: RowValue) => void): void {
  const { windows } = file
  let window = 0
  for (let row = 0; row < file.scores.length; row++) {
    while (window < windows.length && row > windows[window]!.to) window += 1
    if (row < probationRows(file.scores.length)) continue
    const current = windows[window]
    if (current !== undefined && row >= current.from) {
      const position = -(current.to - row + 1) / (current.to - current.from + 1)
      take(row, { value: (profile.hit * sigmoid(position)) / sigmoid(-1), window })
      continue
    }
    const previous = windows[window - 1]
    const past = previous === undefined ? Infinity : (row - previous.to) / (previous.to - previous.from)
    take(row, { value: profile.falseAlarm * sigmoid(past), window: -1 })
  }
}

/** The windows that count: those not wholly within the probation. */
function countedWindows(file: ScoredFile): number {
  return file.windows.filter(({ to }) => to >= probationRows(file.scores.length)).length
}

/**
 * The raw NAB score of one file with alarms in the rows at or above the threshold: each window gives its earliest
 * alarm's value or costs a miss, each alarm outside costs by its distance from the window before. Source: Lavin and
 * Ahmad, Evaluating Real-time Anomaly Detection Algorithms, ICMLA 2015, as in the benchmark's own scorer.
 */
export function nabFileScore(file: ScoredFile, threshold: number, profile: NabProfile): number {
  const best = new Map<number, number>()
  let score = 0
  eachRow(file, profile, (row, { value, window }) => {
    if (!(file.scores[row]! >= threshold)) return
    if (window < 0) score += value
    else best.set(window, Math.max(best.get(window) ?? value, value))
  })
  for (const value of best.values()) score += value
  return score - profile.miss * (countedWindows(file) - best.size)
}

/** 0 for a detector that never raises, 100 for one that hits each window in its first row and nothing else. */
function normalise(raw: number, windows: number, profile: NabProfile): number {
  const silent = -profile.miss * windows
  return (100 * (raw - silent)) / (profile.hit * windows - silent)
}

/** The NAB score of a corpus, 0..100 (below 0 where silence were better), at one threshold for all files. */
export function nabScore(files: readonly ScoredFile[], threshold: number, profile: NabProfile): number {
  let raw = 0
  let windows = 0
  for (const file of files) {
    raw += nabFileScore(file, threshold, profile)
    windows += countedWindows(file)
  }
  return normalise(raw, windows, profile)
}

/**
 * The best NAB score of a corpus over all thresholds that make a difference (each score that occurs, and none at all),
 * and the threshold it has it at: what the benchmark publishes for a detector.
 */
export function nabSweep(files: readonly ScoredFile[], profile: NabProfile): { score: number; threshold: number } {
  const rows: { score: number; value: number; window: number }[] = []
  let windows = 0
  let firstWindow = 0
  for (const file of files) {
    eachRow(file, profile, (row, { value, window }) => {
      const score = file.scores[row]!
      if (!Number.isNaN(score)) rows.push({ score, value, window: window < 0 ? -1 : firstWindow + window })
    })
    windows += countedWindows(file)
    firstWindow += file.windows.length
  }
  rows.sort((a, b) => b.score - a.score)
  const best = new Float64Array(firstWindow).fill(-profile.miss)
  let raw = -profile.miss * windows
  let highest = raw
  let threshold = Infinity
  rows.forEach(({ score, value, window }, index) => {
    if (window < 0) raw += value
    else if (value > best[window]!) {
      raw += value - best[window]!
      best[window] = value
    }
    if (rows[index + 1]?.score === score || raw <= highest) return
    highest = raw
    threshold = score
  })
  return { score: normalise(highest, windows, profile), threshold }
}
