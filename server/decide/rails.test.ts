import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aHost, SETTINGS } from './incident-stand-in.ts'
import {
  BUDGET_WINDOW_MS,
  containerRail,
  cooldownAfter,
  type HostAction,
  hostRail,
  isQuiet,
  pausedUntilMs,
  stormOf,
} from './rails.ts'

const MINUTE = 60_000
const NOW = 100 * 60 * MINUTE

const action = (minutesAgo: number, helped: boolean | null, containerKey = 'shop/api/1'): HostAction => ({
  at: NOW - minutesAgo * MINUTE,
  containerKey,
  helped,
})
const ask = (different: Partial<Parameters<typeof containerRail>[0]>, host = aHost(), settings = SETTINGS) =>
  containerRail(
    {
      at: NOW,
      containerKey: 'shop/api/1',
      actionTimesMs: [],
      attempts: 0,
      lastWasGentle: false,
      mostPerHour: 3,
      ...different,
    },
    host,
    settings,
  )

describe('on the whole host', () => {
  test('nothing stands in the way of one container in trouble', () => {
    expect(hostRail(aHost({ containers: 10 }), SETTINGS, NOW)).toBeNull()
  })

  test('the stop switch holds all', () => {
    expect(hostRail(aHost({ stopped: 'we deploy' }), SETTINGS, NOW)).toEqual({
      verdict: 'hold',
      reason: 'the stop switch is on: we deploy',
    })
  })

  test('five incidents within a minute, a fifth of the containers, are a storm; it ends a minute after the last', () => {
    const openedAtMs = [1, 2, 3, 4, 5].map((second) => NOW - second * 1000)
    expect(stormOf(aHost({ containers: 25, openedAtMs }), NOW)).toBe(5)
    expect(stormOf(aHost({ containers: 26, openedAtMs }), NOW)).toBeNull()
    expect(stormOf(aHost({ containers: 25, openedAtMs: openedAtMs.slice(1) }), NOW)).toBeNull()
    expect(stormOf(aHost({ containers: 25, openedAtMs }), NOW + MINUTE)).toBeNull()
    expect(hostRail(aHost({ containers: 25, openedAtMs }), SETTINGS, NOW)).toMatchObject({ verdict: 'hold' })
  })

  test('two actions in a row that did not help pause everything for half an hour, or until an operator resumes', () => {
    const failed = [action(9, true), action(5, false), action(2, false)]
    expect(pausedUntilMs(aHost({ actions: failed }), NOW)).toBe(NOW + 28 * MINUTE)
    expect(hostRail(aHost({ actions: failed }), SETTINGS, NOW)).toMatchObject({ verdict: 'ask' })
    expect(pausedUntilMs(aHost({ actions: [action(5, false)] }), NOW)).toBeNull()
    expect(pausedUntilMs(aHost({ actions: [action(5, false), action(2, true)] }), NOW)).toBeNull()
    expect(pausedUntilMs(aHost({ actions: [...failed, action(1, null)] }), NOW)).not.toBeNull()
    expect(pausedUntilMs(aHost({ actions: failed, resumedAtMs: NOW - MINUTE }), NOW)).toBeNull()
    expect(pausedUntilMs(aHost({ actions: failed }), NOW + 28 * MINUTE)).toBeNull()
  })

  test('quiet hours may go over midnight, and hold from their first minute to before their last', () => {
    const night = { fromMinute: 22 * 60, toMinute: 6 * 60 }
    expect([1319, 1320, 0, 359, 360].map((minute) => isQuiet(night, minute))).toEqual([false, true, true, true, false])
    const noon = { fromMinute: 720, toMinute: 780 }
    expect([719, 720, 779, 780].map((minute) => isQuiet(noon, minute))).toEqual([false, true, true, false])
    const settings = { ...SETTINGS, quietHours: noon }
    expect(hostRail(aHost({ minuteOfDay: 730 }), settings, NOW)).toEqual({
      verdict: 'ask',
      reason: 'quiet hours: a person decides',
    })
  })
})

describe('on one container', () => {
  test('the cool-down doubles with each attempt until it was healthy for long, up to six hours', () => {
    expect([0, 1, 2, 3, 20].map((attempts) => cooldownAfter(attempts, 300_000))).toEqual([
      300_000, 300_000, 600_000, 1_200_000, 21_600_000,
    ])
    expect(ask({ actionTimesMs: [NOW - 6 * MINUTE], attempts: 1 })).toBeNull()
    expect(ask({ actionTimesMs: [NOW - 6 * MINUTE], attempts: 2 })).toEqual({
      verdict: 'wait',
      reason: 'cool-down: 240 s since the last action are left',
    })
  })

  test('a raised limit needs no rest before the next rung', () => {
    expect(ask({ actionTimesMs: [NOW - 10_000], attempts: 1, lastWasGentle: true })).toBeNull()
  })

  test('after as many actions as an hour allows it is in quarantine', () => {
    const actionTimesMs = [50, 30, 10].map((minutes) => NOW - minutes * MINUTE)
    expect(ask({ actionTimesMs })).toMatchObject({ verdict: 'ask', reason: expect.stringContaining('quarantine') })
    expect(ask({ actionTimesMs: [NOW - 61 * MINUTE, ...actionTimesMs.slice(1)] })).toBeNull()
  })

  test('a tenth of the containers within ten minutes, at least one, is the budget; one that was touched may be again', () => {
    const others = (count: number) => Array.from({ length: count }, (_, index) => action(5, null, `other-${index}`))
    const verdict = (containers: number, actions: HostAction[]) => ask({}, aHost({ containers, actions }))?.verdict
    expect(verdict(4, others(3))).toBeUndefined()
    expect(verdict(10, others(0))).toBeUndefined()
    expect(verdict(10, others(1))).toBe('ask')
    expect(verdict(20, others(1))).toBeUndefined()
    expect(verdict(20, others(2))).toBe('ask')
    expect(verdict(10, [action(9, true)])).toBeUndefined()
    expect(verdict(10, [action(11, true, 'other')])).toBeUndefined()
  })
})

test('whatever the order of actions, a host that obeys never touches more containers in ten minutes than its budget', () => {
  const steps = fc.array(
    fc.record({ key: fc.integer({ min: 0, max: 29 }), passMs: fc.integer({ min: 0, max: 400_000 }) }),
    {
      maxLength: 120,
    },
  )
  fc.assert(
    fc.property(steps, fc.integer({ min: 5, max: 60 }), (wanted, containers) => {
      let at = NOW
      const actions: HostAction[] = []
      for (const { key, passMs } of wanted) {
        at += passMs
        const containerKey = `c${key}`
        const own = actions.filter((one) => one.containerKey === containerKey).map((one) => one.at)
        const rail = containerRail(
          { at, containerKey, actionTimesMs: own, attempts: own.length, lastWasGentle: false, mostPerHour: 3 },
          aHost({ containers, actions }),
          SETTINGS,
        )
        if (rail !== null) continue
        actions.push({ at, containerKey, helped: null })
        const within = actions.filter((one) => at - one.at < BUDGET_WINDOW_MS)
        expect(new Set(within.map((one) => one.containerKey)).size).toBeLessThanOrEqual(
          Math.max(1, Math.floor(containers * SETTINGS.budgetShare)),
        )
        expect(own.filter((time) => at - time < 60 * MINUTE).length).toBeLessThan(3)
      }
    }),
    { numRuns: 1_000 },
  )
})
