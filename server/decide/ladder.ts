import type { Cause } from '../contracts/assessment.ts'
import type { Action, ActionKind, Deed, Target } from '../contracts/incident.ts'
import type { RemedyKind, Runbook, Solution } from '../contracts/runbook.ts'
import type { Container, Sample } from '../contracts/telemetry.ts'

/** How a kind of remedy did on one container for one cause. */
export type RemedyRecord = { helped: number; failed: number; meanDurationMs: number | null }

/** What is around a container. */
export type Surroundings = {
  hostCores: number | null
  hostMemoryTotalBytes: number | null
  hostMemoryAvailableBytes: number | null
  /** Who takes most of the CPU and may be paused; `null` where nobody does, or nobody may be. */
  neighbour: Target | null
  /** Who depends on it and runs, the nearest first; `null` where one of them may not be touched. */
  dependents: readonly Target[] | null
  /** Whether one of them lives in its network: it would lose it in a plain restart. */
  sharesNetwork: boolean
  /** Remedies on it whose lease is not over. */
  inForce: readonly ActionKind[]
  records: Partial<Record<ActionKind, RemedyRecord>>
}

export type LadderInput = {
  at: number
  container: Container
  cause: Cause
  sample: Sample | null
  probability: number
  runbook: Runbook
  /** Actions of the open incident so far. */
  actions: readonly Action[]
  surroundings: Surroundings
  threshold: number
}

export type Rung = { deed: Deed; solution: Solution; expectedDowntimeSeconds: number }
export type Choice = {
  rung: Rung | null
  reason: string
  rejected: { action: RemedyKind; reason: string }[]
  /** There is none yet: the wait after the last attempt is not over. */
  waits: boolean
}

/** A failure that nobody cures costs about so much: detected, woken up, cured by hand. */
const FAILURE_SECONDS = 60
/** Who depends on it is away for part of the time, too. */
const DEPENDENT_WEIGHT = 0.5
/** A raise must leave the host so much of its memory. */
const HOST_RESERVE_SHARE = 0.1
/** Tries until a remedy that did not help is retired, and the share of helps that keeps it. */
const RETIRE_AFTER = 3
const RETIRE_BELOW_SHARE = 1 / 3

/** Seconds that a remedy itself takes away where nothing was learnt yet. */
const OWN_SECONDS: Record<ActionKind, number> = {
  'raise-memory-limit': 0.5,
  'raise-cpu-limit': 0.5,
  'pause-neighbour': 30,
  restart: 8,
  'restart-in-order': 12,
  isolate: 300,
  stop: 600,
}

/** They end the harm that it does to others, not its own: for when nothing gentler is left that the runbook permits. */
const LAST_RESORTS: ReadonlySet<RemedyKind> = new Set(['isolate', 'stop'])

/**
 * How often a remedy helps before anything was learnt: out of ten. A neighbour is only paused where it takes half of the
 * host's cores: at five of ten nothing would be worth the half minute that it is priced at.
 */
const HELPS_OF_TEN: Partial<Record<Cause, Partial<Record<ActionKind, number>>>> = {
  'memory-limit': { restart: 9, 'restart-in-order': 9, 'raise-memory-limit': 6 },
  'cpu-saturation': { restart: 4, 'restart-in-order': 4, 'raise-cpu-limit': 7, 'pause-neighbour': 7 },
  unhealthy: { restart: 8, 'restart-in-order': 8, 'pause-neighbour': 7 },
  unknown: { 'pause-neighbour': 7 },
}
const HELPS_OTHERWISE_OF_TEN = 3

/** The share of tries in which a remedy helps: what was seen, with ten tries' worth of prior. */
function helpsShare(kind: ActionKind, cause: Cause, record: RemedyRecord | undefined): number {
  const prior = HELPS_OF_TEN[cause]?.[kind] ?? HELPS_OTHERWISE_OF_TEN
  const { helped = 0, failed = 0 } = record ?? {}
  return (prior + helped) / (10 + helped + failed)
}

