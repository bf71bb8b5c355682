import { beginHealthChecks, endHealthChecks } from './health-checks.ts'
import { bringUp, exit, inTurn, release, type Surroundings } from './lifecycle.ts'
import { isAlive, type SimulatedContainer } from './simulated-container.ts'

// Measured on a 20.10 engine, in milliseconds.
const KILL_MS = 15
const STOPPED_MS = 3

/** How a command ended: `unchanged` is the engine's 304. */
export type Outcome = 'done' | 'unchanged'

/** `docker start`. */
export function start(world: Surroundings, container: SimulatedContainer, done: (outcome: Outcome) => void): void {
  inTurn(container, () => {
    if (isAlive(container) || container.status === 'restarting') {
      release(container)
      done('unchanged')
      return
    }
    forgetRestarts(container)
    bringUp(world, container, () => {
      release(container)
      done('done')
    })
  })
}

/** `docker stop`: SIGTERM, and SIGKILL after the grace (negative: never). */
export function stop(
  world: Surroundings,
  container: SimulatedContainer,
  graceSeconds: number,
  done: (outcome: Outcome) => void,
): void {
  inTurn(container, () =>
    takeDown(world, container, graceSeconds, (outcome) => {
      release(container)
      done(outcome)
    }),
  )
}

/** `docker restart`: also starts what was stopped. */
export function restart(
  world: Surroundings,
  container: SimulatedContainer,
  graceSeconds: number,
  done: () => void,
): void {
  inTurn(container, () =>
    takeDown(world, container, graceSeconds, () => {
      forgetRestarts(container)
      bringUp(world, container, () => {
        world.emit(container, 'restart')
        release(container)
        done()
      })
    }),
  )
}

function forgetRestarts(container: SimulatedContainer): void {
  container.restartCount = 0
  container.backoffMs = 0
}

function takeDown(
  world: Surroundings,
  container: SimulatedContainer,
  graceSeconds: number,
  then: (outcome: Outcome) => void,
): void {
  const { agenda } = world
  container.stopRequested = true
  if (!isAlive(container)) {
    const restarting = container.status === 'restarting'
    cancelPolicyRestart(container)
    if (restarting) world.emit(container, 'stop')
    then(restarting ? 'done' : 'unchanged')
    return
  }
  const { process } = container
  container.onExit = () =>
    agenda.enter(world.nowMs() + STOPPED_MS, () => {
      world.emit(container, 'stop')
      then('done')
    })
  signal(world, container, 15)
  if (graceSeconds < 0) return
  agenda.enter(world.nowMs() + graceSeconds * 1000, () => {
    if (container.process === process) signal(world, container, 9)
  })
}

/** `docker rm --force`: kills what lives, then `destroy`. */
export function remove(world: Surroundings, container: SimulatedContainer, destroy: () => void): void {
  if (isAlive(container)) {
    const before = container.onExit
    container.onExit = () => {
      before?.()
      destroy()
    }
    signal(world, container, 9)
    return
  }
  inTurn(container, () => {
    release(container)
    if (isAlive(container)) remove(world, container, destroy)
    else {
      cancelPolicyRestart(container)
      destroy()
    }
  })
}

/** Ends the wait of a restart policy; the container is then exited. */
export function cancelPolicyRestart(container: SimulatedContainer): void {
  if (container.policyRestart) container.policyRestart.cancelled = true
  container.policyRestart = null
  if (container.status === 'restarting') container.status = 'exited'
}

/** Sends a signal, with its event, to a living container. SIGTERM and SIGKILL are taken as a wish that it stay down. */
export function signal(world: Surroundings, container: SimulatedContainer, number: number): void {
  world.emit(container, 'kill', { signal: String(number) })
  if (number !== 9 && number !== 15) return
  container.stopRequested = true
  if (container.status === 'paused') unpause(world, container)
  const { process, spec } = container
  const { onTerm } = spec.workload
  const hung = container.faults.some(({ kind }) => kind === 'hang')
  if (number === 15 && (onTerm === null || hung)) return
  const end = number === 9 || onTerm === null ? { exitCode: 137, delayMs: KILL_MS } : onTerm
  world.agenda.enter(world.nowMs() + end.delayMs, () => {
    if (process !== null && container.process === process) exit(world, container, end.exitCode, false)
  })
}

export function pause(world: Surroundings, container: SimulatedContainer): void {
  container.status = 'paused'
  endHealthChecks(container)
  world.emit(container, 'pause')
}

export function unpause(world: Surroundings, container: SimulatedContainer): void {
  container.status = 'running'
  if (container.process) container.process.steppedAtMs = world.nowMs()
  beginHealthChecks(world, container, false)
  world.emit(container, 'unpause')
}
