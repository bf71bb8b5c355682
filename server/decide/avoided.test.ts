import { expect, test } from 'vitest'
import type { Judgement } from '../contracts/autonomy.ts'
import { failureAvoided } from './avoided.ts'

const judged = (different: Partial<Judgement> = {}): Judgement => ({
  at: 0,
  actionId: '',
  incidentId: '',
  containerKey: 'shop/api/1',
  cause: 'memory-limit',
  kind: 'restart',
  done: true,
  outcome: 'right',
  reason: '',
  durationMs: 5_000,
  failureMs: null,
  ...different,
})
const notDone = (failureMs: number, different: Partial<Judgement> = {}) =>
  judged({ done: false, durationMs: null, failureMs, ...different })

test('a failure that nobody has seen last is taken to be a minute, less what the action took', () => {
  expect(failureAvoided([judged()])).toEqual({ failureAvoidedMs: 55_000, assumedActions: 1 })
})

test('how long it lasted where nothing was done counts, of the container itself before others', () => {
  const others = notDone(300_000, { containerKey: 'shop/web/1' })
  expect(failureAvoided([judged(), others])).toEqual({ failureAvoidedMs: 295_000, assumedActions: 0 })
  expect(failureAvoided([judged(), others, notDone(100_000), notDone(200_000)])).toEqual({
    failureAvoidedMs: 145_000,
    assumedActions: 0,
  })
  expect(failureAvoided([judged(), notDone(300_000, { cause: 'unhealthy' })]).assumedActions).toBe(1)
})

test('what did not help counts against it, and what nobody can tell not at all', () => {
  expect(failureAvoided([judged({ outcome: 'wrong' })])).toEqual({ failureAvoidedMs: -5_000, assumedActions: 0 })
  expect(failureAvoided([judged({ outcome: 'unknown' })])).toEqual({ failureAvoidedMs: 0, assumedActions: 0 })
  expect(failureAvoided([])).toEqual({ failureAvoidedMs: 0, assumedActions: 0 })
})
