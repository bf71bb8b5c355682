import { describe, expect, it } from 'vitest'
import { containerView } from './testing.ts'
import { matches, readView, writeView } from './view.ts'

const read = (query: string) => readView(new URLSearchParams(query))

describe('the address', () => {
  it('is empty for the ordinary view', () => {
    expect(writeView(read(''))).toBe('')
  })

  it('keeps every choice', () => {
    const query =
      '?search=api+x&project=&light=critical%2Cnot-running&incidents=1&window=360&container=shop%2Fapi%2F1&sort=name&unfold=1&kiosk=1&lang=es&theme=light'
    expect(writeView(read(query))).toBe(query)
  })

  it('takes nonsense for nothing said', () => {
    expect(writeView(read('?light=purple&window=7&sort=constructor&lang=xx&theme=pink&kiosk=yes'))).toBe('')
  })
})

describe('the filters', () => {
  const container = containerView({ light: 'medium' })

  it.each([
    ['', true],
    ['?search=SHOP-api', true],
    ['?search=shop%2Fapi%3A1', true],
    ['?search=redis', false],
    ['?project=shop', true],
    ['?project=', false],
    ['?light=critical', false],
    ['?light=medium', true],
    ['?incidents=1', false],
  ])('%s lets a medium container of shop through: %s', (query, through) => {
    expect(matches(read(query), container)).toBe(through)
  })

  it('tell what does not run, and what was not evaluated, from what is low', () => {
    const ended = containerView({ state: 'exited', probability: null })
    const waiting = containerView({ probability: null })
    const through = (light: string) =>
      [ended, waiting, containerView()].map((each) => matches(read(`?light=${light}`), each))
    expect(through('low')).toEqual([false, false, true])
    expect(through('none')).toEqual([false, true, false])
    expect(through('not-running')).toEqual([true, false, false])
  })

  it('find the containers of no project', () => {
    expect(matches(read('?project='), containerView({ composeProject: null }))).toBe(true)
  })
})
