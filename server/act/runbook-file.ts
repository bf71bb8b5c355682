import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { type Document, isAlias, LineCounter, parseAllDocuments, visit } from 'yaml'
import { Runbook } from '../contracts/runbook.ts'
import { messageOf } from '../errors.ts'
import { type Problem, placeOf, problemsOf } from './runbook-problems.ts'

/** `name` is whom the file is about, also where it is no runbook; `null` where that cannot be read. */
export type RunbookFile = { file: string; name: string | null; runbook: Runbook | null; problems: Problem[] }

/** A runbook is a page: more is a mistake, or meant to harm. */
const LARGEST_BYTES = 64 * 1024

/** So often an anchor may be repeated, each counted with what it unfolds to. */
const MOST_ALIASES = 20

/** After these the next ones are most likely their echo. */
const MOST_PROBLEMS = 10

const kibibytes = LARGEST_BYTES / 1024

/** The text of a plain file, by whatever links it is reached. Throws where it is none, is too large, or no UTF-8. */
function read(path: string): string {
  // Opening a pipe would wait for somebody to write.
  if (!statSync(path).isFile()) throw new Error('it is not a file')
  const descriptor = openSync(path, 'r')
  try {
    if (!fstatSync(descriptor).isFile()) throw new Error('it is not a file')
    const buffer = Buffer.alloc(LARGEST_BYTES + 1)
    let length = 0
    for (let more = -1; more !== 0 && length < buffer.length; length += more)
      more = readSync(descriptor, buffer, length, buffer.length - length, null)
    if (length > LARGEST_BYTES) throw new Error(`it is larger than ${kibibytes} KiB`)
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, length))
    } catch {
      throw new Error('it is not UTF-8 text')
    }
  } finally {
    closeSync(descriptor)
  }
}

function firstAlias(document: Document): number {
  let offset = 0
  visit(document, (_, node) => {
    if (!isAlias(node)) return undefined
    offset = node.range?.[0] ?? 0
    return visit.BREAK
  })
  return offset
}

/** Reads the text of one runbook. Never throws: what is wrong is in `problems`, with its place. */
export function parseRunbook(file: string, text: string): RunbookFile {
  const lines = new LineCounter()
  const failed = (problems: Problem[], name: string | null = null): RunbookFile => ({
    file,
    name,
    runbook: null,
    problems: problems.slice(0, MOST_PROBLEMS),
  })
  const at = (offset: number, what: string): Problem => ({ file, ...placeOf(lines, offset), text: what })
  try {
    const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' })
    const [document, second] = Array.isArray(documents) ? documents : []
    if (document === undefined) return failed([at(0, 'it is empty')])
    const named = document.errors.length < MOST_PROBLEMS ? document.get('name') : undefined
    const name = typeof named === 'string' ? named : null
    const faults = [...document.errors, ...document.warnings]
    if (faults.length > 0)
      return failed(
        faults.map(({ pos, message }) => at(pos[0], `not YAML: ${message}`)),
        name,
      )
    if (second !== undefined)
      return failed([at(second.range[0], 'a second document begins here: a file holds one runbook')], name)
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: MOST_ALIASES })
    } catch (error) {
      return failed([at(firstAlias(document), `its aliases cannot be followed: ${messageOf(error)}`)], name)
    }
    const { data, error } = Runbook.safeParse(value)
    if (error !== undefined) return failed(problemsOf(error, value, { file, document, lines }), name)
    return { file, name: data.name, runbook: data, problems: [] }
  } catch (error) {
    return failed([at(0, `it cannot be read: ${messageOf(error)}`)])
  }
}

/** Reads one runbook from disk. Never throws. */
export function readRunbookFile(file: string): RunbookFile {
  try {
    return parseRunbook(file, read(file))
  } catch (error) {
    const problems = [{ file, line: 1, column: 1, text: `it cannot be read: ${messageOf(error)}` }]
    return { file, name: null, runbook: null, problems }
  }
}
