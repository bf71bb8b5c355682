/** Thresholds taken along the sorted scores, as in the authors' implementation. */
const THRESHOLDS = 250

/** First and last row of an anomaly, both inclusive. */
type Stretch = { from: number; to: number }

function stretchesOf(labels: ArrayLike<number>): Stretch[] {
  const stretches: Stretch[] = []
  for (let row = 0; row < labels.length; row++) {
    if (!labels[row]) continue
    if (row > 0 && labels[row - 1]) stretches.at(-1)!.to = row
    else stretches.push({ from: row, to: row })
  }
  return stretches
}

/** Anomalies with half a buffer on either side; those whose buffers meet become one. */
function withBuffers(stretches: readonly Stretch[], half: number, rows: number): Stretch[] {
  const merged: Stretch[] = []
  for (const { from, to } of stretches) {
    const last = merged.at(-1)
    const end = Math.min(rows - 1, to + half)
    if (last !== undefined && last.to >= from - half) last.to = end
    else merged.push({ from: Math.max(0, from - half), to: end })
  }
  return merged
}

/** Labels of the rows beside the anomalies: sqrt(1 - distance / buffer) up to half a buffer away, summed, at most 1. */
function softLabels(labels: ArrayLike<number>, stretches: readonly Stretch[], buffer: number): Map<number, number> {
  const soft = new Map<number, number>()
  const add = (row: number, distance: number) => {
    if (row < 0 || row >= labels.length || labels[row]) return
    soft.set(row, Math.min(1, (soft.get(row) ?? 0) + Math.sqrt(1 - distance / buffer)))
  }
  for (const { from, to } of stretches) {
    for (let distance = 1; distance <= Math.floor(buffer / 2); distance++) {
      add(from - distance, distance)
      add(to + distance, distance)
    }
  }
  return soft
}

/**
 * Volume under the surface of range-based precision and recall over thresholds and buffers 0..maxBuffer rows (VUS-PR):
 * 0..1, higher is better, and indifferent to alarms that are a little early or late. `labels` are 0 or 1, one for each
 * score; `null` where none is 1. Source: Paparrizos et al., Volume Under the Surface, PVLDB 15(11), 2022, with the
 * conventions of the authors' fast implementation: 250 thresholds, steps instead of trapezoids, and only the raised
 * rows of a buffer counting as positives.
 */
export function vusPr(scores: ArrayLike<number>, labels: ArrayLike<number>, maxBuffer = 100): number | null {
  const rows = scores.length
  const stretches = stretchesOf(labels)
  if (stretches.length === 0) return null
  const descending = Float64Array.from(scores).sort().reverse()
  const thresholds = Float64Array.from(
    { length: THRESHOLDS },
    (_, k) => descending[Math.floor((k * (rows - 1)) / (THRESHOLDS - 1))]!,
  )

  /** The first, highest threshold that a score reaches. */
  const reached = (score: number) => {
    let low = 0
    let high = THRESHOLDS - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (score >= thresholds[middle]!) high = middle
      else low = middle + 1
    }
    return low
  }
  const firstReached = Uint8Array.from({ length: rows }, (_, row) => reached(scores[row]!))
  const raisedAt = new Float64Array(THRESHOLDS)
  const rightAt = new Float64Array(THRESHOLDS)
  let positives = 0
  for (let row = 0; row < rows; row++) {
    raisedAt[firstReached[row]!]! += 1
    if (!labels[row]) continue
    rightAt[firstReached[row]!]! += 1
    positives += 1
  }

  const areaOf = (buffer: number) => {
    const softAt = new Float64Array(THRESHOLDS)
    for (const [row, label] of softLabels(labels, stretches, buffer)) softAt[firstReached[row]!]! += label
    const foundAt = new Float64Array(THRESHOLDS)
    const ranges = withBuffers(stretches, Math.floor(buffer / 2), rows)
    for (const { from, to } of ranges) foundAt[Math.min(...firstReached.subarray(from, to + 1))]! += 1
    let area = 0
    let raised = 0
    let right = 0
    let soft = 0
    let found = 0
    let recallBefore = 0
    for (let k = 0; k < THRESHOLDS; k++) {
      raised += raisedAt[k]!
      right += rightAt[k]!
      soft += softAt[k]!
      found += foundAt[k]!
      const existence = found / ranges.length
      const recall = Math.min((right + soft) / (positives + soft / 2), 1) * existence
      area += (recall - recallBefore) * ((right + soft) / raised)
      recallBefore = recall
    }
    return area
  }
  let volume = 0
  for (let buffer = 0; buffer <= maxBuffer; buffer++) volume += areaOf(buffer)
  return volume / (maxBuffer + 1)
}
