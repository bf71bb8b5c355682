import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Runbook } from '../contracts/runbook.ts'
import { messageOf } from '../errors.ts'
import { type RunbookFile, readRunbookFile } from './runbook-file.ts'
import type { Problem } from './runbook-problems.ts'

/** Where the runbooks lie that come with the program. */
export const SHIPPED_RUNBOOKS = fileURLToPath(new URL('runbooks', import.meta.url))

export type FoundRunbook = { file: string; runbook: Runbook }

/** A broken file is taken for the runbook that it names, else for the one that it is called after. */
const subjectOf = ({ file, name }: RunbookFile): string => name ?? basename(file).replace(/\.ya?ml$/, '')

/** The runbooks of one folder, not of those in it, by file name. `broken` are the files that are none. */
function readFolder(folder: string): {
  found: FoundRunbook[]
  broken: { name: string; file: string }[]
  problems: Problem[]
} {
  const found = new Map<string, FoundRunbook>()
  const broken: { name: string; file: string }[] = []
  const problems: Problem[] = []
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (error) {
    problems.push({ file: folder, line: 1, column: 1, text: `the folder cannot be read: ${messageOf(error)}` })
    return { found: [], broken, problems }
  }
  for (const name of names.filter((one) => /\.ya?ml$/.test(one)).sort()) {
    const read = readRunbookFile(join(folder, name))
    problems.push(...read.problems)
    if (read.runbook === null) {
      broken.push({ name: subjectOf(read), file: read.file })
      continue
    }
    const { file, runbook } = read
    const other = found.get(runbook.name)
    if (other === undefined) found.set(runbook.name, { file, runbook })
    else
      problems.push({
        file,
        line: 1,
        column: 1,
        text: `${other.file} is called ${runbook.name} already: this one is left out`,
      })
  }
  return { found: [...found.values()], broken, problems }
}

/**
 * The runbooks of some folders with the files that they come from, by name. One of a later folder takes the place of one
 * of the same name before it; so does a broken one: whoever wrote it wanted something else than what came before.
 */
export function findRunbooks(folders: readonly string[]): { found: FoundRunbook[]; problems: Problem[] } {
  const byName = new Map<string, FoundRunbook>()
  const problems: Problem[] = []
  for (const folder of folders) {
    const { found, broken, problems: ofFolder } = readFolder(folder)
    problems.push(...ofFolder)
    for (const { name, file } of broken) {
      const replaced = byName.get(name)
      if (replaced === undefined) continue
      byName.delete(name)
      const text = `it was to take the place of ${replaced.file}, and cannot be used: neither counts`
      problems.push({ file, line: 1, column: 1, text })
    }
    for (const one of found) byName.set(one.runbook.name, one)
  }
  const found = [...byName.values()].sort((a, b) => (a.runbook.name < b.runbook.name ? -1 : 1))
  return { found, problems }
}

/**
 * The runbooks of some folders (`*.yml` and `*.yaml`), the shipped ones first and the user's after them. What cannot be
 * used is left out and named in `problems`; the others count. Never throws.
 */
export function loadRunbooks(folders: readonly string[]): { runbooks: Runbook[]; problems: Problem[] } {
  const { found, problems } = findRunbooks(folders)
  return { runbooks: found.map(({ runbook }) => runbook), problems }
}
