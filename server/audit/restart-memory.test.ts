import { expect, test } from 'vitest'
import type { AuditEntry, AuditRecord } from '../contracts/audit.ts'
import { record } from './record-stand-in.ts'
import { createRestartMemory } from './restart-memory.ts'

const SINCE = Date.parse('2026-11-20T06:00:00.000Z')

const entry = (atMs: number, changes: Partial<AuditRecord>): AuditEntry => ({
  ...record(changes),
  index: 0,
  at: new Date(atMs).toISOString(),
  monotonicMs: 0,
  prev: '0'.repeat(64),
})

test('what was intended counts, whatever came of it, but not what the program itself refused', () => {
  const memory = createRestartMemory(SINCE)
  for (const [actionId, event] of [
    ['a', 'action.executed'],
    ['b', 'action.failed'],
    ['c', 'action.unknown'],
    ['d', 'action.refused'],
  ] as const) {
    memory.take(entry(SINCE + 1_000, { event: 'action.intended', actionId }))
    memory.take(entry(SINCE + 2_000, { event, actionId }))
  }
  expect(memory.all()).toEqual(Array(3).fill({ containerKey: 'shop/web/1', at: SINCE + 1_000 }))
})

test("an operator's late answer, which is refused, makes nobody forget the restart", () => {
  const memory = createRestartMemory(SINCE)
  memory.take(entry(SINCE, { event: 'action.intended', actionId: 'a' }))
  memory.take(entry(SINCE + 5_000, { event: 'answer.refused', actor: 'operator', actionId: 'a' }))
  expect(memory.all()).toHaveLength(1)
})

test('what is older does not count', () => {
  const memory = createRestartMemory(SINCE)
  memory.take(entry(SINCE - 1, { event: 'action.intended', actionId: 'a' }))
  expect(memory.all()).toEqual([])
})
