import type { BlackBoxReading } from './black-box-reading.ts'
import type { Recording, RecordingMoment } from './contracts/black-box.ts'
import type { Incident } from './contracts/incident.ts'
import type { Clock } from './contracts/ports.ts'
import { messageOf, StoreError } from './errors.ts'
import type { Log } from './log.ts'
import type { Recordings } from './store/recordings.ts'

/** An action waits no longer for the engine's answers. */
const ANSWERED_WITHIN_MS = 200
/** When many containers fail at once, the engine is not asked about all of them at once. */
const OPENED_AT_ONCE = 4
const MOST_WAITING = 200
/** What a full disk refuses waits in memory for space; of more the oldest is lost. */
const MOST_REFUSED = 8

export type Kept = { sha256: string; bytes: number } | { missing: string }

export type BlackBox = AsyncDisposable & {
  /** Records what is to be seen around a container now. Never rejects. */
  keep(incident: Incident, moment: RecordingMoment, actionId: string | null, onAnswered?: () => void): Promise<Kept>
  /**
   * Begins the recording before an action, and resolves when the engine has told of what the action would change, or after
   * a fifth of a second: then what comes later may already show it. Never rejects.
   */
  beforeAction(incident: Incident, actionId: string): Promise<void>
  /** Tries again to write what the disk refused. Never rejects. */
  retry(): Promise<void>
  /** Recordings since the start that are not on the disk, and why the newest is not; `null` where none waits for space. */
  readonly lost: { readonly count: number; readonly reason: string | null }
}

/**
 * Keeps the evidence that is gone afterwards, without holding anybody up: what opens at once is read a few at a time,
 * an action does not wait for those, and what a full disk refuses is tried again. `onKept` is told of each recording
 * that is on the disk. Dispose waits for the last one.
 */
export function createBlackBox(ports: {
  reading: BlackBoxReading
  clock: Clock
  log: Log
  recordings: Pick<Recordings, 'save'>
  onKept: (recording: Recording, kept: { number: number; sha256: string; bytes: number }, incident: Incident) => void
}): BlackBox {
  const { reading, clock, log } = ports
  const lost: { count: number; reason: string | null } = { count: 0, reason: null }
  const unfinished = new Set<Promise<Kept>>()
  const begun = new Map<string, Promise<Kept>>()
  const waiting: (() => void)[] = []
  let refused: { recording: Recording; incident: Incident }[] = []
  let places = OPENED_AT_ONCE

  const write = async (
    incident: Incident,
    moment: RecordingMoment,
    actionId: string | null,
    earlier: Promise<Kept> | undefined,
    onAnswered?: () => void,
  ): Promise<Kept> => {
    try {
      const recording = await reading.read(incident, moment, actionId, onAnswered)
      await earlier
      try {
        return await save(recording, incident)
      } catch (error) {
        // What the store itself refuses says nothing of the disk.
        if (error instanceof StoreError) throw error
        lost.reason = messageOf(error)
        refused = [...refused, { recording, incident }].slice(-MOST_REFUSED)
        throw error
      }
    } catch (error) {
      return lose(incident.id, moment, error)
    }
  }

  const save = async (recording: Recording, incident: Incident): Promise<Kept> => {
    const kept = await ports.recordings.save(recording)
    ports.onKept(recording, kept, incident)
    return { sha256: kept.sha256, bytes: kept.bytes }
  }

  const retry = async (): Promise<void> => {
    const again = refused
    refused = []
    for (const [index, one] of again.entries()) {
      try {
        await save(one.recording, one.incident)
        lost.count -= 1
      } catch (error) {
        if (error instanceof StoreError) continue
        lost.reason = messageOf(error)
        refused = [...again.slice(index), ...refused].slice(-MOST_REFUSED)
        return
      }
    }
    if (refused.length === 0) lost.reason = null
  }

  /** Recordings of one incident are numbered in the order in which they were begun. */
  const keepNow = (
    incident: Incident,
    moment: RecordingMoment,
    actionId: string | null,
    onAnswered?: () => void,
  ): Promise<Kept> => {
    const writing = write(incident, moment, actionId, begun.get(incident.id), onAnswered)
    begun.set(incident.id, writing)
    void writing.then(() => {
      if (begun.get(incident.id) === writing) begun.delete(incident.id)
    })
    return writing
  }

  const lose = (incidentId: string, moment: RecordingMoment, error: unknown): Kept => {
    const reason = messageOf(error)
    lost.count += 1
    log.error({ incidentId, moment, reason, lost: lost.count }, 'black box could not be kept')
    return { missing: reason }
  }

  const inTurn = async (job: () => Promise<Kept>): Promise<Kept> => {
    if (places > 0) places -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    const kept = await job()
    const next = waiting.shift()
    if (next === undefined) places += 1
    else next()
    return kept
  }

  const keep: BlackBox['keep'] = (incident, moment, actionId, onAnswered) => {
    if (moment === 'opened' && waiting.length >= MOST_WAITING)
      return Promise.resolve(lose(incident.id, moment, new StoreError('too many incidents opened at once')))
    const now = () => keepNow(incident, moment, actionId, onAnswered)
    const keeping = moment === 'opened' ? inTurn(now) : now()
    unfinished.add(keeping)
    void keeping.then(() => unfinished.delete(keeping))
    return keeping
  }

  return {
    lost,
    retry,
    keep,
    async beforeAction(incident, actionId) {
      const answered = Promise.withResolvers<void>()
      const finished = new AbortController()
      const kept = keep(incident, 'before-action', actionId, answered.resolve)
      await Promise.race([answered.promise, kept, clock.sleep(ANSWERED_WITHIN_MS, finished.signal)])
      finished.abort()
    },
    async [Symbol.asyncDispose]() {
      while (unfinished.size > 0) await Promise.all(unfinished)
    },
  }
}
