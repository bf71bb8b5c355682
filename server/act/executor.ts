import type { Deed, Target } from '../contracts/incident.ts'
import type { Clock, Engine } from '../contracts/ports.ts'
import { type Container, ContainerId, type Endpoint } from '../contracts/telemetry.ts'
import { messageOf } from '../errors.ts'

/** What was true when the action was decided, and must still be. */
export type Order = {
  deed: Deed
  stopGraceSeconds: number
  plannedAt: number
  containerId: string
  startedAt: number | null
  imageId: string
}

/** A lease that is over. `usedBytes` is the memory in use now: no limit goes below it and a margin. */
export type Undo = { deed: Deed; containerId: string; usedBytes: number | null }

/** `askedAt`: when the engine was asked, epoch milliseconds; `null` where it was not. */
export type Outcome = { outcome: 'executed' | 'failed' | 'refused'; reason: string; askedAt: number | null }

/** A plan that waited longer speaks of a situation that is gone. */
const PLAN_EXPIRES_MS = 10_000

/** A limit that is lowered leaves so much room above what is in use. */
const LOWERED_LIMIT_MARGIN = 1.15

/** Whoever depends on a container is started when it is healthy, or after so long. */
const HEALTHY_WITHIN_MS = 60_000
const HEALTH_LOOK_MS = 500

export type Executor = {
  run(order: Order): Promise<Outcome>
  /** Puts back what a deed changed; `refused` where that may not be now. */
  takeBack(undo: Undo): Promise<Outcome>
}

/** The switch went on in the middle of an action. */
class Stopped extends Error {}

/**
 * Carries out decided actions, from one closed list, on checked container ids. Refuses a plan that is older than 10 s or
 * one of whose containers was replaced or restarted meanwhile. `checkpoint` signs the audit log before anything is done;
 * where it fails nothing is. `stopped` (why, or `null`) is looked at before each call to the engine. Never rejects.
 */
