import type { BlackBoxMemory } from './black-box-memory.ts'
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
import type { History } from './store/history.ts'
import { isoTime } from './views.ts'

/** A part that is not read by then is missing. */
const READ_MS = 1_500
const OWN_STEP_MS = 1_000
const NEIGHBOURS_STEP_MS = 5_000
const LOG_BYTES = 64 * 1024

export type BlackBoxReading = {
  /**
   * What is to be seen around a container now. Never rejects, and ends in time. `onAnswered` is called when the engine has
   * said what an action would change: logs, processes, inspection.
   */
  read(
    incident: Incident,
    moment: RecordingMoment,
    actionId: string | null,
    onAnswered?: () => void,
  ): Promise<Recording>
}

/**
 * Reads a container's samples and those of its neighbours, its log tail, processes, what changed, events and the host's
 * pressure. All parts are read at once; one that fails or hangs is missing, and nothing more.
 */
export function createBlackBoxReading(ports: {
  engine: Pick<Engine, 'inspect' | 'logs' | 'top'>
  clock: Clock
  memory: Pick<BlackBoxMemory, 'goodOf' | 'eventsOf'>
  containers: () => ReadonlyMap<string, Container>
  tracked: () => readonly Tracked[]
  history: (query: {
    containerIds: readonly string[]
    fromMs: number
    toMs: number
    stepMs: number
  }) => Promise<{ stepMs: number; seen: History }>
  host: () => HostFigures | null
}): BlackBoxReading {
  const { engine, clock, memory } = ports

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

  const read: BlackBoxReading['read'] = async (incident, moment, actionId, onAnswered) => {
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
    const reading = part('samples', () => readSamples(incident, atMs), [])
    const [logTail, processes, inspected] = await Promise.all([
      part(
        'logs',
        async () => maskedLog(await engine.logs(containerId, { tailLines: MOST_LOG_LINES, maxBytes: LOG_BYTES })),
        [],
      ),
      part('processes', async () => maskedProcesses(await engine.top(containerId)), null),
      part('inspect', () => engine.inspect(containerId), undefined),
    ])
    // The samples are in the store already: nobody waits for them.
    onAnswered?.()
    const series = await reading
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

  return { read }
}
