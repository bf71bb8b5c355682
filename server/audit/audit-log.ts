import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import canonicalize from 'canonicalize'
import { AuditEntry, type AuditRecord } from '../contracts/audit.ts'
import { AuditError, messageOf } from '../errors.ts'
import { openSigningKey, signCheckpoint } from './checkpoint.ts'
import { appendLeaf, emptyTree, rootHash, sha256 } from './merkle.ts'
import { CHECKPOINT_FILE, type Chain, inspectLog, NO_ENTRY_HASH, VERIFIER_FILE } from './verification.ts'

/** The specification has 16 bits for an entry's length; larger evidence goes in by its hash. */
const MAX_ENTRY_BYTES = 64 * 1024 - 1
/** A file of the log is closed after this many entries. */
const ENTRIES_PER_FILE = 50_000
/** Without an action a checkpoint is signed this often. */
const CHECKPOINT_EVERY_MS = 60_000
const CHECKPOINT_EVERY_ENTRIES = 256

export type AuditLog = AsyncDisposable & {
  /** `dockerpulse/<host uuid>`, the origin of the checkpoints. */
  readonly origin: string
  /** The public key to note elsewhere: with it anybody can verify. */
  readonly verifier: string
  /** What had to be set aside at opening, one sentence each. */
  readonly repairs: readonly string[]
  readonly size: number
  /** Why it cannot be written at present, or `null`. */
  readonly problem: string | null
  /** Writes one entry, on disk (fsync) when it returns. Throws AuditError where that fails. */
  append(record: AuditRecord): AuditEntry
  /** Signs and stores a checkpoint over all entries so far, and returns it. */
  checkpoint(): string
}

function writeDurably(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { flush: true })
  renameSync(`${path}.new`, path)
  syncFolder(dirname(path))
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function hostUuid(folder: string): string {
  const path = join(folder, 'host-uuid')
  if (!existsSync(path)) writeDurably(path, `${randomUUID()}\n`)
  return readFileSync(path, 'utf8').trim()
}

/** RFC 8785 knows no half of a surrogate pair; a text that was cut in the middle of a character ends in one. */
function wellFormed(entry: AuditEntry): AuditEntry {
  return JSON.parse(JSON.stringify(entry), (_, value) => (typeof value === 'string' ? value.toWellFormed() : value))
}

const blank = (): Chain => ({
  tree: emptyTree(),
  lastHash: NO_ENTRY_HASH,
  lastFile: null,
  lastFileEntries: 0,
  tornTail: null,
  problem: null,
  rootAtSize: new Map(),
})

/**
 * Opens the append-only log in `folder`, making it where there is none. An incomplete last line (power cut in mid-write,
 * never acknowledged) is kept beside the log and cut off; a log that does not verify is set aside whole and a new one
 * begins; both are named in `repairs`, as is a log without a checkpoint. Nothing is ever deleted. `onEntry` sees the
 * entries of earlier runs, in order. `entriesPerFile` is for tests.
 */