/** Seconds of downtime to expect if this is done; `null` is doing nothing. */
export function expectedDowntimeSeconds(
  kind: ActionKind | null,
  { cause, probability, surroundings }: Pick<LadderInput, 'cause' | 'probability' | 'surroundings'>,
): number {
  const others = 1 + DEPENDENT_WEIGHT * (surroundings.dependents?.length ?? 0)
  if (kind === null) return probability * FAILURE_SECONDS * others
  const record = surroundings.records[kind]
  // Of a pause the neighbour pays the price, for its lease: how fast the engine did it says nothing of that.
  const learnt = kind === 'pause-neighbour' ? null : (record?.meanDurationMs ?? null)
  const own = learnt === null ? OWN_SECONDS[kind] : learnt / 1000
  const left = probability * (1 - helpsShare(kind, cause, record)) * FAILURE_SECONDS
  return (left + own) * (kind === 'raise-memory-limit' || kind === 'raise-cpu-limit' ? 1 : others)
}

const isRetired = (record: RemedyRecord | undefined): boolean =>
  record !== undefined &&
  record.failed >= RETIRE_AFTER &&
  record.helped / (record.helped + record.failed) < RETIRE_BELOW_SHARE

type Made = { deed: Deed } | { missing: string }

/** What each remedy needs, and what the engine is to be told for it. */
const DEEDS: Record<ActionKind, (input: LadderInput, solution: Solution) => Made> = {
  restart: ({ surroundings }) =>
    surroundings.sharesNetwork
      ? { missing: 'others live in its network and would lose it' }
      : { deed: { kind: 'restart' } },
  stop: () => ({ deed: { kind: 'stop' } }),
  'raise-memory-limit'({ container, surroundings }, { raiseBy = 1 }) {
    const { memoryLimitBytes } = container
    const { hostMemoryAvailableBytes: available, hostMemoryTotalBytes: total } = surroundings
    if (memoryLimitBytes === null) return { missing: 'it has no memory limit' }
    if (available === null || total === null) return { missing: 'how much memory the host has left is not known' }
    const toBytes = Math.round(memoryLimitBytes * raiseBy)
    const left = available - (toBytes - memoryLimitBytes)
    if (left < HOST_RESERVE_SHARE * total) return { missing: 'the host has not enough memory left' }
    return { deed: { kind: 'raise-memory-limit', fromBytes: memoryLimitBytes, toBytes } }
  },
  'raise-cpu-limit'({ container, surroundings }, { raiseBy = 1 }) {
    const { cpuLimitCores } = container
    if (cpuLimitCores === null) return { missing: 'it has no CPU limit' }
    const toCores = Math.min(cpuLimitCores * raiseBy, surroundings.hostCores ?? cpuLimitCores)
    if (toCores <= cpuLimitCores) return { missing: 'the host has no more cores' }
    return { deed: { kind: 'raise-cpu-limit', fromCores: cpuLimitCores, toCores } }
  },
  'pause-neighbour': ({ surroundings }) =>
    surroundings.neighbour === null
      ? { missing: 'no neighbour takes the CPU, or none may be paused' }
      : { deed: { kind: 'pause-neighbour', neighbour: surroundings.neighbour } },
  'restart-in-order'({ surroundings }) {
    const { dependents } = surroundings
    if (dependents === null) return { missing: 'one that depends on it may not be touched' }
    if (dependents.length === 0) return { missing: 'nobody depends on it: a plain restart does' }
    return { deed: { kind: 'restart-in-order', dependents: [...dependents] } }
  },
  isolate({ container: { networks: all, endpoints } }) {
    const networks = all.filter((network) => !UNLEAVABLE.has(network))
    return networks.length === 0
      ? { missing: 'it is in no network that it could leave' }
      : { deed: { kind: 'isolate', networks, endpoints } }
  },
}

/** The engine disconnects nobody from the host's own network, and "none" is none. */
const UNLEAVABLE: ReadonlySet<string> = new Set(['host', 'none'])

