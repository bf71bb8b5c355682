import { z } from 'zod'
import { Cause } from './assessment.ts'
import { ContainerState, Health } from './telemetry.ts'

/** What a runbook can ask for: one closed list. `note` touches nothing. */
export const RemedyKind = z.enum([
  'note',
  'raise-memory-limit',
  'raise-cpu-limit',
  'pause-neighbour',
  'restart',
  'restart-in-order',
  'isolate',
  'stop',
])
export type RemedyKind = z.infer<typeof RemedyKind>

/** What is known at the moment of a decision. Shares are 0..1. */
export const FactName = z.enum([
  'probability',
  'timeToLimitSeconds',
  'state',
  'health',
  'cause',
  'cpuShareOfLimit',
  'memoryShareOfLimit',
  'pidsShareOfLimit',
  'throttledShare',
  'oomKillsLastHour',
  'crashesLastHour',
  'restartCount',
  'hostCpuBusyShare',
  'hostMemoryAvailableShare',
  'hostDiskFreeShare',
  /** Of the host's cores, by the busiest container that may be paused. */
  'neighbourCpuShareOfHost',
  'containerName',
  'composeProject',
  'composeService',
  'image',
])
export type FactName = z.infer<typeof FactName>

/** `null` is unknown: a condition on it is not met. */
export type Facts = Record<FactName, number | string | null>

const TEXT_FACTS: ReadonlySet<FactName> = new Set([
  'state',
  'health',
  'cause',
  'containerName',
  'composeProject',
  'composeService',
  'image',
])

/** Facts of few words: another one is a slip, and would never be met. */
const WORDS_OF_FACT: Partial<Record<FactName, readonly string[]>> = {
  state: ContainerState.options,
  health: Health.options,
  cause: Cause.options,
}

const isShare = (fact: FactName): boolean => fact === 'probability' || fact.includes('Share')

export const COMPARISONS = ['is', 'above', 'below', 'atLeast', 'atMost'] as const

const amount = z.number().min(0).max(1e9)

/** What is wrong with a condition: exactly one comparison, and one that the fact can be compared by. */
function problemOf(condition: {
  fact: FactName
  [comparison: string]: unknown
}): { at?: string; message: string } | null {
  const { fact } = condition
  const given = COMPARISONS.filter((one) => condition[one] !== undefined)
  const [at] = given
  if (at === undefined || given.length > 1)
    return { message: `a condition needs exactly one of ${COMPARISONS.join(', ')}; here are ${given.length}` }
  const value = condition[at]
  if (!TEXT_FACTS.has(fact)) {
    if (typeof value !== 'number') return { at, message: `${fact} is a number: compare it with a number` }
    const percent = isShare(fact) && value > 1
    return percent ? { at, message: `${fact} is a share of 0 to 1: write 0.9 for 90 %` } : null
  }
  if (typeof value !== 'string') return { at, message: `${fact} is text: compare it with is and a text` }
  const words = WORDS_OF_FACT[fact]
  if (words === undefined || value.includes('*') || words.includes(value)) return null
  return { at, message: `${fact} is never "${value}", but one of ${words.join(', ')}` }
}

/** A fact beside a value. `is` on text may hold `*` for any run of characters. */
export const Condition = z
  .strictObject({
    fact: FactName,
    is: z.union([z.string().min(1).max(200), amount], { error: 'is takes a text or a number' }).optional(),
    above: amount.optional(),
    below: amount.optional(),
    atLeast: amount.optional(),
    atMost: amount.optional(),
  })
  .superRefine((condition, context) => {
    const problem = problemOf(condition)
    if (problem !== null)
      context.addIssue({ code: 'custom', path: problem.at === undefined ? [] : [problem.at], message: problem.message })
  })
export type Condition = z.infer<typeof Condition>

const RAISES: ReadonlySet<RemedyKind> = new Set(['raise-memory-limit', 'raise-cpu-limit'])
const LEASED: ReadonlySet<RemedyKind> = new Set([...RAISES, 'pause-neighbour', 'isolate'])

/** A raise of a half is felt and seldom more than a host has; half an hour is time for a person to look. */
const RAISE_BY = 1.5
const LEASE_MINUTES = 30

/**
 * One step of a runbook's ladder, tried `attempts` times from `confidence` on (the operator's threshold, where that is
 * higher or none is given), with `waitSeconds` after each attempt.
 * `raiseBy` is there where a limit is raised, `leaseMinutes` where what is done is taken back by itself.
 */
export const Solution = z
  .strictObject({
    action: RemedyKind,
    confidence: z.number().min(0.5).max(1).optional(),
    attempts: z.int().min(1).max(5).default(1),
    waitSeconds: z.number().min(0).max(3600).default(30),
    raiseBy: z.number().min(1.05).max(4).optional(),
    leaseMinutes: z.number().min(1).max(1440).optional(),
  })
  .superRefine(({ action, raiseBy, leaseMinutes }, context) => {
    const only = (kinds: ReadonlySet<RemedyKind>) => `is only for ${[...kinds].join(', ')}, not for ${action}`
    if (raiseBy !== undefined && !RAISES.has(action))
      context.addIssue({ code: 'custom', path: ['raiseBy'], message: `raiseBy ${only(RAISES)}` })
    if (leaseMinutes !== undefined && !LEASED.has(action))
      context.addIssue({ code: 'custom', path: ['leaseMinutes'], message: `leaseMinutes ${only(LEASED)}` })
  })
  .transform((solution) => ({
    ...solution,
    ...(RAISES.has(solution.action) && { raiseBy: solution.raiseBy ?? RAISE_BY }),
    ...(LEASED.has(solution.action) && { leaseMinutes: solution.leaseMinutes ?? LEASE_MINUTES }),
  }))
export type Solution = z.infer<typeof Solution>

const sentence = (longest: number) => z.string().trim().min(1).max(longest)

export const Trigger = z.strictObject({
  causes: z.array(Cause).min(1),
  light: z.enum(['medium', 'critical']).default('critical'),
})

export const Verify = z
  .strictObject({
    calmSeconds: z.number().min(1).max(3600).default(20),
    withinSeconds: z.number().min(1).max(7200).default(120),
  })
  .refine(({ calmSeconds, withinSeconds }) => calmSeconds <= withinSeconds, {
    path: ['withinSeconds'],
    error: 'withinSeconds must be at least calmSeconds: else nothing can count as a help',
  })

/**
 * What to do about one kind of trouble: when it applies, the ladder of solutions, when a solution counts as a help, and
 * what a person is told when none did.
 */
export const Runbook = z.strictObject({
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, { error: 'name must be in kebab-case, such as memory-leak' }),
  title: sentence(120),
  enabled: z.boolean().default(true),
  trigger: Trigger,
  conditions: z.array(Condition).max(16).default([]),
  solutions: z.array(Solution).min(1).max(6),
  verify: Verify.prefault({}),
  escalate: sentence(500),
})
export type Runbook = z.infer<typeof Runbook>
