import { correctedCalibration, correctionInWords, LOOK_EVERY_MS, recalibrate } from './analyse/recalibrate.ts'
import type { Calibration } from './contracts/assessment.ts'
import type { AuditRecord } from './contracts/audit.ts'
import type { CalibrationChange, Correction, OwnCalibration } from './contracts/scoreboard.ts'
import type { ScoreBook } from './score-book.ts'
import type { Setting } from './store/setting.ts'

export type OwnCalibrationBook = {
  /** The failure model as it is now. */
  readonly calibration: Calibration
  readonly own: OwnCalibration
  /** Once a day: corrects the model by its own outcomes, or takes a correction back. Rejects where it cannot be written down. */
  look(): Promise<void>
  /** An operator allows corrections, or takes them back and forbids them. */
  set(change: CalibrationChange): Promise<void>
}

/** Keeps the program's own correction of its model. What changes is written to the audit log before it counts. */
export async function openOwnCalibration(parts: {
  store: Setting<OwnCalibration>
  shipped: Calibration
  scores: Pick<ScoreBook, 'tallies'>
  now: () => number
  /** Writes to the audit log; throws where it cannot. */
  write: (record: Pick<AuditRecord, 'event' | 'actor' | 'decision' | 'reason'>) => void
}): Promise<OwnCalibrationBook> {
  const { store, shipped, scores, now, write } = parts
  let own: OwnCalibration = (await store.read()) ?? { own: true, correction: null, sinceMs: null, lookedAtMs: now() }
  let calibration = correctedCalibration(shipped, own.correction)

  const change = async (actor: string, correction: Correction | null, reason: string, allowed: boolean) => {
    write({ event: 'calibration.changed', actor, decision: correctionInWords(correction), reason })
    own = { own: allowed, correction, sinceMs: correction === null ? null : now(), lookedAtMs: now() }
    calibration = correctedCalibration(shipped, correction)
    await store.save(own)
  }

  return {
    get calibration() {
      return calibration
    },
    get own() {
      return own
    },
    async look() {
      if (!own.own || Math.abs(now() - own.lookedAtMs) < LOOK_EVERY_MS) return
      const { all, since } = scores.tallies(own.sinceMs)
      const next = recalibrate(own, all, since)
      if (next !== null) return change('dockerpulse', next.correction, next.reason, true)
      own = { ...own, lookedAtMs: now() }
      await store.save(own)
    },
    set: ({ own: allowed, reason }) =>
      change(
        'operator',
        allowed ? own.correction : null,
        `own corrections ${allowed ? 'allowed' : 'taken back and forbidden'}${reason === '' ? '' : `: ${reason}`}`,
        allowed,
      ),
  }
}
