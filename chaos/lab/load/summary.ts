/** One request; `failure` is a status or an error's code, `null` where it was answered in time. */
export type Outcome = { milliseconds: number; failure: string | null }

export type Total = {
  requests: number
  failed: number
  /** Share of the requests that were answered; `null` where there were none. */
  availability: number | null
  failures: Record<string, number>
}
export type Summary = Total & { p50Ms: number | null; p95Ms: number | null }

const availabilityOf = (requests: number, failed: number) => (requests === 0 ? null : 1 - failed / requests)

/** Nearest rank, as whole milliseconds. */
function percentile(sorted: number[], share: number): number | null {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  return value === undefined ? null : Math.round(value)
}

export function summarise(outcomes: readonly Outcome[]): Summary {
  const failures: Record<string, number> = {}
  for (const { failure } of outcomes) if (failure !== null) failures[failure] = (failures[failure] ?? 0) + 1
  const failed = outcomes.filter(({ failure }) => failure !== null).length
  const sorted = outcomes.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)
  return {
    requests: outcomes.length,
    failed,
    availability: availabilityOf(outcomes.length, failed),
    p50Ms: percentile(sorted, 0.5),
    p95Ms: percentile(sorted, 0.95),
    failures,
  }
}

export function totalOf(parts: readonly Total[]): Total {
  const failures: Record<string, number> = {}
  let [requests, failed] = [0, 0]
  for (const part of parts) {
    requests += part.requests
    failed += part.failed
    for (const [failure, count] of Object.entries(part.failures)) failures[failure] = (failures[failure] ?? 0) + count
  }
  return { requests, failed, availability: availabilityOf(requests, failed), failures }
}
