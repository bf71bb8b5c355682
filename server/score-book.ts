import {
  addTallies,
  cutShort,
  emptyTally,
  failed,
  nothingUnjudged,
  predicted,
  scoreboardOf,
  type Unjudged,
} from './analyse/scorekeeping.ts'
import type { Assessment } from './contracts/assessment.ts'
import type { Clock } from './contracts/ports.ts'
import type { Correction, Scoreboard, Tally } from './contracts/scoreboard.ts'
import type { ScoreStore } from './store/scores.ts'

const DAY_MS = 86_400_000

/** Older days say little of the program as it is now. */
const DAYS_SHOWN = 30

export type ScoreBook = {
  /** What is thought of a container now. */
  assessed(assessment: Pick<Assessment, 'containerId' | 'probability' | 'light'>): void
  failed(containerId: string): void
  /** Somebody stopped it, or it is gone: what is open of it cannot be judged. */
  cutShort(containerId: string): void
  board(): Scoreboard
  /** The outcomes of all days shown, and those of the whole days after a time. */
  tallies(sinceMs: number | null): { all: Tally; since: Tally }
  /** Keeps today's tally. Rejects where the disk refuses; nothing is lost while the program runs. */
  save(): Promise<void>
}

/** Keeps score of the program's own predictions, day by day. */
export async function openScoreBook(options: {
  store: ScoreStore
  clock: Clock
  horizonMs: number
  /** By what the model is corrected now. */
  correction?: () => Correction | null
}): Promise<ScoreBook> {
  const { store, clock, horizonMs, correction = () => null } = options
  const dayOf = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS
  const unjudged = new Map<string, Unjudged>()
  const days = new Map<number, Tally>()
  for (const { dayMs, tally } of await store.list(clock.now() - DAYS_SHOWN * DAY_MS)) days.set(dayMs, tally)

  const today = (): Tally => {
    const dayMs = dayOf(clock.now())
    let tally = days.get(dayMs)
    if (tally === undefined) {
      tally = emptyTally()
      days.set(dayMs, tally)
      for (const old of days.keys()) if (old < dayMs - DAYS_SHOWN * DAY_MS) days.delete(old)
    }
    return tally
  }
  const openOf = (containerId: string): Unjudged => {
    let open = unjudged.get(containerId)
    if (open === undefined) {
      open = nothingUnjudged()
      unjudged.set(containerId, open)
    }
    return open
  }

  return {
    assessed({ containerId, probability, light }) {
      const critical = probability !== null && light === 'critical'
      predicted(openOf(containerId), today(), {
        atMs: clock.now(),
        probability,
        critical,
        horizonMs,
        correction: correction(),
      })
    },
    failed: (containerId) => failed(openOf(containerId), today(), clock.now(), horizonMs),
    cutShort(containerId) {
      const open = unjudged.get(containerId)
      if (open !== undefined) cutShort(open, today())
      unjudged.delete(containerId)
    },
    board() {
      const first = Math.min(...days.keys())
      const since = Number.isFinite(first) ? new Date(first).toISOString() : null
      return scoreboardOf([...days.values()].reduce(addTallies, emptyTally()), { since, horizonMs })
    },
    tallies(sinceMs) {
      const later = [...days].filter(([dayMs]) => sinceMs !== null && dayMs > sinceMs).map(([, tally]) => tally)
      return {
        all: [...days.values()].reduce(addTallies, emptyTally()),
        since: later.reduce(addTallies, emptyTally()),
      }
    },
    async save() {
      const dayMs = dayOf(clock.now())
      // The day before may have got its last judgements after midnight was passed.
      for (const day of [dayMs - DAY_MS, dayMs]) {
        const tally = days.get(day)
        if (tally !== undefined) await store.save(day, tally)
      }
    },
  }
}
