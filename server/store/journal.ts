import { closeSync, constants, fdatasync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import type { Batch } from './batch.ts'
import { COLUMNS } from './batch.ts'

const datasync = promisify(fdatasync)

/**
 * Batches that are on disk and not yet in the database. A record is the length of its head and body and the CRC-32 of
 * both, then the head (JSON: what is not a row), then the rows' times and numbers in the machine's own byte order.
 */
export type Journal = {
  /** Adds a batch; on disk when it resolves. Rejects where the disk refuses; the journal is as before then. */
  append(batch: Batch): Promise<void>
  /** Forgets everything: all of it is in the database. */
  clear(): void
  close(): void
}

const PREFIX_BYTES = 12

function recordOf(batch: Batch): Buffer {
  const { number, atMs, containers, timesMs, cells } = batch
  const head = Buffer.from(JSON.stringify({ number, atMs, containers, rows: timesMs.length }))
  const body = [timesMs, cells].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
  )
  const payload = Buffer.concat([head, ...body])
  const prefix = Buffer.alloc(PREFIX_BYTES)
  prefix.writeUInt32LE(head.length, 0)
  prefix.writeUInt32LE(payload.length - head.length, 4)
  prefix.writeUInt32LE(crc32(payload), 8)
  return Buffer.concat([prefix, payload])
}

/** The batch that begins at `offset`, and where the next one does; `null` where a whole, undamaged one is not there. */
function batchAt(bytes: Buffer, offset: number): { batch: Batch; next: number } | null {
  if (offset + PREFIX_BYTES > bytes.length) return null
  const headBytes = bytes.readUInt32LE(offset)
  const bodyBytes = bytes.readUInt32LE(offset + 4)
  const begin = offset + PREFIX_BYTES
  const next = begin + headBytes + bodyBytes
  if (next > bytes.length || crc32(bytes.subarray(begin, next)) !== bytes.readUInt32LE(offset + 8)) return null
  const { rows, ...rest } = JSON.parse(bytes.toString('utf8', begin, begin + headBytes)) as Omit<
    Batch,
    'timesMs' | 'cells'
  > & { rows: number }
  // A copy begins where its numbers may: views into the file's bytes would not be aligned.
  const body = bytes.subarray(begin + headBytes, next)
  if (body.length !== rows * (8 + 4 * COLUMNS)) return null
  const timesMs = new Float64Array(Uint8Array.from(body.subarray(0, rows * 8)).buffer)
  const cells = new Int32Array(Uint8Array.from(body.subarray(rows * 8)).buffer)
  return { batch: { ...rest, timesMs, cells }, next }
}

/** All whole batches of a journal, in their order; what a kill or damage left after them is not read. */
function batchesOf(bytes: Buffer): Batch[] {
  const batches: Batch[] = []
  for (let found = batchAt(bytes, 0); found !== null; found = batchAt(bytes, found.next)) batches.push(found.batch)
  return batches
}

/** Opens the journal at `path`, made where there is none, with the batches that a killed program left in it. */
export function openJournal(path: string): { journal: Journal; left: Batch[] } {
  const descriptor = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644)
  const left = batchesOf(readFileSync(path))
  let sizeBytes = left.reduce((sum, batch) => sum + recordOf(batch).length, 0)
  return {
    left,
    journal: {
      async append(batch) {
        const record = recordOf(batch)
        try {
          let written = 0
          while (written < record.length)
            written += writeSync(descriptor, record, written, record.length - written, sizeBytes + written)
          await datasync(descriptor)
          sizeBytes += record.length
        } catch (error) {
          ftruncateSync(descriptor, sizeBytes)
          throw error
        }
      },
      clear() {
        ftruncateSync(descriptor, 0)
        sizeBytes = 0
      },
      close: () => closeSync(descriptor),
    },
  }
}
