import { Tally } from '../contracts/scoreboard.ts'
import type { Database } from './database.ts'

export type ScoreStore = {
  /** Keeps a day's tally in place of an earlier one of that day. Rejects where the disk refuses. */
  save(dayMs: number, tally: Tally): Promise<void>
  /** Tallies of days from `fromMs` on, oldest first; one that cannot be read is left out. */
  list(fromMs: number): Promise<{ dayMs: number; tally: Tally }[]>
}

/** Tallies of predictions by day. */
export function createScoreStore(database: Database): ScoreStore {
  return {
    save: (dayMs, tally) =>
      database.write(async (connection) => {
        await connection.run('DELETE FROM scores WHERE day_ms = $1', [BigInt(dayMs)])
        await connection.run('INSERT INTO scores VALUES ($1, $2)', [BigInt(dayMs), JSON.stringify(tally)])
      }),
    async list(fromMs) {
      const reader = await database.read((connection) =>
        connection.runAndReadAll('SELECT day_ms, document FROM scores WHERE day_ms >= $1 ORDER BY day_ms', [
          BigInt(Math.round(fromMs)),
        ]),
      )
      return reader.getRows().flatMap(([dayMs, document]) => {
        try {
          return [{ dayMs: Number(dayMs), tally: Tally.parse(JSON.parse(String(document))) }]
        } catch {
          return []
        }
      })
    },
  }
}
