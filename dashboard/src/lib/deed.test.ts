import { describe, expect, it } from 'vitest'
import type { ActionView } from './api.ts'
import { deedOf, leaseOf } from './deed.ts'
import { createFormat } from './format.ts'
import { MESSAGES } from './messages.ts'

const MIB = 1024 ** 2
const format = createFormat('en', 'UTC')
const words = MESSAGES.en
const target = (name: string) => ({
  id: 'b'.repeat(64),
  name,
  startedAt: null,
  imageId: 'sha256:1',
  stopGraceSeconds: 10,
})
const plain = (text: string | undefined): string | undefined => text?.replaceAll('\u00a0', ' ')

const told = (deed: ActionView['deed']) => {
  const what = deedOf(deed, words, format)
  return what && plain(`${what.label}: ${what.values.join(', ')}`)
}

describe('what was done', () => {
  it('names the old and the new limit', () => {
    expect(told({ kind: 'raise-memory-limit', fromBytes: 512 * MIB, toBytes: 768 * MIB })).toBe(
      'Memory limit: 512 MiB → 768 MiB',
    )
    expect(told({ kind: 'raise-cpu-limit', fromCores: 0.5, toCores: 1 })).toBe('CPU limit: 0.5 → 1 core')
    const spanish = deedOf(
      { kind: 'raise-cpu-limit', fromCores: 1, toCores: 1.5 },
      MESSAGES.es,
      createFormat('es', 'UTC'),
    )
    expect(spanish).toEqual({ label: 'Límite de CPU', values: ['1 → 1,5 núcleos'] })
  })

  it('names the neighbour, the dependents in their order, and the networks', () => {
    expect(told({ kind: 'pause-neighbour', neighbour: target('backup-1') })).toBe('Neighbour paused: backup-1')
    expect(told({ kind: 'restart-in-order', dependents: [target('web-1'), target('api-1')] })).toBe(
      'Stopped before it, started after it: web-1, api-1',
    )
    expect(told({ kind: 'restart-in-order', dependents: [] })).toMatch('none depends on it')
    expect(told({ kind: 'isolate', networks: ['front', 'back'] })).toBe('Cut off from: front, back')
  })

  it('is only a kind where that says it all', () => {
    expect([told({ kind: 'restart' }), told({ kind: 'stop' })]).toEqual([null, null])
  })

  it('leaves a hostile name as it is', () => {
    const name = '<img src=x onerror=alert(1)>'
    expect(deedOf({ kind: 'isolate', networks: [name] }, words, format)?.values).toEqual([name])
  })
})

describe('a lease', () => {
  const at = '2026-11-20T14:02:00.000Z'
  const until = Date.parse('2026-11-20T14:32:00.000Z')
  const lease = (state: ActionView['state'], now: number, takenBackAt: number | null = null) =>
    leaseOf(
      {
        state,
        at,
        leaseUntil: new Date(until).toISOString(),
        takenBackAt: takenBackAt === null ? null : new Date(takenBackAt).toISOString(),
      },
      now,
      words,
      format,
    )

  it('says until when, and afterwards when it was put back', () => {
    expect(lease('verified', until - 1000)).toBe('until 14:32:00, then put back')
    expect(lease('verified', until + 9000, until + 4000)).toBe('put back at 14:32:04')
  })

  it('says where it should be over and is not', () => {
    expect(lease('executed', until + 60_000)).toBe('ended at 14:32:00, not put back yet')
  })

  it('of a proposal is a length of time', () => {
    expect(plain(lease('proposed', until - 1000) ?? undefined)).toBe('30 min, then put back')
  })

  it('is none of what was not done, and none of what stays', () => {
    expect(lease('failed', until - 1000)).toBeNull()
    expect(leaseOf({ state: 'verified', at, leaseUntil: null, takenBackAt: null }, until, words, format)).toBeNull()
  })
})
