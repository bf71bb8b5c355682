import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Light } from '../contracts/assessment.ts'
import type { Condition } from '../contracts/runbook.ts'
import { chooseRunbook, firstSolution, matchesPattern, weigh } from './runbook-match.ts'
import { aRunbook, someFacts } from './runbook-stand-in.ts'

const LEAKING = someFacts({ cause: 'memory-limit', memoryShareOfLimit: 0.9, state: 'running' })
const HIGH = { fact: 'memoryShareOfLimit', above: 0.8 }

describe('one condition', () => {
  const facts = someFacts({ memoryShareOfLimit: 0.91236, oomKillsLastHour: 2, image: 'shop/api:1.4', restartCount: 0 })
  test.each<[Condition, boolean | null, string]>([
    [{ fact: 'memoryShareOfLimit', above: 0.9 }, true, 'memoryShareOfLimit is 0.9124, above 0.9'],
    [{ fact: 'memoryShareOfLimit', below: 0.9 }, false, 'memoryShareOfLimit is 0.9124, not below 0.9'],
    [{ fact: 'oomKillsLastHour', above: 2 }, false, 'oomKillsLastHour is 2, not above 2'],
    [{ fact: 'oomKillsLastHour', below: 2 }, false, 'oomKillsLastHour is 2, not below 2'],
    [{ fact: 'oomKillsLastHour', atLeast: 2 }, true, 'oomKillsLastHour is 2, at least 2'],
    [{ fact: 'oomKillsLastHour', atMost: 2 }, true, 'oomKillsLastHour is 2, at most 2'],
    [{ fact: 'restartCount', is: 0 }, true, 'restartCount is 0, 0'],
    [{ fact: 'image', is: 'shop/*' }, true, 'image is "shop/api:1.4", "shop/*"'],
    [{ fact: 'image', is: 'shop' }, false, 'image is "shop/api:1.4", not "shop"'],
    [{ fact: 'hostDiskFreeShare', below: 0.9 }, null, 'hostDiskFreeShare is not known'],
    [{ fact: 'composeService', is: '*' }, null, 'composeService is not known'],
  ])('%j', (condition, met, reason) => expect(weigh(condition, facts)).toEqual({ met, reason }))

  test('on what is no number is not met', () => {
    const odd = someFacts({ probability: Number.NaN, oomKillsLastHour: 'many' })
    expect(weigh({ fact: 'probability', below: 1 }, odd)).toEqual({ met: null, reason: 'probability is not known' })
    expect(weigh({ fact: 'oomKillsLastHour', below: 1 }, odd).met).toBeNull()
  })
})

describe('a pattern', () => {
  test.each([
    ['api', 'api', true],
    ['api', 'ap', false],
    ['api', '*', true],
    ['', '*', true],
    ['', '', true],
    ['shop-api-1', 'shop-*-1', true],
    ['shop-1', 'shop-*-1', false],
    ['aXbXc', 'a*b*c', true],
    ['abc', '*b*', true],
    ['aa', 'a*a*a', false],
    ['API', 'api', false],
    ['a.c', 'a.c', true],
    ['abc', 'a.c', false],
    ['a(b', '*(*', true],
    ['abab', '*ab', true],
    ['ab', '**', true],
  ])('%j %j %s', (text, pattern, expected) => expect(matchesPattern(text, pattern)).toBe(expected))

  test('says the same as a regular expression', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 12 })
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), letters, (text, pattern) => {
        expect(matchesPattern(text, pattern)).toBe(new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text))
      }),
    )
  })

  test('made to take long does not', () => {
    const began = performance.now()
    expect(matchesPattern('a'.repeat(10_000), `${'a*'.repeat(99)}b`)).toBe(false)
    expect(performance.now() - began).toBeLessThan(200)
  })
})

describe('the choice', () => {
  test('is the one with more conditions, then the first by name, whatever the order', () => {
    const plain = aRunbook({ name: 'a-plain' })
    const precise = aRunbook({ name: 'z-precise', conditions: [HIGH] })
    const alike = aRunbook({ name: 'y-alike', conditions: [HIGH] })
    for (const runbooks of [
      [plain, precise, alike],
      [alike, precise, plain],
    ]) {
      const { runbook, reason, rejected } = chooseRunbook(runbooks, LEAKING, 'critical')
      expect(runbook?.name).toBe('y-alike')
      expect(reason).toBe(
        'y-alike: the cause is memory-limit and the light critical; memoryShareOfLimit is 0.9, above 0.8',
      )
      expect(rejected).toEqual([
        { name: 'z-precise', reason: 'it fits too; y-alike comes before it' },
        { name: 'a-plain', reason: 'it fits too; y-alike comes before it' },
      ])
    }
  })

  test.each<[string, Record<string, unknown>, Light, string]>([
    ['a disabled one', { enabled: false }, 'critical', 'it is not enabled'],
    [
      'one for another cause',
      { trigger: { causes: ['unhealthy'] } },
      'critical',
      'the cause is memory-limit, not unhealthy',
    ],
    ['one for a brighter light', {}, 'medium', 'the cause is memory-limit and the light medium, not critical'],
    [
      'one with a condition that is not met',
      { conditions: [HIGH, { fact: 'state', is: 'paused' }] },
      'critical',
      'state is "running", not "paused"',
    ],
    [
      'one that asks for what is not known',
      { conditions: [{ fact: 'hostCpuBusyShare', below: 0.5 }] },
      'critical',
      'hostCpuBusyShare is not known',
    ],
  ])('leaves out %s, and says why', (_, different, light, reason) => {
    expect(chooseRunbook([aRunbook(different)], LEAKING, light)).toEqual({
      runbook: null,
      reason: 'no runbook fits',
      rejected: [{ name: 'memory-leak', reason }],
    })
  })

  test('takes a medium light where the runbook does', () => {
    const early = aRunbook({ trigger: { causes: ['memory-limit'], light: 'medium' } })
    for (const light of ['medium', 'critical'] as const)
      expect(chooseRunbook([early], LEAKING, light).runbook).toBe(early)
    expect(chooseRunbook([early], LEAKING, 'low').runbook).toBeNull()
  })

  test('is none without a cause, and none without a runbook', () => {
    const [rejected] = chooseRunbook([aRunbook()], someFacts(), 'critical').rejected
    expect(rejected?.reason).toBe('the cause is not known')
    expect(chooseRunbook([], LEAKING, 'critical').reason).toBe('there is no runbook')
  })

  test('leaves the list as it was', () => {
    const runbooks = Object.freeze([aRunbook({ name: 'b' }), aRunbook({ name: 'a' })])
    expect(chooseRunbook(runbooks, LEAKING, 'critical').runbook?.name).toBe('a')
  })
})

test.each([
  [0.96, 'restart'],
  [0.95, 'restart'],
  [0.94, 'note'],
  [0.4, undefined],
  [null, undefined],
])('at %j a ladder of restart (95 %%) and note (50 %%) begins with %s', (probability, action) => {
  const runbook = aRunbook({
    solutions: [
      { action: 'restart', confidence: 0.95 },
      { action: 'note', confidence: 0.5 },
    ],
  })
  expect(firstSolution(runbook, probability)?.action).toBe(action)
})
