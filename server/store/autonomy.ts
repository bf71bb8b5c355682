import { Judgement, OperatorSettings } from '../contracts/autonomy.ts'
import type { Database } from './database.ts'
import { createSetting } from './setting.ts'

/** The newest so many judgements are read at the start. */
const MOST_READ = 20_000

export type AutonomyStore = {
  /** Keeps a judgement in place of an earlier one of that action. Rejects where the disk refuses. */
  saveJudgement(judgement: Judgement): Promise<void>
  /** Since `fromMs`, oldest first; one that cannot be read is left out. */
  judgements(fromMs: number): Promise<Judgement[]>
  /** Removes those of before `beforeMs`. Rejects where the disk refuses. */
  prune(beforeMs: number): Promise<void>
  saveSettings(settings: OperatorSettings): Promise<void>
  /** `null` where none were kept, or they cannot be read. */
  settings(): Promise<OperatorSettings | null>
}

/** What became of decisions, and what an operator set. */
export function createAutonomyStore(database: Database): AutonomyStore {
  const settings = createSetting(database, 'operator', OperatorSettings)
  return {
    saveJudgement: (judgement) =>
      database.write(async (connection) => {
        await connection.run('DELETE FROM judgements WHERE action_id = $1', [judgement.actionId])
        await connection.run('INSERT INTO judgements VALUES ($1, $2, $3)', [
          judgement.actionId,
          BigInt(Math.round(judgement.at)),
          JSON.stringify(judgement),
        ])
      }),
    async judgements(fromMs) {
      const reader = await database.read((connection) =>
        connection.runAndReadAll(
          `SELECT document FROM judgements WHERE at_ms >= $1 ORDER BY at_ms DESC LIMIT ${MOST_READ}`,
          [BigInt(Math.round(fromMs))],
        ),
      )
      return reader
        .getRows()
        .flatMap(([document]) => {
          try {
            return [Judgement.parse(JSON.parse(String(document)))]
          } catch {
            return []
          }
        })
        .reverse()
    },
    prune: (beforeMs) =>
      database.write(async (connection) => {
        await connection.run('DELETE FROM judgements WHERE at_ms < $1', [BigInt(Math.round(beforeMs))])
      }),
    saveSettings: settings.save,
    settings: settings.read,
  }
}
