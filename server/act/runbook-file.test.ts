import { describe, expect, test } from 'vitest'
import { parseRunbook } from './runbook-file.ts'
import { suggestion } from './runbook-problems.ts'

const GOOD = `name: memory-leak
title: Memory grows towards the limit
trigger:
  causes: [memory-limit]
conditions:
  - { fact: memoryShareOfLimit, above: 0.8 }
solutions:
  - action: raise-memory-limit
    raiseBy: 2
  - action: restart
escalate: look at what it keeps
`

/** `line:column: text` of each problem. */
const problemsIn = (text: string) =>
  parseRunbook('x.yml', text).problems.map(({ line, column, text: what }) => `${line}:${column}: ${what}`)

const changed = (from: string, to: string) => {
  expect(GOOD).toContain(from)
  return problemsIn(GOOD.replace(from, to))
}

test('a good file is a runbook', () => {
  const { runbook, problems, name } = parseRunbook('x.yml', GOOD)
  expect(problems).toEqual([])
  expect(name).toBe('memory-leak')
  expect(runbook?.solutions.map(({ action, raiseBy, leaseMinutes }) => [action, raiseBy, leaseMinutes])).toEqual([
    ['raise-memory-limit', 2, 30],
    ['restart', undefined, undefined],
  ])
})

describe('a mistake is named with its place:', () => {
  test.each([
    ['conditions:', 'conditons:', '5:1: unknown key "conditons": did you mean conditions?'],
    ['escalate:', 'colour: red\nescalate:', '11:1: unknown key "colour": known are name, title, enabled,'],
    ['raiseBy: 2', 'raisBy: 2', '9:5: unknown key "raisBy": did you mean raiseBy?'],
    ['above: 0.8', 'abov: 0.8', '6:33: unknown key "abov": did you mean above?'],
    ['causes: [', 'lihgt: medium\n  causes: [', '4:3: unknown key "lihgt": did you mean light?'],
    ['escalate:', 'verify: { calmSecond: 3 }\nescalate:', '11:11: unknown key "calmSecond": did you mean calmSeconds?'],
    ['action: restart', 'action: restrat', '10:13: action is "restrat": did you mean restart?'],
    ['action: restart', 'action: explode', '10:13: action is "explode": known are note, raise-memory-limit,'],
    ['action: restart', 'confidence: 0.9', '10:5: action is missing'],
    ['[memory-limit]', '[memory-limit, memory]', '4:26: an entry of causes is "memory": did you mean memory-limit?'],
    ['[memory-limit]', '[]', '4:11: causes needs at least 1 entries'],
    ['[memory-limit]', 'memory-limit', '4:11: causes must be a list, not text'],
    ['raiseBy: 2', 'raiseBy: 5', '9:14: raiseBy must be at most 4'],
    ['raiseBy: 2', 'raiseBy: lots', '9:14: raiseBy must be a number, not text'],
    ['raiseBy: 2', 'raiseBy: .nan', '9:14: raiseBy must be a number, not no number'],
    ['raiseBy: 2', 'raiseBy:', '9:13: raiseBy must be a number, not nothing'],
    ['raiseBy: 2', 'attempts: 1.5', '9:15: attempts must be a whole number, not a fraction'],
    [
      'action: restart',
      'action: restart\n    raiseBy: 2',
      '11:14: raiseBy is only for raise-memory-limit, raise-cpu-limit',
    ],
    ['above: 0.8', 'above: 80', '6:40: memoryShareOfLimit is a share of 0 to 1'],
    [', above: 0.8', '', '6:5: a condition needs exactly one of'],
    ['fact: memoryShareOfLimit', 'fact: memoryShare', '6:13: fact is "memoryShare": did you mean memoryShareOfLimit?'],
    ['name: memory-leak', 'name: Memory Leak', '1:7: name must be in kebab-case'],
    ['name: memory-leak', 'name: 3', '1:7: name must be text, not a number'],
    ['name: memory-leak', 'enabled: "yes"', '1:1: name is missing'],
    ['escalate: look at what it keeps', '', '1:1: escalate is missing'],
  ])('%j, now %j', (from, to, expected) => {
    expect(changed(from, to).map((one) => one.slice(0, expected.length))).toContain(expected)
  })

  test('several at once, in the order of the file', () => {
    const text = GOOD.replace('title:', 'titel:').replace('raiseBy: 2', 'raiseBy: 9').replace('restart', 'restat')
    expect(problemsIn(text).map((one) => Number(one.split(':')[0]))).toEqual([1, 2, 9, 10])
  })
})

