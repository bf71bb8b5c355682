import { expect, test } from 'vitest'
import type { Container } from './contracts/telemetry.ts'
import { aContainer, anAction, anIncident } from './decide/incident-stand-in.ts'
import { createUnsettled } from './unsettled.ts'

const A = aContainer().id
const B = 'b'.repeat(64)

function prepare(deed: Parameters<typeof anAction>[0] = {}) {
  let nowMs = 30_000
  const containers = new Map<string, Container>([
    [A, aContainer()],
    [B, aContainer({ id: B })],
  ])
  const unsettled = createUnsettled({ clock: { now: () => nowMs }, containers: () => containers })
  unsettled.take(anIncident({ actions: [anAction({ state: 'executing', startedAt: 20_000, ...deed })] }))
  return {
    unsettled,
    become: (id: string, different: Partial<Container>) => containers.set(id, aContainer({ id, ...different })),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('a restart that was under way is over when the container runs anew', () => {
  const { unsettled, become } = prepare()
  expect(unsettled.isAny()).toBe(true)
  become(A, { state: 'exited', startedAt: 2_000 })
  expect(unsettled.isAny()).toBe(true)
  become(A, { startedAt: 25_000 })
  expect(unsettled.isAny()).toBe(false)
})

test('one in order is over when the last of its dependents runs anew', () => {
  const dependent = { id: B, name: 'web', startedAt: 2_000, imageId: '', stopGraceSeconds: 10 }
  const { unsettled, become } = prepare({ deed: { kind: 'restart-in-order', dependents: [dependent] } })
  become(A, { startedAt: 25_000 })
  expect(unsettled.isAny()).toBe(true)
  become(B, { startedAt: 26_000 })
  expect(unsettled.isAny()).toBe(false)
})

test('a stop is over when the container has ended', () => {
  const { unsettled, become } = prepare({ deed: { kind: 'stop' } })
  expect(unsettled.isAny()).toBe(true)
  become(A, { state: 'exited' })
  expect(unsettled.isAny()).toBe(false)
})

test('nobody waits longer than the grace and a minute, nor at all for what changes at once', () => {
  const { unsettled, pass } = prepare()
  pass(63_999)
  expect(unsettled.isAny()).toBe(true)
  pass(1)
  expect(unsettled.isAny()).toBe(false)
  expect(prepare({ deed: { kind: 'raise-cpu-limit', fromCores: 1, toCores: 2 } }).unsettled.isAny()).toBe(false)
})
