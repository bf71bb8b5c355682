import { expect, test } from 'vitest'
import { anAction, anIncident } from './decide/incident-stand-in.ts'
import { createLeases } from './leases.ts'

const raised = (state: 'executed' | 'verified' | 'refused' | 'unknown', takenBackAt: number | null = null) =>
  anIncident({
    actions: [
      anAction({
        kind: 'raise-memory-limit',
        deed: { kind: 'raise-memory-limit', fromBytes: 100, toBytes: 150 },
        state,
        leaseUntil: 60_000,
        takenBackAt,
      }),
    ],
  })

test('a lease is due when its time is over, and ends once it was taken back', () => {
  const leases = createLeases()
  leases.note(raised('executed'))
  expect(leases.due(59_999)).toBeUndefined()
  expect(leases.due(60_000)?.action.kind).toBe('raise-memory-limit')
  expect(leases.ofContainer('shop/api/1').map(({ kind }) => kind)).toEqual(['raise-memory-limit'])
  leases.note(raised('verified', 61_000))
  expect(leases.due(90_000)).toBeUndefined()
  expect(leases.ofContainer('shop/api/1')).toEqual([])
})

test('what may have been done is taken back too, what was refused is not', () => {
  for (const [state, count] of [
    ['unknown', 1],
    ['refused', 0],
  ] as const) {
    const leases = createLeases()
    leases.note(raised(state))
    expect(leases.ofContainer('shop/api/1'), state).toHaveLength(count)
  }
})

test('one that cannot be taken back is tried every half minute, twenty times', () => {
  const leases = createLeases()
  leases.note(raised('verified'))
  let at = 60_000
  for (let tries = 1; tries < 20; tries++) {
    const { id } = leases.due(at)!.action
    expect(leases.later(id, at)).toBe(true)
    expect(leases.due(at + 29_999)).toBeUndefined()
    at += 30_000
  }
  expect(leases.later(leases.due(at)!.action.id, at)).toBe(false)
  expect(leases.due(at + 1e9)).toBeUndefined()
})