describe('what is no YAML, or more than a runbook:', () => {
  test.each([
    ['nothing', '', '1:1: it is empty'],
    ['a comment', '# later', '1:1: it is empty'],
    ['prose', 'restart it when it leaks', '1:1: the runbook must be a map of keys and values, not text'],
    ['a page', '<html><body>404</body></html>', '1:1: the runbook must be a map'],
    ['a list', '- a\n- b', '1:1: the runbook must be a map of keys and values, not a list'],
    ['a bracket left open', 'name: [a\ntitle: b', '2:1: not YAML: Flow sequence'],
    ['a tabulator', 'trigger:\n\tcauses: []', '2:1: not YAML: Tabs are not allowed'],
    ['a key twice', `${GOOD}name: other\n`, '12:1: not YAML: Map keys must be unique'],
    ['two documents', `${GOOD}---\n${GOOD}`, '12:1: a second document begins here'],
    ['a tag that would run code', `${GOOD}x: !!js/function "() => 1"\n`, '12:4: not YAML: Unresolved tag'],
    ['an alias of nothing', 'name: *nobody', '1:7: its aliases cannot be followed: Unresolved alias'],
    ['control characters', '\u0000\u0001name: x', '1:'],
  ])('%s', (_, text, expected) => {
    const [first = 'none'] = problemsIn(text)
    expect(first.slice(0, expected.length)).toBe(expected)
  })

  test('a bomb of aliases is not unfolded', () => {
    const rows = Array.from({ length: 30 }, (_, i) =>
      i === 0
        ? 'a0: &a0 [x, x]'
        : `a${i}: &a${i} [${Array(9)
            .fill(`*a${i - 1}`)
            .join(', ')}]`,
    )
    expect(problemsIn(rows.join('\n'))).toEqual([
      '2:10: its aliases cannot be followed: Excessive alias count indicates a resource exhaustion attack',
    ])
  })

  test.each([
    ['brackets in brackets', '['.repeat(60_000)],
    ['maps in maps', '{'.repeat(30_000) + '}'.repeat(30_000)],
    ['lists in lists', '- '.repeat(30_000)],
    ['thousands of keys', Array.from({ length: 6_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['a list that holds itself', 'name: &a [*a]'],
    ['a key that is a map', '? { a: 1 }\n: b'],
    ['a prototype', `${GOOD}__proto__: { enabled: false }\n`],
    ['a constructor', `${GOOD}constructor: { prototype: { x: 1 } }\n`],
    ['a merge', `base: &b { enabled: true }\n<<: *b\n${GOOD}`],
  ])('%s: refused, and soon', (_, text) => {
    const began = performance.now()
    const { runbook, problems } = parseRunbook('x.yml', text)
    expect(runbook).toBeNull()
    expect(problems.length).toBeGreaterThan(0)
    expect(problems.length).toBeLessThanOrEqual(10)
    for (const problem of problems) expect(problem.text.length).toBeLessThan(500)
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(Object.hasOwn(Object.prototype, 'enabled')).toBe(false)
  })

  test('any start of a good file is read without a throw', () => {
    for (let length = 0; length < GOOD.length; length++)
      expect(parseRunbook('x.yml', GOOD.slice(0, length)).file).toBe('x.yml')
  })
})

test.each([
  ['restrat', 'restart'],
  ['Restart', 'restart'],
  ['raise_memory_limit', 'raise-memory-limit'],
  ['explode', null],
  ['', null],
])('%j is most likely %j', (word, meant) => {
  expect(suggestion(word, ['restart', 'raise-memory-limit', 'stop'])).toBe(meant)
})
