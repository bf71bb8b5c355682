import { type Document, isMap, isScalar, type LineCounter, type Node } from 'yaml'
import type { z } from 'zod'
import { COMPARISONS, Runbook, Solution, Trigger, Verify } from '../contracts/runbook.ts'

/** What is wrong in a file, and where; line and column count from 1. */
export type Problem = { file: string; line: number; column: number; text: string }

/** A file with more is not one that somebody mends by this list. */
const MOST_LOOKED_AT = 100

/** With so many slips of the fingers it is still the same word; two letters exchanged count as two. */
const SLIPS_PER_LETTER = 0.4

/** Whoever begins a word rightly has this much of it. */
const BEGINNING_LETTERS = 4

/** Single letters to insert, remove or exchange to make one word of the other (Levenshtein's distance). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + Number(letter !== b[j - 1])))
    row = next
  }
  return row.at(-1)!
}

/** The known word that somebody most likely meant, or `null`. */
export function suggestion(word: string, known: readonly string[]): string | null {
  const plain = word.slice(0, 64).toLowerCase()
  const [nearest] = known
    .map((one) => ({ one, slips: distance(plain, one.toLowerCase()) }))
    .filter(
      ({ one, slips }) =>
        slips <= Math.ceil(one.length * SLIPS_PER_LETTER) ||
        (plain.length >= BEGINNING_LETTERS && one.toLowerCase().startsWith(plain)),
    )
    .sort((a, b) => a.slips - b.slips)
  return nearest?.one ?? null
}

const CONDITION_KEYS = ['fact', ...COMPARISONS]

/** The keys known at a place of a runbook. */
function keysAt([first, second]: readonly PropertyKey[]): readonly string[] {
  if (first === undefined) return Object.keys(Runbook.shape)
  if (first === 'trigger') return Object.keys(Trigger.shape)
  if (first === 'verify') return Object.keys(Verify.shape)
  if (second === undefined) return []
  return first === 'solutions' ? Object.keys(Solution.in.shape) : first === 'conditions' ? CONDITION_KEYS : []
}

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys and values',
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'number' && !Number.isInteger(value)) return Number.isFinite(value) ? 'a fraction' : 'no number'
  return KINDS[typeof value] ?? typeof value
}

/** What is shown of what somebody wrote. */
const quoted = (value: unknown) => JSON.stringify(value)?.slice(0, 64) ?? String(value)

const amongst = (known: readonly string[]) =>
  known.length > 0 ? `known are ${known.join(', ')}` : 'none is known here'

/** What zod found, in words of the file. `given` is the value at the issue's place. */
function wordsOf(issue: z.core.$ZodIssue, given: unknown): string {
  const name = issue.path.findLast((step) => typeof step === 'string') ?? 'the runbook'
  const what = issue.path.length > 0 && typeof issue.path.at(-1) === 'number' ? `an entry of ${name}` : String(name)
  if (given === undefined && issue.code !== 'custom' && issue.code !== 'unrecognized_keys') return `${what} is missing`
  switch (issue.code) {
    case 'invalid_type':
      return `${what} must be ${KINDS[issue.expected] ?? issue.expected}, not ${kindOf(given)}`
    case 'invalid_value': {
      const known = issue.values.map(String)
      const meant = typeof given === 'string' ? suggestion(given, known) : null
      return `${what} is ${quoted(given)}: ${meant === null ? amongst(known) : `did you mean ${meant}?`}`
    }
    case 'too_small':
    case 'too_big': {
      const limit = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
      if (issue.origin === 'array') return `${what} needs ${limit} entries`
      return issue.origin === 'string' ? `${what} needs ${limit} characters` : `${what} must be ${limit}`
    }
    default:
      return issue.message
  }
}

/** The nearest node there is to a place, and the node of a key in it. */
function nodeAt(document: Document, path: readonly PropertyKey[], key?: string): Node | null {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (node === null || typeof node !== 'object' || !('range' in node)) continue
    const pair = isMap(node)
      ? node.items.find(({ key: one }) => isScalar(one) && String(one.value) === (key ?? String(path[length])))
      : undefined
    return ((pair?.key as Node | undefined) ?? node) as Node
  }
  return document.contents
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value
  for (const step of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<PropertyKey, unknown>)[step]
  }
  return at
}

/** Where a character of the text is. */
export function placeOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

/** What the schema says against a document, with the place of each, in the order of the file. */
export function problemsOf(
  error: z.ZodError,
  value: unknown,
  { file, document, lines }: { file: string; document: Document; lines: LineCounter },
): Problem[] {
  const at = (path: readonly PropertyKey[], text: string, key?: string): Problem => {
    const offset = nodeAt(document, path, key)?.range?.[0] ?? 0
    return { file, ...placeOf(lines, offset), text }
  }
  return error.issues
    .slice(0, MOST_LOOKED_AT)
    .flatMap((issue): Problem[] => {
      if (issue.code !== 'unrecognized_keys') return [at(issue.path, wordsOf(issue, valueAt(value, issue.path)))]
      const known = keysAt(issue.path)
      return issue.keys.slice(0, MOST_LOOKED_AT).map((key) => {
        const meant = suggestion(key, known)
        const hint = meant === null ? amongst(known) : `did you mean ${meant}?`
        return at(issue.path, `unknown key ${quoted(key)}: ${hint}`, key)
      })
    })
    .sort((a, b) => a.line - b.line || a.column - b.column)
}
