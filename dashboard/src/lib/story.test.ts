import { expect, it } from 'vitest'
import { splitStory } from './story.ts'

const history = Array.from({ length: 40 }, (_, line) => ({
  at: '2026-11-20T09:00:00.000Z',
  event: 'light.changed',
  text: `line ${line}`,
}))

it('has its gap after the first ten lines', () => {
  const { first, newest } = splitStory({ history, historyOmitted: 7 })
  expect([first.length, first.at(-1)?.text, newest[0]?.text, newest.length]).toEqual([10, 'line 9', 'line 10', 30])
})

it('has none where nothing was left out', () => {
  expect(splitStory({ history, historyOmitted: 0 })).toEqual({ first: history, newest: [] })
})
