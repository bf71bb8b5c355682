import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { AppError, messageOf } from '../../server/errors.ts'

/** What was kept in a file, oldest first. Throws AppError where it is not what this program wrote. */
export function readKept<T>(path: string, schema: z.ZodType<T>): T[] {
  if (!existsSync(path)) return []
  try {
    return z.array(schema).parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new AppError(`${path} cannot be read (${messageOf(error)}): mend it, or move it away`)
  }
}

export function writeKept(path: string, kept: readonly unknown[]): void {
  writeFileSync(path, `${JSON.stringify(kept, null, 2)}\n`)
}