export function createExecutor({
  engine,
  clock,
  checkpoint,
  stopped,
}: {
  engine: Engine
  clock: Clock
  checkpoint: () => void
  stopped: () => string | null
}): Executor {
  /** Asks the engine, unless the stop switch went on meanwhile. */
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    const why = stopped()
    if (why !== null) throw new Stopped(`the stop switch is on: ${why}`)
    return await call()
  }

  const untilHealthy = async (id: string): Promise<void> => {
    const startedMs = clock.now()
    while (clock.now() - startedMs < HEALTHY_WITHIN_MS) {
      const health = (await ask(() => engine.inspect(id)))?.health
      if (health === undefined || health === 'none' || health === 'healthy') return
      await clock.sleep(HEALTH_LOOK_MS)
    }
  }

  const restartInOrder = async ({ containerId, stopGraceSeconds }: Order, dependents: readonly Target[]) => {
    const down: string[] = []
    const stop = async (id: string, name: string, graceSeconds: number) => {
      await ask(() => engine.stop(id, { graceSeconds }))
      down.push(name)
    }
    const start = async (id: string, name: string) => {
      await ask(() => engine.start(id))
      down.splice(down.indexOf(name), 1)
    }
    try {
      for (const one of dependents.toReversed()) await stop(one.id, one.name, one.stopGraceSeconds)
      await stop(containerId, 'it', stopGraceSeconds)
      await start(containerId, 'it')
      await untilHealthy(containerId)
      for (const one of dependents) await start(one.id, one.name)
    } catch (error) {
      // What was stopped on the way serves again, unless somebody wants nothing more to be done.
      if (!(error instanceof Stopped))
        for (const one of [{ id: containerId, name: 'it' }, ...dependents])
          if (down.includes(one.name)) await start(one.id, one.name).catch(() => {})
      throw down.length === 0 ? error : new Error(`${messageOf(error)}; left stopped: ${down.join(', ')}`)
    }
  }

  const perform = (order: Order): Promise<unknown> => {
    const { deed, containerId, stopGraceSeconds: graceSeconds } = order
    switch (deed.kind) {
      case 'restart':
        return ask(() => engine.restart(containerId, { graceSeconds }))
      case 'stop':
        return ask(() => engine.stop(containerId, { graceSeconds }))
      case 'raise-memory-limit':
        return ask(() => engine.updateLimits(containerId, { memoryBytes: deed.toBytes }))
      case 'raise-cpu-limit':
        return ask(() => engine.updateLimits(containerId, { cpuCores: deed.toCores }))
      case 'pause-neighbour':
        return ask(() => engine.pause(deed.neighbour.id))
      case 'restart-in-order':
        return restartInOrder(order, deed.dependents)
      case 'isolate':
        return inTurn(deed.networks, (network) => engine.disconnect(containerId, network))
    }
  }

  const putBack = ({ deed, containerId }: Undo): Promise<unknown> => {
    switch (deed.kind) {
      case 'raise-memory-limit':
        return ask(() => engine.updateLimits(containerId, { memoryBytes: deed.fromBytes }))
      case 'raise-cpu-limit':
        return ask(() => engine.updateLimits(containerId, { cpuCores: deed.fromCores }))
      case 'pause-neighbour':
        return letGoOn(deed.neighbour.id)
      case 'isolate':
        return rejoin(containerId, deed.networks, deed.endpoints ?? {})
      default:
        return Promise.resolve()
    }
  }

  /** Somebody else may have let it go on, or ended it. */
  const letGoOn = async (id: string) => {
    const now = await ask(() => engine.inspect(id))
    if (now?.state === 'paused') await ask(() => engine.unpause(id))
  }

  /** Those that somebody else had it rejoin are passed over; of several that fail the first is told, after all were tried. */
  const rejoin = async (id: string, networks: readonly string[], endpoints: Readonly<Record<string, Endpoint>>) => {
    const now = await ask(() => engine.inspect(id))
    const errors: unknown[] = []
    for (const network of networks) {
      if (now?.networks.includes(network)) continue
      await ask(() => engine.connect(id, network, endpoints[network])).catch((error) => errors.push(error))
    }
    if (errors.length > 0) throw errors[0]
  }

  const inTurn = async (networks: readonly string[], call: (network: string) => Promise<void>) => {
    for (const network of networks) await ask(() => call(network))
  }

  const refusal = async ({ deed, containerId, startedAt, imageId, plannedAt }: Order): Promise<string | null> => {
    const others =
      deed.kind === 'pause-neighbour' ? [deed.neighbour] : deed.kind === 'restart-in-order' ? deed.dependents : []
    for (const target of [{ id: containerId, startedAt, imageId, name: 'it' }, ...others]) {
      if (!ContainerId.safeParse(target.id).success) return 'that is no container id'
      const reason = changed(target, await ask(() => engine.inspect(target.id)))
      if (reason !== null) return `${target.name} ${reason}`
    }
    // A plan from the future was made before the clock was set back: its age is not known.
    return Math.abs(clock.now() - plannedAt) > PLAN_EXPIRES_MS ? 'the plan is older than 10 s' : null
  }

  const attempt = async (what: string, check: () => Promise<string | null>, act: () => Promise<unknown>) => {
    try {
      const reason = await check()
      if (reason !== null) return { outcome: 'refused' as const, reason: `not done: ${reason}`, askedAt: null }
      checkpoint()
    } catch (error) {
      return { outcome: 'refused' as const, reason: `not done: ${messageOf(error)}`, askedAt: null }
    }
    const askedAt = clock.now()
    try {
      await act()
    } catch (error) {
      return { outcome: 'failed' as const, reason: messageOf(error), askedAt }
    }
    return {
      outcome: 'executed' as const,
      reason: `${what} done in ${((clock.now() - askedAt) / 1000).toFixed(1)} s`,
      askedAt,
    }
  }

  return {
    run: (order) =>
      attempt(
        order.deed.kind,
        () => refusal(order),
        () => perform(order),
      ),
    takeBack: (undo) =>
      attempt(
        `taking back ${undo.deed.kind}`,
        async () => {
          const id = undo.deed.kind === 'pause-neighbour' ? undo.deed.neighbour.id : undo.containerId
          if (!ContainerId.safeParse(id).success) return 'that is no container id'
          return tooTight(undo)
        },
        () => putBack(undo),
      ),
  }
}

function changed(
  { startedAt, imageId }: Pick<Target, 'startedAt' | 'imageId'>,
  container: Container | null,
): string | null {
  if (container === null) return 'is gone'
  if (container.startedAt !== startedAt) return 'was started again meanwhile'
  if (container.imageId !== imageId) return 'has another image meanwhile'
  return container.state === 'running' ? null : `is ${container.state} now`
}

/** Why a raised memory limit may not go back yet. */
function tooTight({ deed, usedBytes }: Undo): string | null {
  if (deed.kind !== 'raise-memory-limit') return null
  if (usedBytes === null) return 'how much memory it uses now is not known'
  return usedBytes * LOWERED_LIMIT_MARGIN > deed.fromBytes ? 'it uses too much memory now for its own limit' : null
}
