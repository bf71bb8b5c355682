import { OwnCalibration } from '../contracts/scoreboard.ts'
import type { Database } from './database.ts'

export type OwnCalibrationStore = {
  /** Rejects where the disk refuses. */
  save(own: OwnCalibration): Promise<void>
  /** `null` where none was kept, or it cannot be read. */
  read(): Promise<OwnCalibration | null>
}

const NAME = 'calibration'

/** What the program corrects its model by, kept beside what an operator set. */
export function createOwnCalibrationStore(database: Database): OwnCalibrationStore {
  return {
    save: (own) =>
      database.write(async (connection) => {
        await connection.run('DELETE FROM operator_settings WHERE name = $1', [NAME])
        await connection.run('INSERT INTO operator_settings VALUES ($1, $2)', [NAME, JSON.stringify(own)])
      }),
    async read() {
      const reader = await database.read((connection) =>
        connection.runAndReadAll('SELECT document FROM operator_settings WHERE name = $1', [NAME]),
      )
      try {
        return OwnCalibration.parse(JSON.parse(String(reader.getRows()[0]?.[0])))
      } catch {
        return null
      }
    },
  }
}
