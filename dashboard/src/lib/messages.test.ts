import { describe, expect, it } from 'vitest'
import { MESSAGES, TERMS } from './messages.ts'

const EXAMPLES = ['«1»', '«2»', '«3»', '«4»']

/** Every text of a dictionary by its path; sentences are said with an example. */
function texts(dictionary: object, path = ''): Map<string, string> {
  return new Map(
    Object.entries(dictionary).flatMap(([key, value]): [string, string][] => {
      if (typeof value === 'string') return [[`${path}${key}`, value]]
      if (typeof value === 'function') return [[`${path}${key}`, value(...EXAMPLES)]]
      return [...texts(value, `${path}${key}.`)]
    }),
  )
}

describe.each([
  ['messages', MESSAGES],
  ['terms', TERMS],
])('the %s', (_, { en, es }) => {
  it('are the same in English and Spanish', () => {
    expect([...texts(es).keys()]).toEqual([...texts(en).keys()])
  })

  it('all say something', () => {
    for (const dictionary of [en, es]) {
      for (const [key, text] of texts(dictionary)) expect(text.trim(), key).not.toBe('')
    }
  })

  it('say in both languages what goes into a sentence', () => {
    const spanish = texts(es)
    for (const [key, text] of texts(en)) {
      for (const value of EXAMPLES) {
        expect(spanish.get(key)?.includes(value), `${key}: ${value}`).toBe(text.includes(value))
      }
    }
  })
})
