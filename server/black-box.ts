import { type BlackBoxMemory, createBlackBoxMemory } from './black-box-memory.ts'
import { RECORDED_MS, type Recording, type RecordingMoment } from './contracts/black-box.ts'
import type { Incident } from './contracts/incident.ts'
import type { Clock, Engine } from './contracts/ports.ts'
import type { HostFigures } from './contracts/status.ts'
import type { Container } from './contracts/telemetry.ts'
import { messageOf, StoreError } from './errors.ts'
import {
  changesBetween,
  fittingSamples,
  MOST_LOG_LINES,
  maskedContainer,
  maskedLog,
  maskedProcesses,
  neighboursOf,
  recordedSamples,
  visible,
} from './evidence.ts'
import type { Tracked } from './guard.ts'
import type { Log } from './log.ts'
import type { History } from './store/history.ts'
import type { Recordings } from './store/recordings.ts'
import { isoTime } from './views.ts'

/** A part that is not read by then is missing. */
const READ_MS = 1_500
/** An action waits no longer for its recording. */
const KEEP_MS = 2_000
const OWN_STEP_MS = 1_000
const NEIGHBOURS_STEP_MS = 5_000
const LOG_BYTES = 64 * 1024
/** When many containers fail at once, the engine is not asked about all of them at once. */
const OPENED_AT_ONCE = 4
const MOST_WAITING = 200

export type Kept = { sha256: string; bytes: number } | { missing: string }

export type BlackBox = AsyncDisposable &
  Pick<BlackBoxMemory, 'observed' | 'onEngineEvent'> & {
    /** Records what is to be seen around a container now. Never rejects; before an action it ends within two seconds. */
    keep(incident: Incident, moment: RecordingMoment, actionId: string | null): Promise<Kept>
    /** Recordings that could not be kept since the start, and why the newest could not; `null` when all is well. */
    readonly lost: { readonly count: number; readonly reason: string | null }
  }

/**
 * Keeps the evidence that is gone afterwards: samples of a container and its neighbours, log tail, processes, what
 * changed, events and host pressure. All parts are read at once, and one that fails or hangs is missing and nothing
 * more. `onKept` is told of each recording that is on the disk. Dispose waits for the last one.
 */
