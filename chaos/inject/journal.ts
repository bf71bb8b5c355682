import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { AppError, messageOf } from '../../server/errors.ts'
import { Undo } from './undo.ts'

/** One for all runs on a host, so that each finds what the one before it has left. */
export const JOURNAL_FOLDER = join(tmpdir(), 'dockerpulse-chaos')

/** A journal that is longer is emptied when nothing in it is open. */
const LONGEST_BYTES = 1 << 20

/** A fault that was begun: what must be taken back, and until when it lasts at most. */
export const Deed = z.object({
  id: z.string(),
  at: z.number(),
  untilMs: z.number(),
  what: z.string(),
  victim: z.object({ id: z.string(), name: z.string() }),
  undo: z.array(Undo),
})
export type Deed = z.infer<typeof Deed>

const TakenBack = z.object({ takenBack: z.string(), at: z.number() })

/** A deed as the journal has it; `takenBackAt` is `null` while it is open. */
export type DeedRecord = Deed & { takenBackAt: number | null }

/** What was done, on disk. Every line is there before the next thing happens. */
export type Journal = {
  begin(deed: Deed): void
  end(id: string, at: number): void
  /** In the order of doing; lines of a crash in the middle are left out. */
  records(): DeedRecord[]
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}

/** The deeds of a journal's text. */
export function parseJournal(text: string): DeedRecord[] {
  const deeds = new Map<string, DeedRecord>()
  for (const line of text.split('\n').map(parseLine)) {
    const begun = Deed.safeParse(line)
    if (begun.success) deeds.set(begun.data.id, { ...begun.data, takenBackAt: null })
    const ended = TakenBack.safeParse(line)
    const deed = ended.success ? deeds.get(ended.data.takenBack) : undefined
    if (ended.success && deed !== undefined) deed.takenBackAt = ended.data.at
  }
  return [...deeds.values()]
}

const pathIn = (folder: string) => join(folder, 'chaos-journal.jsonl')

/** Whether a folder has a journal. */
export const hasJournal = (folder: string) => existsSync(pathIn(folder))

/** Opens the journal of a folder, which is made where it is missing. */
export function openJournal(folder: string): Journal {
  const path = pathIn(folder)
  try {
    mkdirSync(folder, { recursive: true })
    closeSync(openSync(path, 'a'))
  } catch (error) {
    throw new AppError(`no journal of faults in ${folder}: ${messageOf(error)}; name a folder that can be written`)
  }
  const records = () => parseJournal(readFileSync(path, 'utf8'))
  if (statSync(path).size > LONGEST_BYTES && records().every(({ takenBackAt }) => takenBackAt !== null))
    truncateSync(path)

  const append = (line: unknown) => {
    const file = openSync(path, 'a')
    try {
      // The empty line first closes one that a crash has cut short.
      writeSync(file, `\n${JSON.stringify(line)}\n`)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  }
  return { begin: append, end: (id, at) => append({ takenBack: id, at }), records }
}
