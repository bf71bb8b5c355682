import { encode, type Observation, STORED_METRICS } from './stored-metrics.ts'

/** Numbers of a row besides its time: the container, then the metrics in the order of the table `samples`. */
export const COLUMNS = 1 + STORED_METRICS.length

/** What is unknown; `encode` never gives it. */
export const UNKNOWN = -(2 ** 31)

/** A container as the store knows it. */
export type StoredContainer = { number: number; id: string; key: string; name: string; firstSeenMs: number }

/** One second of all containers as it is stored: `cells` has `COLUMNS` numbers a row. */
export type Batch = {
  number: number
  atMs: number
  /** Those that no earlier batch of the journal names. */
  containers: StoredContainer[]
  timesMs: Float64Array
  cells: Int32Array
}

/**
 * Observations as rows of whole numbers. `numberFor` gives a container's number; containers that are not in `named` are
 * listed with the batch. Throws RangeError for a time that is none.
 */
export function encodeBatch(
  observations: readonly Observation[],
  as: {
    number: number
    atMs: number
    numberFor: (containerId: string) => number
    named: ReadonlySet<number>
  },
): Batch {
  const fresh = new Map<number, StoredContainer>()
  const timesMs = new Float64Array(observations.length)
  const cells = new Int32Array(observations.length * COLUMNS)
  let row = 0
  for (const observation of observations) {
    const { sample, containerKey: key, containerName: name } = observation
    const at = Math.round(sample.at)
    if (!Number.isSafeInteger(at)) throw new RangeError(`a sample of ${name} has no time: ${sample.at}`)
    const number = as.numberFor(sample.containerId)
    if (!as.named.has(number) && !fresh.has(number))
      fresh.set(number, { number, id: sample.containerId, key, name, firstSeenMs: at })
    timesMs[row] = at
    let cell = row * COLUMNS
    cells[cell++] = number
    for (const metric of STORED_METRICS) cells[cell++] = encode(metric, metric.of(observation)) ?? UNKNOWN
    row += 1
  }
  return { number: as.number, atMs: Math.round(as.atMs), containers: [...fresh.values()], timesMs, cells }
}
