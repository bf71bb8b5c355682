import { expect, test } from 'vitest'
import { createAgenda } from './agenda.ts'
import { createRandom } from './random.ts'

test('appointments come by time, those of one moment in the order of being entered, cancelled ones never', () => {
  const agenda = createAgenda()
  const random = createRandom(1)
  const wanted = Array.from({ length: 500 }, (_, order) => ({ atMs: Math.floor(random.next() * 50), order }))
  const came: { atMs: number; order: number }[] = []
  for (const one of wanted) {
    const entered = agenda.enter(one.atMs, () => came.push(one))
    if (one.order % 7 === 0) entered.cancelled = true
  }
  for (let due = agenda.take(49); due; due = agenda.take(49)) due.run()
  const expected = wanted.filter(({ order }) => order % 7 !== 0).sort((a, b) => a.atMs - b.atMs || a.order - b.order)
  expect(came).toEqual(expected)
  expect(agenda.nextAtMs()).toBe(Number.POSITIVE_INFINITY)
})

test('nothing comes before its time', () => {
  const agenda = createAgenda()
  agenda.enter(10, () => {})
  expect(agenda.take(9)).toBeUndefined()
  expect(agenda.nextAtMs()).toBe(10)
})