const DONE: ReadonlySet<Action['state']> = new Set(['executed', 'failed', 'verified', 'ineffective', 'unknown'])

/** Why a solution is not for now, and when it may still be: `later`, or where failure gets `likelier`. */
type NoRung = { reason: string; may?: 'later' | 'likelier' }

/** What a solution would be, or why it is none. */
function rungOf(solution: Solution, input: LadderInput): Rung | NoRung {
  const { at, actions, probability, threshold, surroundings } = input
  const { action: kind, confidence, attempts, waitSeconds } = solution
  if (kind === 'note') return { reason: 'it is only noted' }
  const needed = Math.max(confidence ?? threshold, threshold)
  if (probability < needed)
    return { reason: `it asks for a confidence of ${Math.round(needed * 100)} %`, may: 'likelier' }
  const before = actions.filter((action) => action.kind === kind && DONE.has(action.state))
  if (before.length >= attempts)
    return { reason: before.length === 1 ? 'it was tried' : `it was tried ${before.length} times` }
  const last = before.at(-1)
  if (last !== undefined && at - (last.finishedAt ?? last.at) < waitSeconds * 1000)
    return { reason: 'it was tried just now', may: 'later' }
  if (surroundings.inForce.includes(kind)) return { reason: 'it is in force already' }
  if (isRetired(surroundings.records[kind])) return { reason: 'it was retired: it did not help here' }
  const made = DEEDS[kind](input, solution)
  if ('missing' in made) return { reason: made.missing }
  return { deed: made.deed, solution, expectedDowntimeSeconds: expectedDowntimeSeconds(kind, input) }
}

/**
 * The rung of a runbook's ladder with the least downtime to expect, among those that are possible and not used up; the
 * earlier one of two alike. None where doing nothing costs less, or the ladder is at its end. What cuts the container off
 * or stops it is never weighed against the others: the first of these is taken where no other is left.
 */
export function chooseRung(input: LadderInput): Choice {
  const { runbook } = input
  const rejected: Choice['rejected'] = []
  let best: Rung | null = null
  let lastResort: Rung | null = null
  const mayCome = new Set<NoRung['may']>()
  for (const solution of runbook.solutions) {
    const rung = rungOf(solution, input)
    if ('reason' in rung) {
      rejected.push({ action: solution.action, reason: rung.reason })
      if (!LAST_RESORTS.has(solution.action)) mayCome.add(rung.may)
    } else if (LAST_RESORTS.has(solution.action)) lastResort ??= rung
    else if (best === null || rung.expectedDowntimeSeconds < best.expectedDowntimeSeconds) best = rung
  }
  const why = rejected.map(({ action, reason }) => `${action}: ${reason}`).join('; ')
  const gentlerMayCome = mayCome.has('later') || mayCome.has('likelier')
  if (best === null && lastResort !== null && !gentlerMayCome) {
    const { kind } = lastResort.deed
    const reason = `runbook ${runbook.name}: ${kind} is all that it permits now${why === '' ? '' : ` (${why})`}`
    return { rung: lastResort, reason, rejected, waits: false }
  }
  if (best === null)
    return { rung: null, reason: `runbook ${runbook.name}: ${why}`, rejected, waits: mayCome.has('later') }
  const idle = expectedDowntimeSeconds(null, input)
  const seconds = (value: number) => `${value.toFixed(1)} s`
  if (best.expectedDowntimeSeconds >= idle)
    return {
      rung: null,
      reason: `runbook ${runbook.name}: ${best.deed.kind} would cost ${seconds(best.expectedDowntimeSeconds)} of downtime, doing nothing ${seconds(idle)}`,
      rejected,
      waits: false,
    }
  return {
    rung: best,
    reason: `runbook ${runbook.name}: ${best.deed.kind} is expected to cost ${seconds(best.expectedDowntimeSeconds)} of downtime, doing nothing ${seconds(idle)}`,
    rejected,
    waits: false,
  }
}
