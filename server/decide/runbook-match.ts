import type { Light } from '../contracts/assessment.ts'
import type { Condition, Facts, Runbook, Solution } from '../contracts/runbook.ts'

/** `met` is `null` where the fact is not known, which does not meet the condition either. */
export type Weighed = { met: boolean | null; reason: string }

export type Choice = {
  runbook: Runbook | null
  reason: string
  rejected: { name: string; reason: string }[]
}

/**
 * Whether a text is what a pattern says, where `*` stands for any run of characters. The pieces between the stars are
 * looked for one after the other, each as early as it comes: nothing is tried twice.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  const pieces = pattern.split('*')
  const first = pieces.shift()!
  const last = pieces.pop()
  if (last === undefined) return text === pattern
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let from = first.length
  for (const piece of pieces) {
    const found = text.indexOf(piece, from)
    if (found < 0 || found + piece.length > end) return false
    from = found + piece.length
  }
  return true
}

const inWords = (value: number | string): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(4))) : `"${value}"`

/** The comparison of a condition, in words, with its test. `null` where the fact is of another kind. */
function comparisonOf(
  { is, above, below, atLeast, atMost }: Condition,
  value: number | string,
): { holds: boolean; words: string } | null {
  if (is !== undefined) {
    if (typeof is !== typeof value) return null
    const holds = typeof is === 'string' ? matchesPattern(String(value), is) : value === is
    return { holds, words: inWords(is) }
  }
  if (typeof value !== 'number') return null
  if (above !== undefined) return { holds: value > above, words: `above ${above}` }
  if (below !== undefined) return { holds: value < below, words: `below ${below}` }
  if (atLeast !== undefined) return { holds: value >= atLeast, words: `at least ${atLeast}` }
  return atMost === undefined ? null : { holds: value <= atMost, words: `at most ${atMost}` }
}

/** Whether a condition holds, and why. */
export function weigh(condition: Condition, facts: Facts): Weighed {
  const { fact } = condition
  const value = facts[fact]
  const known = value !== null && !Number.isNaN(value)
  const comparison = known ? comparisonOf(condition, value) : null
  if (!known || comparison === null) return { met: null, reason: `${fact} is not known` }
  const { holds, words } = comparison
  return { met: holds, reason: `${fact} is ${inWords(value)}, ${holds ? '' : 'not '}${words}` }
}

const RANK: Record<Light, number> = { low: 0, medium: 1, critical: 2 }

/** Whether the trigger is there, and why. */
export function weighTrigger({ trigger }: Runbook, facts: Facts, light: Light): Weighed {
  const { cause } = facts
  if (cause === null) return { met: null, reason: 'the cause is not known' }
  if (!trigger.causes.some((one) => one === cause))
    return { met: false, reason: `the cause is ${cause}, not ${trigger.causes.join(' or ')}` }
  const bright = RANK[light] >= RANK[trigger.light]
  return {
    met: bright,
    reason: `the cause is ${cause} and the light ${light}${bright ? '' : `, not ${trigger.light}`}`,
  }
}

/** All that a runbook asks for, in its order: the trigger, then the conditions. */
export function weighAll(runbook: Runbook, facts: Facts, light: Light): Weighed[] {
  return [weighTrigger(runbook, facts, light), ...runbook.conditions.map((condition) => weigh(condition, facts))]
}

/** More conditions know the case better; among equals the name decides, so that the order of files does not. */
const byPrecision = (a: Runbook, b: Runbook): number =>
  b.conditions.length - a.conditions.length || (a.name < b.name ? -1 : Number(a.name > b.name))

/**
 * The runbook for a situation: the first enabled one whose trigger and conditions all hold, those with more conditions
 * first, then by name. Says why each of the others is not it.
 */
export function chooseRunbook(runbooks: readonly Runbook[], facts: Facts, light: Light): Choice {
  const rejected: Choice['rejected'] = []
  let chosen: { runbook: Runbook; reason: string } | null = null
  for (const runbook of runbooks.toSorted(byPrecision)) {
    const { name } = runbook
    if (!runbook.enabled) {
      rejected.push({ name, reason: 'it is not enabled' })
      continue
    }
    const weighed = weighAll(runbook, facts, light)
    const missing = weighed.find(({ met }) => met !== true)
    if (missing !== undefined) rejected.push({ name, reason: missing.reason })
    else if (chosen !== null) rejected.push({ name, reason: `it fits too; ${chosen.runbook.name} comes before it` })
    else chosen = { runbook, reason: `${name}: ${weighed.map(({ reason }) => reason).join('; ')}` }
  }
  return chosen === null
    ? { runbook: null, reason: runbooks.length === 0 ? 'there is no runbook' : 'no runbook fits', rejected }
    : { ...chosen, rejected }
}

/** The threshold where the operator sets none. */
const THRESHOLD = 0.85

/** The solution that a runbook begins with at a probability: the first whose confidence is reached, or `null`. */
export function firstSolution(
  { solutions }: Runbook,
  probability: number | null,
  threshold = THRESHOLD,
): Solution | null {
  return solutions.find(({ confidence = threshold }) => probability !== null && probability >= confidence) ?? null
}