export function createBlackBox(ports: {
  engine: Pick<Engine, 'inspect' | 'logs' | 'top'>
  clock: Clock
  log: Log
  containers: () => ReadonlyMap<string, Container>
  tracked: () => readonly Tracked[]
  history: (query: {
    containerIds: readonly string[]
    fromMs: number
    toMs: number
    stepMs: number
  }) => Promise<{ stepMs: number; seen: History }>
  host: () => HostFigures | null
  recordings: Pick<Recordings, 'save'>
  onKept: (recording: Recording, kept: { number: number; sha256: string; bytes: number }, incident: Incident) => void
}): BlackBox {
  const { engine, clock, log } = ports
  const memory = createBlackBoxMemory()
  const lost: { count: number; reason: string | null } = { count: 0, reason: null }
  const unfinished = new Set<Promise<Kept>>()
  const begun = new Map<string, Promise<Kept>>()
  const waiting: (() => void)[] = []
  let places = OPENED_AT_ONCE

  const readSamples = async ({ containerId, containerName, composeProject }: Incident, toMs: number) => {
    const range = { fromMs: toMs - RECORDED_MS, toMs }
    const neighbours = neighboursOf(containerId, composeProject, ports.tracked())
    const own = await ports.history({ ...range, containerIds: [containerId], stepMs: OWN_STEP_MS })
    const others =
      neighbours.length === 0
        ? null
        : await ports.history({ ...range, containerIds: neighbours.map(({ id }) => id), stepMs: NEIGHBOURS_STEP_MS })
    return [
      recordedSamples(own.seen, own.stepMs, { id: containerId, name: containerName, relation: 'self' }),
      ...neighbours.map((neighbour) => recordedSamples(others!.seen, others!.stepMs, neighbour)),
    ]
  }

  const gather = async (incident: Incident, moment: RecordingMoment, actionId: string | null): Promise<Recording> => {
    const { id: incidentId, containerId, containerKey, containerName, composeProject } = incident
    const atMs = clock.now()
    const missing: string[] = []
    const finished = new AbortController()
    const late = clock.sleep(READ_MS, finished.signal).then((): never => {
      throw new StoreError(`not read within ${READ_MS / 1000} s`)
    })
    const part = <T, U>(name: string, read: () => Promise<T>, otherwise: U): Promise<T | U> =>
      Promise.race([(async () => read())(), late]).catch((error) => {
        missing.push(visible(`${name}: ${messageOf(error)}`))
        return otherwise
      })
    const [series, logTail, processes, inspected] = await Promise.all([
      part('samples', () => readSamples(incident, atMs), []),
      part(
        'logs',
        async () => maskedLog(await engine.logs(containerId, { tailLines: MOST_LOG_LINES, maxBytes: LOG_BYTES })),
        [],
      ),
      part('processes', async () => maskedProcesses(await engine.top(containerId)), null),
      part('inspect', () => engine.inspect(containerId), undefined),
    ])
    finished.abort()

    const samples = fittingSamples(series)
    if (samples.length < series.length)
      missing.push(`samples: those of ${series.length - samples.length} neighbours would be too large`)
    if (inspected === null) missing.push('inspect: the container is gone')
    const container = inspected ?? ports.containers().get(containerId) ?? null
    const good = memory.goodOf(containerKey)
    if (good === null) missing.push('changes: it was not seen to run well since the service began')
    const host = ports.host()
    if (host === null) missing.push("host: its kernel's files are not to be seen")
    return {
      incidentId,
      at: isoTime(atMs),
      moment,
      actionId,
      containerId,
      containerName: visible(containerName),
      samples,
      logTail,
      processes,
      container: container && maskedContainer(container),
      changedSinceGood: good === null || container === null ? [] : changesBetween(good, container),
      events: memory.eventsOf(containerId, composeProject, atMs),
      host,
      missing,
    }
  }

  const write = async (
    incident: Incident,
    moment: RecordingMoment,
    actionId: string | null,
    earlier: Promise<Kept> | undefined,
  ): Promise<Kept> => {
    try {
      const recording = await gather(incident, moment, actionId)
      await earlier
      const kept = await ports.recordings.save(recording)
      lost.reason = null
      ports.onKept(recording, kept, incident)
      return { sha256: kept.sha256, bytes: kept.bytes }
    } catch (error) {
      return lose(incident.id, moment, error)
    }
  }

  /** Recordings of one incident are numbered in the order in which they were begun. */
  const keepNow = (incident: Incident, moment: RecordingMoment, actionId: string | null): Promise<Kept> => {
    const writing = write(incident, moment, actionId, begun.get(incident.id))
    begun.set(incident.id, writing)
    void writing.then(() => {
      if (begun.get(incident.id) === writing) begun.delete(incident.id)
    })
    return writing
  }

  const lose = (incidentId: string, moment: RecordingMoment, error: unknown): Kept => {
    const reason = messageOf(error)
    lost.count += 1
    // What the store itself refuses says nothing of the disk.
    if (!(error instanceof StoreError)) lost.reason = reason
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

  /** What is late may still be kept, and is then told of. */
  const withinLimit = async (keeping: Promise<Kept>): Promise<Kept> => {
    const finished = new AbortController()
    const late = clock
      .sleep(KEEP_MS, finished.signal)
      .then((): Kept => ({ missing: `not kept within ${KEEP_MS / 1000} s` }))
    const kept = await Promise.race([keeping, late])
    finished.abort()
    return kept
  }

  return {
    lost,
    observed: memory.observed,
    onEngineEvent: memory.onEngineEvent,
    keep(incident, moment, actionId) {
      if (moment === 'opened' && waiting.length >= MOST_WAITING)
        return Promise.resolve(lose(incident.id, moment, new StoreError('too many incidents opened at once')))
      const now = () => keepNow(incident, moment, actionId)
      const keeping = moment === 'opened' ? inTurn(now) : now()
      unfinished.add(keeping)
      void keeping.then(() => unfinished.delete(keeping))
      return moment === 'opened' ? keeping : withinLimit(keeping)
    },
    async [Symbol.asyncDispose]() {
      while (unfinished.size > 0) await Promise.all(unfinished)
    },
  }
}
