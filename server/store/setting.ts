import type { z } from 'zod'
import type { Database } from './database.ts'

/** One document that outlives the service. */
export type Setting<T> = {
  /** Rejects where the disk refuses. */
  save(value: T): Promise<void>
  /** `null` where none was kept, or it cannot be read. */
  read(): Promise<T | null>
}

/** The document of that name in the table of settings. */
export function createSetting<T>(database: Database, name: string, schema: z.ZodType<T>): Setting<T> {
  return {
    save: (value) =>
      database.write(async (connection) => {
        await connection.run('DELETE FROM operator_settings WHERE name = $1', [name])
        await connection.run('INSERT INTO operator_settings VALUES ($1, $2)', [name, JSON.stringify(value)])
      }),
    async read() {
      const reader = await database.read((connection) =>
        connection.runAndReadAll('SELECT document FROM operator_settings WHERE name = $1', [name]),
      )
      try {
        return schema.parse(JSON.parse(String(reader.getRows()[0]?.[0])))
      } catch {
        return null
      }
    },
  }
}
