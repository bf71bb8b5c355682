import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { AuditEntry } from '../contracts/audit.ts'
import { messageOf } from '../errors.ts'
import { type Checkpoint, verifyCheckpoint } from './checkpoint.ts'
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
  /** The roots of the tree at the sizes that were asked for. */
  rootAtSize: ReadonlyMap<number, Buffer>
}

export const NO_ENTRY_HASH = '0'.repeat(64)

/**
 * Reads all entries in `folder`, checks each line's form, index and link to the one before, and builds the Merkle tree.
 * `onEntry` sees each entry that holds. Stops at the first problem, which names the file and line.
 */
export function readChain(
  folder: string,
  { onEntry, sizes = [] }: { onEntry?: (entry: AuditEntry) => void; sizes?: readonly number[] } = {},
): Chain {
  const rootAtSize = new Map<number, Buffer>()
  const chain: Chain = {
    tree: emptyTree(),
    lastHash: NO_ENTRY_HASH,
    lastFile: null,
    lastFileEntries: 0,
    tornTail: null,
    problem: null,
    rootAtSize,
  }
  const keepRoot = () => {
    if (sizes.includes(chain.tree.size)) rootAtSize.set(chain.tree.size, rootHash(chain.tree))
  }
  keepRoot()
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
      keepRoot()
      onEntry?.(entry)
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

/** What is wrong with a signed checkpoint as the word of this log, or `null`. */
function checkpointProblem(checkpoint: Checkpoint, { tree, rootAtSize }: Chain): string | null {
  if (checkpoint.size > tree.size)
    return `the checkpoint covers ${checkpoint.size} entries, the log has only ${tree.size}: entries were cut off`
  return rootAtSize.get(checkpoint.size)?.equals(checkpoint.root)
    ? null
    : 'the checkpoint was signed over other entries than these'
}

/**
 * Reads a log folder once and checks it offline: the chain of all entries, and that the newest checkpoint (signed,
 * Ed25519) covers a prefix of exactly these entries. `verifier` defaults to the one beside the log: give the one that you
 * noted elsewhere. `kept` are checkpoints that were kept elsewhere; the log must extend each of them.
 */
export function inspectLog(
  folder: string,
  options: { verifier?: string; kept?: readonly string[]; onEntry?: (entry: AuditEntry) => void } = {},
): { verification: Verification; chain: Chain } {
  const checkpoints: Checkpoint[] = []
  let problem: string | null = null
  try {
    const verifier = options.verifier ?? readFileSync(join(folder, VERIFIER_FILE), 'utf8').trim()
    const own = readFileSync(join(folder, CHECKPOINT_FILE), 'utf8')
    for (const note of [own, ...(options.kept ?? [])]) checkpoints.push(verifyCheckpoint(note, verifier))
  } catch (error) {
    problem = messageOf(error)
  }
  const { onEntry } = options
  const chain = readChain(folder, { sizes: checkpoints.map(({ size }) => size), ...(onEntry && { onEntry }) })
  problem ??= chain.problem
  for (const checkpoint of checkpoints) problem ??= checkpointProblem(checkpoint, chain)
  const verification = {
    ok: problem === null,
    entries: chain.tree.size,
    checkpointSize: checkpoints[0]?.size ?? null,
    rootBase64: rootHash(chain.tree).toString('base64'),
    problem,
  }
  return { verification, chain }
}

/** Whether a log holds; see `inspectLog`. */
export const verifyLog = (folder: string, verifier?: string, kept: readonly string[] = []): Verification =>
  inspectLog(folder, { kept, ...(verifier !== undefined && { verifier }) }).verification

/** The entries of one incident, in order. Lines that are not entries are left out: verification speaks of those. */
export function entriesOfIncident(folder: string, incidentId: string): AuditEntry[] {
  const mark = JSON.stringify(incidentId)
  return auditFiles(folder).flatMap(({ name }) =>
    linesOf(readFileSync(join(folder, name)))
      .filter((line) => line.includes(mark))
      .flatMap((line) => parseEntry(line) ?? []),
  )
}