export function openAuditLog(
  folder: string,
  now: () => number,
  {
    onEntry,
    entriesPerFile = ENTRIES_PER_FILE,
  }: { onEntry?: (entry: AuditEntry) => void; entriesPerFile?: number } = {},
): AuditLog {
  mkdirSync(folder, { recursive: true })
  const repairs: string[] = []
  const stamp = new Date(now()).toISOString().replaceAll(':', '')
  const signed = existsSync(join(folder, CHECKPOINT_FILE))
  const inspected = inspectLog(folder, onEntry && { onEntry })
  let { chain } = inspected
  const problem = chain.problem ?? (signed ? inspected.verification.problem : null)
  if (problem !== null) {
    const aside = `${folder}.damaged-${stamp}`
    renameSync(folder, aside)
    mkdirSync(folder)
    repairs.push(`the audit log did not verify (${problem}) and was set aside as ${aside}`)
    chain = blank()
  }
  if (!signed && chain.tree.size > 0)
    repairs.push(`the audit log had no checkpoint: nothing signed proves its ${chain.tree.size} entries until now`)
  if (chain.tornTail !== null) {
    const { file, bytes, keepBytes } = chain.tornTail
    const path = join(folder, file)
    writeDurably(`${path}.torn-${stamp}`, readFileSync(path).subarray(keepBytes).toString('base64'))
    truncateSync(path, keepBytes)
    repairs.push(`an incomplete last entry of ${bytes} bytes was cut off the audit log and kept beside it`)
  }

  const origin = `dockerpulse/${hostUuid(folder)}`
  const key = openSigningKey(join(folder, 'key.pem'), origin)
  writeDurably(join(folder, VERIFIER_FILE), `${key.verifier}\n`)
  const { tree } = chain
  let lastHash = chain.lastHash
  let file = chain.lastFile
  let fileEntries = chain.lastFileEntries
  let descriptor: number | null = null
  /** Length of the file up to its last whole entry. */
  let goodBytes = 0
  let failure: string | null = null
  let signedSize = problem === null && signed ? (inspected.verification.checkpointSize ?? 0) : 0
  let signedAtMs = now()

  const openFile = (): number => {
    if (file === null || fileEntries >= entriesPerFile) {
      if (descriptor !== null) closeSync(descriptor)
      descriptor = null
      file = `audit-${tree.size}.jsonl`
      fileEntries = 0
    }
    if (descriptor === null) {
      descriptor = openSync(join(folder, file), 'a', 0o644)
      goodBytes = fstatSync(descriptor).size
      syncFolder(folder)
    }
    return descriptor
  }

  const checkpoint = (): string => {
    const note = signCheckpoint(key, tree.size, rootHash(tree))
    try {
      writeDurably(join(folder, CHECKPOINT_FILE), note)
    } catch (error) {
      failure = `the checkpoint of the audit log cannot be written: ${messageOf(error)}`
      throw new AuditError(failure, { cause: error })
    }
    failure = null
    signedSize = tree.size
    signedAtMs = now()
    return note
  }

  /** A write that failed half-way must leave no half line: the file goes back to its last whole entry, now or next time. */
  const appendLine = (line: string): void => {
    const target = openFile()
    const bytes = Buffer.from(`${line}\n`)
    if (fstatSync(target).size !== goodBytes) ftruncateSync(target, goodBytes)
    try {
      let written = 0
      while (written < bytes.length) written += writeSync(target, bytes, written)
      fsyncSync(target)
    } catch (error) {
      ftruncateSync(target, goodBytes)
      throw error
    }
    goodBytes += bytes.length
  }

  /** One that falls due by time or number: where it cannot be written the entry still stands, and `problem` says so. */
  const checkpointIfDue = (): void => {
    if (tree.size - signedSize < CHECKPOINT_EVERY_ENTRIES && now() - signedAtMs < CHECKPOINT_EVERY_MS) return
    try {
      checkpoint()
    } catch {}
  }

  return {
    origin,
    verifier: key.verifier,
    repairs,
    get size() {
      return tree.size
    },
    get problem() {
      return failure
    },
    append(record) {
      const entry = wellFormed(
        AuditEntry.parse({
          ...record,
          index: tree.size,
          at: new Date(now()).toISOString(),
          monotonicMs: Math.round(performance.now()),
          prev: lastHash,
        }),
      )
      const line = canonicalize(entry)!
      if (Buffer.byteLength(line) > MAX_ENTRY_BYTES)
        throw new AuditError(`an audit entry of ${Buffer.byteLength(line)} bytes is over the limit of 64 KiB`)
      try {
        appendLine(line)
        failure = null
      } catch (error) {
        failure = `the audit log cannot be written: ${messageOf(error)}`
        throw new AuditError(failure, { cause: error })
      }
      appendLeaf(tree, line)
      lastHash = sha256(line).toString('hex')
      fileEntries += 1
      checkpointIfDue()
      return entry
    },
    checkpoint,
    async [Symbol.asyncDispose]() {
      try {
        if (tree.size > signedSize) checkpoint()
      } catch {
        // The entries stand; the next run signs them.
      }
      if (descriptor !== null) closeSync(descriptor)
      descriptor = null
    },
  }
}
