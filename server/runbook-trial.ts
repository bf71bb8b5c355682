import { SATURATION_FAILS_MS } from './analyse/saturation.ts'
import { durationInWords } from './analyse/words.ts'
import type { Incident } from './contracts/incident.ts'
import type { FactName, RemedyKind, Runbook } from './contracts/runbook.ts'
import { firstSolution, type Weighed, weigh, weighTrigger } from './decide/runbook-match.ts'
import { type Failure, failuresOf, type Moment, momentsOf, type StoredIncident } from './runbook-moments.ts'

/** `right`: it failed by itself later. `wrong`: it became calm by itself and did not fail. `unknown`: nobody can tell. */
export type TrialVerdict = 'right' | 'wrong' | 'unknown'

/** One time that the runbook would have begun, and what became of the container. */
export type Firing = {
  at: number
  incidentId: string
  containerName: string
  action: RemedyKind
  probability: number
  verdict: TrialVerdict
  outcome: string
}

/** An incident in which it would not have begun, and why; `missing` are facts that it asks for and nobody stored. */
export type Passed = {
  at: number
  incidentId: string
  containerName: string
  reason: string
  missing: FactName[]
}

export type Trial = { incidents: number; firings: Firing[]; passed: Passed[] }

/** What became of it after a moment, as far as the incident's own story tells. */
function outcomeOf(incident: Incident, at: number, failures: readonly Failure[]): Pick<Firing, 'verdict' | 'outcome'> {
  const { actions, history, historyOmitted, closedAt, cause, ending } = incident
  const after = (then: number) => (then - at < 1000 ? 'at that moment' : `${durationInWords(then - at)} later`)
  const touches = actions.filter(({ startedAt, state }) => startedAt !== null && state !== 'refused')
  const failure = failures.find((one) => one.at >= at)
  const between = touches.some(({ startedAt }) => startedAt! >= at && startedAt! < (failure?.at ?? 0))
  if (failure !== undefined && !between)
    return { verdict: 'right', outcome: `failed by itself ${after(failure.at)}: ${failure.text}` }
  const unknown = (outcome: string) => ({ verdict: 'unknown' as const, outcome })
  const [touch] = touches
  if (touch !== undefined) {
    const when = touch.startedAt! < at ? 'had been acted on before' : `was acted on ${after(touch.startedAt!)}`
    return unknown(`${when}: ${touch.kind}, ${touch.state}`)
  }
  if (closedAt === null) return unknown('is still open')
  if (historyOmitted > 0) return unknown(`${historyOmitted} lines of its story were not kept`)
  const end = history.findLast(({ event }) => event === 'incident.resolved')?.text ?? 'nobody wrote how it ended'
  if (ending !== 'passed') return unknown(`ended ${after(closedAt)}: ${end}`)
  if (cause === 'cpu-saturation' && closedAt - at >= SATURATION_FAILS_MS)
    // An incident's story does not say that.
    return unknown(`calm again ${after(closedAt)}; five minutes at the CPU limit are a failure that nobody wrote down`)
  return { verdict: 'wrong', outcome: `calmed by itself ${after(closedAt)}` }
}

type Fit = { fits: boolean | null; reason: string; missing: FactName[] }

/** Whether the runbook fits a moment: `null` where only what is not known speaks against it. */
function fitOf(runbook: Runbook, { facts, light }: Moment): Fit {
  const bright = weighTrigger(runbook, facts, 'critical')
  const trigger: Weighed =
    light === null && bright.met
      ? { met: null, reason: 'the light is not known' }
      : weighTrigger(runbook, facts, light ?? 'low')
  const conditions = runbook.conditions.map((condition) => ({ fact: condition.fact, ...weigh(condition, facts) }))
  const against = bright.met === false ? bright : [trigger, ...conditions].find(({ met }) => met === false)
  if (against !== undefined) return { fits: false, reason: against.reason, missing: [] }
  const missing = conditions.filter(({ met }) => met === null).map(({ fact }) => fact)
  if (trigger.met === null) missing.unshift('probability')
  const reason = [trigger, ...conditions].find(({ met }) => met === null)?.reason ?? 'it fits'
  return { fits: missing.length === 0 ? true : null, reason, missing }
}

/** The first moment at which the runbook would have begun in an incident, or why it would not. */
function tried(runbook: Runbook, stored: StoredIncident, failures: readonly Failure[]): Firing | Passed {
  const { incident } = stored
  const { id: incidentId, containerName, openedAt } = incident
  let closest: Fit | null = null
  for (const moment of momentsOf(stored, failures)) {
    const { at, facts } = moment
    const probability = typeof facts.probability === 'number' ? facts.probability : null
    const fit = fitOf(runbook, moment)
    const solution = fit.fits === true ? firstSolution(runbook, probability) : null
    if (solution !== null && probability !== null) {
      const outcome = outcomeOf(incident, at, failuresOf(incident))
      return { at, incidentId, containerName, action: solution.action, probability, ...outcome }
    }
    if (fit.fits === true) closest = { ...fit, reason: 'it fits, but no solution was sure enough' }
    else if (closest === null || (closest.fits === false && fit.fits === null)) closest = fit
  }
  const { reason = '', missing = [] } = closest ?? {}
  return { at: openedAt, incidentId, containerName, reason, missing }
}

/**
 * Where a runbook would have begun in stored incidents, each at most once, and what became of the containers without it.
 * Only the first solution is tried: what would have come after it, nobody knows. Oldest first.
 */
export function tryRunbook(runbook: Runbook, stored: readonly StoredIncident[]): Trial {
  const byContainer = Map.groupBy(stored, ({ incident }) => incident.containerKey)
  const failures = new Map(
    [...byContainer].map(([key, ofContainer]) => [key, ofContainer.flatMap(({ incident }) => failuresOf(incident))]),
  )
  const results = stored
    .toSorted((a, b) => a.incident.openedAt - b.incident.openedAt)
    .map((one) => tried(runbook, one, failures.get(one.incident.containerKey) ?? []))
  return {
    incidents: stored.length,
    firings: results.filter((one) => 'verdict' in one),
    passed: results.filter((one): one is Passed => !('verdict' in one)),
  }
}
