import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditEntry } from '../contracts/audit.ts'
import { messageOf } from '../errors.ts'
import { verifyCheckpoint } from './checkpoint.ts'
import { appendLeaf, emptyTree, type MerkleTree, rootHash, sha256 } from './merkle.ts'

export const CHECKPOINT_FILE = 'checkpoint'
export const VERIFIER_FILE = 'verifier'
const FILE = /^audit-(\d+)\.jsonl$/

/** The log's files in the order of their first entry. */
export function auditFiles(folder: string): { name: string; firstIndex: number }[] {
  return readdirSync(folder)
    .flatMap((name) => {
      const match = FILE.exec(name)
      return match ? [{ name, firstIndex: Number(match[1]) }] : []
    })
    .sort((a, b) => a.firstIndex - b.firstIndex)
}

/** What a reading of the log gives: its tree, the hash of its last line, and what is wrong, if anything. */
export type Chain = {
  tree: MerkleTree
  lastHash: string
  lastFile: string | null
  lastFileEntries: number
  /** An incomplete last line: never acknowledged, so nothing is lost with it. */
  tornTail: { file: string; bytes: number; keepBytes: number } | null
  problem: string | null
}

export const NO_ENTRY_HASH = '0'.repeat(64)

/**
 * Reads all entries in `folder`, checks each line's form, index and link to the one before, and builds the Merkle tree.
 * `onEntry` sees each entry that holds. Stops at the first problem, which names the file and line.
 */
export function readChain(folder: string, onEntry: (entry: AuditEntry) => void = () => {}): Chain {
  const chain: Chain = {
    tree: emptyTree(),
    lastHash: NO_ENTRY_HASH,
    lastFile: null,
    lastFileEntries: 0,
    tornTail: null,
    problem: null,
  }
  const files = auditFiles(folder)
  for (const [position, { name, firstIndex }] of files.entries()) {
    const where = (line: number) => `${name} line ${line}`
    if (firstIndex !== chain.tree.size)
      return {
        ...chain,
        problem: `${name} begins at entry ${firstIndex}, but the log has ${chain.tree.size} entries before it`,
      }
    const content = readFileSync(join(folder, name))
    const end = content.lastIndexOf(10) + 1
    if (end < content.length) {
      if (position < files.length - 1)
        return { ...chain, problem: `${name} does not end with a whole line, and later files follow` }
      chain.tornTail = { file: name, bytes: content.length - end, keepBytes: end }
    }
    const lines = linesOf(content)
    for (const [number, line] of lines.entries()) {
      const entry = parseEntry(line)
      if (entry === null) return { ...chain, problem: `${where(number + 1)} is not an entry` }
      if (entry.index !== chain.tree.size)
        return { ...chain, problem: `${where(number + 1)} has index ${entry.index} where ${chain.tree.size} is due` }
      if (entry.prev !== chain.lastHash)
        return {
          ...chain,
          problem: `${where(number + 1)} does not follow from the entry before: one of them was changed`,
        }
      appendLeaf(chain.tree, line)
      chain.lastHash = sha256(line).toString('hex')
      onEntry(entry)
    }
    chain.lastFile = name
    chain.lastFileEntries = lines.length
  }
  return chain
}

/** The whole lines as the bytes that they are: decoded first, different bytes could become the same text. */
function linesOf(content: Buffer): Buffer[] {
  const lines: Buffer[] = []
  for (let start = 0, end = content.indexOf(10); end >= 0; start = end + 1, end = content.indexOf(10, start)) {
    lines.push(content.subarray(start, end))
  }
  return lines
}

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function parseEntry(line: Buffer): AuditEntry | null {
  try {
    return AuditEntry.parse(JSON.parse(STRICT_UTF8.decode(line)))
  } catch {
    return null
  }
}

export type Verification = {
  ok: boolean
  entries: number
  checkpointSize: number | null
  rootBase64: string
  problem: string | null
}

/**
 * Checks a log folder offline: the chain of all entries, and that the newest checkpoint (signed, Ed25519) covers a
 * prefix of exactly these entries. `verifier` defaults to the one beside the log; give the one you noted elsewhere.
 */
export function verifyLog(folder: string, verifier?: string): Verification {
  let checkpoint: { size: number; root: Buffer } | null = null
  let problem: string | null = null
  try {
    const key = verifier ?? readFileSync(join(folder, VERIFIER_FILE), 'utf8').trim()
    checkpoint = verifyCheckpoint(readFileSync(join(folder, CHECKPOINT_FILE), 'utf8'), key)
  } catch (error) {
    problem = messageOf(error)
  }
  let rootAtCheckpoint: Buffer | null = null
  const prefix = emptyTree()
  const files = auditFiles(folder)
  const chain = readChain(folder)
  if (checkpoint !== null && chain.problem === null && checkpoint.size <= chain.tree.size) {
    for (const { name } of files) {
      for (const line of linesOf(readFileSync(join(folder, name)))) {
        if (prefix.size < checkpoint.size) appendLeaf(prefix, line)
      }
    }
    rootAtCheckpoint = rootHash(prefix)
  }
  problem ??= chain.problem
  if (problem === null && checkpoint !== null && checkpoint.size > chain.tree.size)
    problem = `the checkpoint covers ${checkpoint.size} entries, the log has only ${chain.tree.size}: entries were cut off`
  if (problem === null && checkpoint !== null && rootAtCheckpoint !== null && !rootAtCheckpoint.equals(checkpoint.root))
    problem = 'the checkpoint was signed over other entries than these'
  return {
    ok: problem === null,
    entries: chain.tree.size,
    checkpointSize: checkpoint?.size ?? null,
    rootBase64: rootHash(chain.tree).toString('base64'),
    problem,
  }
}

/** The entries of one incident, in order. Lines that are not entries are left out: verification speaks of those. */
export function entriesOfIncident(folder: string, incidentId: string): AuditEntry[] {
  const mark = JSON.stringify(incidentId)
  return auditFiles(folder).flatMap(({ name }) =>
    linesOf(readFileSync(join(folder, name)))
      .filter((line) => line.includes(mark))
      .flatMap((line) => parseEntry(line) ?? []),
  )
}

/** The entries written since `sinceMs` (epoch milliseconds), in order; lines that are not entries are left out. */
export function entriesSince(folder: string, sinceMs: number): AuditEntry[] {
  const found: AuditEntry[][] = []
  for (const { name } of auditFiles(folder).reverse()) {
    const entries = linesOf(readFileSync(join(folder, name))).flatMap((line) => parseEntry(line) ?? [])
    found.unshift(entries.filter(({ at }) => Date.parse(at) >= sinceMs))
    if (entries[0] !== undefined && Date.parse(entries[0].at) < sinceMs) break
  }
  return found.flat()
}
