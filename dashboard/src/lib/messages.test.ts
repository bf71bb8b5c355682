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

it('counts one as one', () => {
  const { en, es } = MESSAGES
  expect([en.ofCores('1'), en.ofCores('0.5'), en.cores('1.00'), en.cores('1.50')]).toEqual([
    'of 1 core',
    'of 0.5 cores',
    'core',
    'cores',
  ])
  expect([es.ofCores('1'), es.cores('1,00'), es.cores('11')]).toEqual(['de 1 núcleo', 'núcleo', 'núcleos'])
  expect([en.omitted('1'), en.omitted('12')]).toEqual([
    '… 1 more line is in the audit log',
    '… 12 more lines are in the audit log',
  ])
  expect([es.omitted('1'), es.omitted('12')]).toEqual([
    '… 1 línea más está en el registro de auditoría',
    '… 12 líneas más están en el registro de auditoría',
  ])
})

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
