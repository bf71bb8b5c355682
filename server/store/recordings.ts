import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { z } from 'zod'
import {
  MOST_RECORDING_BYTES,
  MOST_RECORDINGS,
  Recording,
  type RecordingEntry,
  RecordingMoment,
} from '../contracts/black-box.ts'
import { messageOf, StoreError } from '../errors.ts'
import { syncPath } from './piece-files.ts'

const compress = promisify(gzip)
const decompress = promisify(gunzip)

/** Of all incidents together; beyond it the oldest incidents' recordings go. */
const MOST_TOTAL_BYTES = 200 * 1024 ** 2

const FILE = /^(\d{1,4})-(opened|before-action)\.json\.gz$/
const UNFINISHED = '.part'

type Found = { number: number; moment: RecordingMoment; file: string }

export type Recordings = {
  /** Keeps a recording under the next number. Rejects with StoreError where there is one too many, else as the disk says. */
  save(recording: Recording): Promise<{ number: number; sha256: string; bytes: number }>
  /** In the order of their numbers; one that cannot be read is there too, and says why. */
  list(incidentId: string): Promise<RecordingEntry[]>
  /** The JSON as it was hashed, or `null` where there is none. Rejects with StoreError where it is damaged. */
  read(incidentId: string, number: number): Promise<string | null>
  readonly sizeBytes: number
}

function parseName(file: string): Found | null {
  const [, number, moment] = FILE.exec(file) ?? []
  return number === undefined ? null : { number: Number(number), moment: RecordingMoment.parse(moment), file }
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'

/** Nothing but a UUID may become part of a path. */
const checked = (incidentId: string): string => z.uuid().parse(incidentId)

/** Sizes of what earlier runs left, oldest incident first; files that were never finished are removed. */
function measure(folder: string): Map<string, number> {
  const found: { id: string; bytes: number; newestMs: number }[] = []
  for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
    const { name: id } = entry
    if (!entry.isDirectory() || !z.uuid().safeParse(id).success) continue
    const of = { id, bytes: 0, newestMs: 0 }
    for (const file of readdirSync(join(folder, id))) {
      if (file.endsWith(UNFINISHED)) rmSync(join(folder, id, file), { force: true })
      if (parseName(file) === null) continue
      const { size, mtimeMs } = statSync(join(folder, id, file))
      of.bytes += size
      of.newestMs = Math.max(of.newestMs, mtimeMs)
    }
    found.push(of)
  }
  return new Map(found.sort((a, b) => a.newestMs - b.newestMs).map(({ id, bytes }) => [id, bytes]))
}

/** A folder that cannot be looked at stops nobody: saving into it will say what is wrong. */
function measured(folder: string): Map<string, number> {
  try {
    return measure(folder)
  } catch {
    return new Map()
  }
}

/** Written beside its place, brought to the disk, and put there whole. */
async function writeWhole(folder: string, file: string, content: Buffer): Promise<void> {
  const unfinished = join(folder, `${file}${UNFINISHED}`)
  try {
    const handle = await open(unfinished, 'w', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(unfinished, join(folder, file))
    syncPath(folder)
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => {})
    throw error
  }
}

/**
 * The files of the black box: `<incident>/<number>-<moment>.json.gz`, each written whole or not at all, at most 20 of an
 * incident. Where all together are more than `mostBytes`, whole incidents go, the oldest first.
 */
export function openRecordings({
  folder,
  mostBytes = MOST_TOTAL_BYTES,
}: {
  folder: string
  mostBytes?: number
}): Recordings {
  const sizes = measured(folder)
  let turns: Promise<unknown> = Promise.resolve()
  const total = () => sizes.values().reduce((sum, bytes) => sum + bytes, 0)

  const filesOf = async (incidentId: string): Promise<Found[]> => {
    try {
      const names = await readdir(join(folder, checked(incidentId)))
      return names.flatMap((name) => parseName(name) ?? []).sort((a, b) => a.number - b.number)
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  const prune = async (but: string) => {
    for (const id of [...sizes.keys()]) {
      if (total() <= mostBytes) return
      if (id === but) continue
      await rm(join(folder, checked(id)), { recursive: true, force: true })
      sizes.delete(id)
    }
  }

  const save = async (recording: Recording) => {
    const { incidentId, moment } = recording
    const files = await filesOf(incidentId)
    if (files.length >= MOST_RECORDINGS) throw new StoreError(`this incident has ${files.length} recordings already`)
    const text = JSON.stringify(recording)
    const content = await compress(text)
    const number = (files.at(-1)?.number ?? 0) + 1
    const home = join(folder, checked(incidentId))
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    await mkdir(home, { recursive: true, mode: 0o700 })
    if (files.length === 0) syncPath(folder)
    await writeWhole(home, `${number}-${moment}.json.gz`, content)
    const bytesBefore = sizes.get(incidentId) ?? 0
    sizes.delete(incidentId)
    sizes.set(incidentId, bytesBefore + content.length)
    await prune(incidentId)
    return { number, sha256: createHash('sha256').update(text).digest('hex'), bytes: Buffer.byteLength(text) }
  }

  const readText = async (incidentId: string, { number, file }: Found): Promise<{ text: string; at: string }> => {
    try {
      const content = await readFile(join(folder, checked(incidentId), file))
      const text = (await decompress(content, { maxOutputLength: 2 * MOST_RECORDING_BYTES })).toString('utf8')
      return { text, at: Recording.parse(JSON.parse(text)).at }
    } catch (error) {
      const reason = error instanceof z.ZodError ? 'it is no recording' : messageOf(error)
      throw new StoreError(`recording ${number} of incident ${incidentId} cannot be read: ${reason.slice(0, 200)}`)
    }
  }

  return {
    get sizeBytes() {
      return total()
    },
    save(recording) {
      const saved = turns.then(() => save(recording))
      turns = saved.catch(() => {})
      return saved
    },
    async list(incidentId) {
      const entries: RecordingEntry[] = []
      for (const found of await filesOf(incidentId)) {
        const { number, moment } = found
        try {
          const { text, at } = await readText(incidentId, found)
          const sha256 = createHash('sha256').update(text).digest('hex')
          entries.push({ number, moment, at, bytes: Buffer.byteLength(text), sha256, problem: null })
        } catch (error) {
          entries.push({ number, moment, at: null, bytes: null, sha256: null, problem: messageOf(error) })
        }
      }
      return entries
    },
    async read(incidentId, number) {
      const found = (await filesOf(incidentId)).find((file) => file.number === number)
      return found === undefined ? null : (await readText(incidentId, found)).text
    },
  }
}
