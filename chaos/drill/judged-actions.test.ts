import { expect, test } from 'vitest'
import type { IncidentView } from '../../server/contracts/api.ts'
import { anAction, anIncident } from '../../server/decide/incident-stand-in.ts'
import { incidentView } from '../../server/views.ts'
import { type DoneFault, judgeActions } from './judged-actions.ts'

const leak: DoneFault = {
  containerName: 'shop-api-1',
  fault: { kind: 'memory-leak', shareOfLimitPerSecond: 0.01, shape: 'steady' },
  fromMs: 10_000,
  untilMs: 60_000,
}

const did = (...actions: Partial<ReturnType<typeof anAction>>[]): IncidentView[] => [
  incidentView(anIncident({ actions: actions.map((one) => anAction({ state: 'verified', ...one })) })),
]

test('an action that met a fault and helped is right', () => {
  expect(judgeActions(did({}), [leak])).toEqual({ right: 1, wrong: 0 })
})

test.each([
  ['did not help', did({ state: 'ineffective' }), [leak]],
  ['came before the fault', did({ startedAt: 5_000 }), [leak]],
  ['came long after it', did({ startedAt: 90_000 }), [leak]],
  ['was done to somebody else', did({}), [{ ...leak, containerName: 'shop-web-1' }]],
  ['met what needs no action', did({}), [{ ...leak, fault: { kind: 'kill' } satisfies DoneFault['fault'] }]],
])('one that %s is wrong', (_, incidents, faults) => {
  expect(judgeActions(incidents, faults)).toEqual({ right: 0, wrong: 1 })
})

test('a second restart for a fault that the first one ended is wrong, one after a raised limit is not', () => {
  expect(judgeActions(did({}, { startedAt: 40_000 }), [leak])).toEqual({ right: 1, wrong: 1 })
  expect(judgeActions(did({ kind: 'raise-memory-limit' }, { startedAt: 40_000 }), [leak])).toEqual({
    right: 2,
    wrong: 0,
  })
})

test('what an operator approved, what was only proposed, and what is not over counts neither way', () => {
  const none = did({ forced: false }, { state: 'proposed', startedAt: null }, { state: 'executed' })
  expect(judgeActions(none, [leak])).toEqual({ right: 0, wrong: 0 })
})
