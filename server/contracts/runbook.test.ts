import { describe, expect, test } from 'vitest'
import { aRunbook } from '../decide/runbook-stand-in.ts'
import { Condition, RemedyKind, Runbook, Solution } from './runbook.ts'

test('what nobody wrote has a default', () => {
  expect(aRunbook()).toEqual({
    name: 'memory-leak',
    title: 'Memory grows towards the limit',
    enabled: true,
    trigger: { causes: ['memory-limit'], light: 'critical' },
    conditions: [],
    solutions: [{ action: 'restart', attempts: 1, waitSeconds: 30 }],
    verify: { calmSeconds: 20, withinSeconds: 120 },
    escalate: 'look at what it keeps in memory',
  })
})

test.each(RemedyKind.options)('%s has a raise and a lease where they mean something', (action) => {
  const { raiseBy, leaseMinutes } = Solution.parse({ action })
  expect(raiseBy).toBe(action.startsWith('raise-') ? 1.5 : undefined)
  expect(leaseMinutes).toBe(/^(raise-|pause|isolate)/.test(action) ? 30 : undefined)
})

describe('a condition is refused', () => {
  test.each([
    ['without a comparison', { fact: 'probability' }, 'exactly one of'],
    ['with two', { fact: 'probability', above: 0.5, below: 0.9 }, 'here are 2'],
    ['with a share in percent', { fact: 'memoryShareOfLimit', above: 85 }, 'write 0.9 for 90 %'],
    ['with a number as text', { fact: 'oomKillsLastHour', is: '2' }, 'is a number'],
    ['with text above a number', { fact: 'image', above: 2 }, 'is text'],
    ['with a word that never comes', { fact: 'health', is: 'unhelthy' }, 'never "unhelthy", but one of none, starting'],
    ['below nothing', { fact: 'oomKillsLastHour', below: -1 }, '>=0'],
    ['with what is no number', { fact: 'oomKillsLastHour', below: Number.NaN }, 'number'],
    ['on a fact that nobody knows', { fact: 'moonPhase', is: 'full' }, 'Invalid option'],
  ])('%s', (_, condition, words) => {
    const { error } = Condition.safeParse(condition)
    expect(error?.issues.map(({ message }) => message).join()).toContain(words)
  })
})

test.each([
  { fact: 'state', is: 'run*' },
  { fact: 'composeService', is: 'api' },
  { fact: 'oomKillsLastHour', is: 0 },
  { fact: 'timeToLimitSeconds', atMost: 600 },
])('a condition holds as it is: %j', (condition) => expect(Condition.parse(condition)).toEqual(condition))

test.each([
  ['a raise without a limit to raise', { solutions: [{ action: 'restart', raiseBy: 2 }] }],
  ['a lease of what cannot be taken back', { solutions: [{ action: 'stop', leaseMinutes: 5 }] }],
  ['no solution', { solutions: [] }],
  ['seven solutions', { solutions: Array.from({ length: 7 }, () => ({ action: 'note' })) }],
  ['no cause', { trigger: { causes: [] } }],
  ['a name with a path', { name: '../etc' }],
  ['a calm that comes too late to count', { verify: { calmSeconds: 300 } }],
  ['an empty escalation', { escalate: ' ' }],
  ['a light that is low', { trigger: { causes: ['unknown'], light: 'low' } }],
  ['a guess', { solutions: [{ action: 'restart', confidence: 0.4 }] }],
  ['an unknown key', { solution: [] }],
])('%s is refused', (_, different) => {
  expect(() => aRunbook(different)).toThrow()
  expect(Runbook.safeParse({ ...aRunbook(), ...different }).success).toBe(false)
})
