import { checkFails } from './faults.ts'
import type { Surroundings } from './lifecycle.ts'
import { isAlive, recordProbe, type SimulatedContainer } from './simulated-container.ts'

/** From here on a check finds no process id for itself and its children. */
const NO_PID_LEFT_SHARE = 0.97
/** How long a check takes that finds all well. */
const PROBE_MS = 40
/** The engine's exit code for a check that ran out of time, and the one its event shows. */
const TIMED_OUT = -1
const TIMED_OUT_IN_EVENT = '127'

/**
 * Starts the engine's checks: the first after one interval. After a start the state is `starting` again, with the old
 * log; after an unpause it stays `unhealthy` until a check succeeds.
 */
export function beginHealthChecks(world: Surroundings, container: SimulatedContainer, started: boolean): void {
  if (!container.health) return
  if (started) {
    container.health.status = 'starting'
    container.health.failingStreak = 0
  }
  scheduleProbe(world, container, container.spec.healthCheck!.intervalSeconds * 1000)
}

/** Ends the checks. Without any the engine calls a container unhealthy, and sends no event about it. */
export function endHealthChecks(container: SimulatedContainer): void {
  if (!container.health) return
  if (container.probe) container.probe.cancelled = true
  container.probe = null
  container.health.status = 'unhealthy'
}

/** Enters the next check in so many milliseconds. */
export function scheduleProbe(world: Surroundings, container: SimulatedContainer, inMs: number): void {
  container.probe = world.agenda.enter(world.nowMs() + inMs, () => beginProbe(world, container))
}

function beginProbe(world: Surroundings, container: SimulatedContainer): void {
  if (!isAlive(container) || !container.spec.healthCheck) return
  const { test, timeoutSeconds } = container.spec.healthCheck
  const command = test[0] === 'CMD-SHELL' ? `/bin/sh -c ${test[1] ?? ''}` : test.slice(1).join(' ')
  const execID = container.random.hex(64)
  const startMs = world.nowMs()
  world.emit(container, `exec_create: ${command}`, { execID })
  world.emit(container, `exec_start: ${command}`, { execID })
  const hung = container.faults.some(({ kind }) => kind === 'hang')
  const ready = startMs - container.process.startedAtMs >= container.spec.workload.memory.warmUpSeconds * 300
  const cutOff = checkFails(container.faults, timeoutSeconds, container.random.next())
  const { pidsLimit } = container.spec
  const noPidLeft = pidsLimit !== null && container.process.pids >= pidsLimit * NO_PID_LEFT_SHARE
  const exitCode = hung ? TIMED_OUT : ready && !cutOff && !noPidLeft ? 0 : 1
  const output = hung
    ? `Health check exceeded timeout (${timeoutSeconds}s)`
    : exitCode === 0
      ? ''
      : 'connection refused\n'
  container.probe = world.agenda.enter(startMs + (hung ? timeoutSeconds * 1000 : PROBE_MS), () => {
    recordProbe(container, { startMs, endMs: world.nowMs(), exitCode, output })
    world.emit(container, 'exec_die', { execID, exitCode: hung ? TIMED_OUT_IN_EVENT : String(exitCode) })
    judge(world, container, exitCode)
    scheduleProbe(world, container, container.spec.healthCheck!.intervalSeconds * 1000)
  })
}

function judge(world: Surroundings, container: SimulatedContainer, exitCode: number): void {
  const { health, spec, startedAtMs } = container
  if (!health || !spec.healthCheck) return
  const { retries, startPeriodSeconds } = spec.healthCheck
  const before = health.status
  if (exitCode === 0) {
    health.failingStreak = 0
    health.status = 'healthy'
  } else {
    const sparing = health.status === 'starting' && world.nowMs() - (startedAtMs ?? 0) < startPeriodSeconds * 1000
    if (sparing) return
    health.failingStreak += 1
    if (health.failingStreak >= retries) health.status = 'unhealthy'
  }
  if (health.status !== before) world.emit(container, `health_status: ${health.status}`)
}
