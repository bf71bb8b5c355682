import { expect, test } from 'vitest'
import type { Action, Incident } from '../contracts/incident.ts'
import { anAction, anIncident } from './incident-stand-in.ts'
import { judge } from './judge.ts'

const outcome = (state: Action['state'], ending: Incident['ending'], failures: Incident['failures'] = []) =>
  judge(anIncident({ actions: [anAction({ state })], ending, failures, phase: 'resolved', closedAt: 90_000 }))[0]

const OOM = [{ at: 28_000, kind: 'oom' }]

test('what was only decided is right where the failure came, wrong where the risk passed by itself', () => {
  for (const state of ['recorded', 'rejected', 'expired'] as const) {
    expect(outcome(state, 'passed', OOM)).toMatchObject({
      outcome: 'right',
      done: false,
      reason: 'it was not done, and oom followed 8 s later',
    })
    expect(outcome(state, 'passed')).toMatchObject({ outcome: 'wrong', done: false })
    expect(outcome(state, 'cut-short')).toMatchObject({ outcome: 'unknown', done: false })
  }
})

test('a failure from before the decision proves nothing for it', () => {
  expect(outcome('recorded', 'passed', [{ at: 19_000, kind: 'oom' }])).toMatchObject({ outcome: 'wrong' })
})

test('what was done is right where it helped, wrong where it did not, and not told where nobody knows', () => {
  expect(outcome('verified', 'helped')).toMatchObject({ outcome: 'right', done: true, durationMs: 1_000 })
  expect(outcome('ineffective', 'passed')).toMatchObject({ outcome: 'wrong', done: true })
  expect(outcome('unknown', 'cut-short')).toMatchObject({ outcome: 'unknown', done: true })
  expect(outcome('failed', 'passed')).toMatchObject({ outcome: 'unknown', done: true })
})

test('what was refused, or is still open, is not judged', () => {
  for (const state of ['refused', 'proposed', 'executing'] as const) expect(outcome(state, 'passed')).toBeUndefined()
})
