import type { ActionKind } from '../contracts/incident.ts'
import type { Clock, Engine } from '../contracts/ports.ts'
import { ContainerId } from '../contracts/telemetry.ts'
import { messageOf } from '../errors.ts'

/** What was true when the action was decided, and must still be. */
export type Order = {
  kind: ActionKind
  stopGraceSeconds: number
  plannedAt: number
  containerId: string
  startedAt: number | null
  imageId: string
}

export type Outcome = { outcome: 'executed' | 'failed' | 'refused'; reason: string }

/** A plan that waited longer speaks of a situation that is gone. */
const PLAN_EXPIRES_MS = 10_000

export type Executor = { run(order: Order): Promise<Outcome> }

/**
 * Carries out decided actions, from one closed list, on one checked container id. Refuses a plan that is older than
 * 10 s or whose container was replaced or restarted meanwhile. `checkpoint` signs the audit log before anything is done;
 * where it fails nothing is. Never rejects.
 */
export function createExecutor({
  engine,
  clock,
  checkpoint,
}: {
  engine: Engine
  clock: Clock
  checkpoint: () => void
}): Executor {
  const actions: Record<ActionKind, (order: Order) => Promise<void>> = {
    restart: ({ containerId, stopGraceSeconds }) => engine.restart(containerId, { graceSeconds: stopGraceSeconds }),
  }

  const refusal = async ({ containerId, startedAt, imageId, plannedAt }: Order): Promise<string | null> => {
    if (!ContainerId.safeParse(containerId).success) return 'that is no container id'
    const container = await engine.inspect(containerId)
    if (container === null) return 'the container is gone'
    if (container.startedAt !== startedAt) return 'it was started again meanwhile'
    if (container.imageId !== imageId) return 'its image changed meanwhile'
    if (container.state !== 'running') return `it is ${container.state} now`
    // A plan from the future was made before the clock was set back: its age is not known.
    return Math.abs(clock.now() - plannedAt) > PLAN_EXPIRES_MS ? 'the plan is older than 10 s' : null
  }

  return {
    async run(order) {
      try {
        const reason = await refusal(order)
        if (reason !== null) return { outcome: 'refused', reason: `not done: ${reason}` }
        checkpoint()
      } catch (error) {
        return { outcome: 'refused', reason: `not done: ${messageOf(error)}` }
      }
      const startedMs = clock.now()
      try {
        await actions[order.kind](order)
      } catch (error) {
        return { outcome: 'failed', reason: messageOf(error) }
      }
      return { outcome: 'executed', reason: `${order.kind} done in ${((clock.now() - startedMs) / 1000).toFixed(1)} s` }
    },
  }
}
