import { createWindow, observeAcrossGap, type Window } from './analyse/window.ts'
import type { EngineState } from './collect/inventory.ts'
import type { Clock } from './contracts/ports.ts'
import type { Container, Sample } from './contracts/telemetry.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'
import type { StoredSample } from './store/recent-samples.ts'

/** The state remembers no more of a second's pace than a quarter of an hour. */
const REPLAYED_MS = 900_000
/** Of so many containers the samples are read at once, and so many of these are replayed at a stretch: a millisecond or two. */
const CONTAINERS_AT_ONCE = 10
const SAMPLES_AT_A_STRETCH = 100
/** The engine is waited for so long; whoever comes later warms up by itself. */
const LOOKS = 60
const LOOK_EVERY_MS = 500

/** A stored sample with its shares, which follow from the container's limits. */
function withShares(sample: StoredSample, container: Container, hostCores: number | null): Sample {
  const { cpuCores, workingSetBytes, memoryLimitBytes } = sample
  const cores = container.cpuLimitCores ?? hostCores
  return {
    ...sample,
    cpuShareOfLimit: cpuCores === null || cores === null ? null : cpuCores / cores,
    memoryShareOfLimit:
      workingSetBytes === null || memoryLimitBytes === null ? null : workingSetBytes / memoryLimitBytes,
  }
}

/**
 * After a start: replays what is stored of the last quarter of an hour of each container that runs since before, through the
 * same function as what is read now, so that forecasts, scores and climbs are there at once. What was before the container's
 * own start is left out. Goes on beside the loop, in slices; where the store cannot be read the windows warm up by themselves.
 */
export async function warmUp(ports: {
  clock: Clock
  log: Log
  signal: AbortSignal
  inventory: () => { containers: ReadonlyMap<string, Container>; engine: EngineState }
  read: (query: { containerIds: readonly string[]; fromMs: number; toMs: number }) => Promise<StoredSample[]>
  breathe: () => Promise<void>
  /** Takes a window that has seen what is stored. */
  take: (container: Container, window: Window) => void
}): Promise<void> {
  const { clock, log, signal, inventory, read, breathe, take } = ports
  const toMs = clock.now()
  for (let look = 0; look < LOOKS && inventory().engine.state !== 'ok' && !signal.aborted; look++)
    await clock.sleep(LOOK_EVERY_MS, signal)
  const { containers, engine } = inventory()
  const hostCores = engine.description?.hostCores ?? null
  const running = [...containers.values()].filter(({ state, startedAt }) => state === 'running' && startedAt !== null)
  try {
    for (let from = 0; from < running.length && !signal.aborted; from += CONTAINERS_AT_ONCE) {
      const some = running.slice(from, from + CONTAINERS_AT_ONCE)
      const stored = await read({ containerIds: some.map(({ id }) => id), fromMs: toMs - REPLAYED_MS, toMs })
      const samplesOf = Map.groupBy(stored, ({ containerId }) => containerId)
      for (const container of some) {
        const samples = (samplesOf.get(container.id) ?? []).filter(({ at }) => at >= container.startedAt!)
        if (samples.length === 0) continue
        const window = createWindow(container.id)
        for (const [index, sample] of samples.entries()) {
          observeAcrossGap(window, withShares(sample, container, hostCores))
          if (index % SAMPLES_AT_A_STRETCH === SAMPLES_AT_A_STRETCH - 1) await breathe()
        }
        take(container, window)
      }
    }
  } catch (error) {
    log.warn({ reason: messageOf(error) }, 'nothing could be taken over from before the start')
  }
}
