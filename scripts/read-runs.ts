import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Run, unpackRun } from '../chaos/record/run-file.ts'
import { AppError } from '../server/errors.ts'

const SUFFIX = '.jsonl.gz'
const MIN_RUNS = 20

/** L2 penalty of the failure model's weights: between 0.0003 and 0.003 nothing changes by more than the spread of the families. */
export const PENALTY = 0.001

/** The recorded runs of a folder, in the order of their names. Throws where there are too few to fit anything. */
export function readRuns(folder: string): Run[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .sort()
  if (files.length < MIN_RUNS) throw new AppError(`${folder} holds ${files.length} runs: record at least ${MIN_RUNS}`)
  return files.map((name) => unpackRun(readFileSync(join(folder, name))))
}
