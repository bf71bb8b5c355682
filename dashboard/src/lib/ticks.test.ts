import { expect, test } from 'vitest'
import { containerView as container } from './testing.ts'
import { applyTick } from './ticks.ts'

test('a tick changes what it names and leaves the rest', () => {
  const [a, b] = [container({ id: 'a'.repeat(64), cpuCores: 1 }), container({ id: 'b'.repeat(64), cpuCores: 2 })]
  const told = new Map([a, b].map((one) => [one.id, one]))
  applyTick(told, { changed: [{ id: a.id, cpuCores: 3, cause: null }], gone: [] })
  expect([...told.values()]).toEqual([{ ...a, cpuCores: 3, cause: null }, b])
})

test('what is gone goes, what is new comes last', () => {
  const [a, b] = [container({ id: 'a'.repeat(64) }), container({ id: 'b'.repeat(64) })]
  const told = new Map([[a.id, a]])
  applyTick(told, { changed: [b], gone: [a.id] })
  expect([...told.values()]).toEqual([b])
})
