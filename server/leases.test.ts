import { expect, test } from 'vitest'
import type { Action, ActionState, Incident } from './contracts/incident.ts'
import { createLeases } from './leases.ts'

const UNTIL = 60_000

const incident = (state: ActionState, takenBackAt: number | null = null) =>
  ({
    containerKey: 'shop/api/1',
    actions: [{ id: 'one', kind: 'isolate', state, leaseUntil: UNTIL, takenBackAt } as Action],
  }) as Incident

test.each<[ActionState, boolean]>([
  ['executed', true],
  ['verified', true],
  ['ineffective', true],
  // Half of it may have been done.
  ['failed', true],
  ['unknown', true],
  ['executing', false],
  ['refused', false],
  ['recorded', false],
])('what is %s is taken back when its time is over: %s', (state, isTakenBack) => {
  const leases = createLeases()
  leases.note(incident(state))
  expect(leases.due(UNTIL - 1)).toBeUndefined()
  expect(leases.due(UNTIL) !== undefined).toBe(isTakenBack)
  leases.note(incident(state, UNTIL))
  expect(leases.due(UNTIL)).toBeUndefined()
})

test('what cannot be taken back is tried again, ever later, at least once an hour', () => {
  const leases = createLeases()
  leases.note(incident('verified'))
  let nowMs = UNTIL
  for (const seconds of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]) {
    leases.later('one', nowMs)
    leases.note(incident('verified'))
    expect(leases.due(nowMs + seconds * 1000 - 1)).toBeUndefined()
    nowMs += seconds * 1000
    expect(leases.due(nowMs)).toBeDefined()
  }
  leases.end('one')
  expect(leases.ofContainer('shop/api/1')).toEqual([])
})
