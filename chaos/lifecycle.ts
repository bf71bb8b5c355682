import type { Agenda } from './agenda.ts'
import { endsWithProcess, type Fault } from './faults.ts'
import { beginHealthChecks, endHealthChecks } from './health-checks.ts'
import { type SimulatedContainer, writeLog } from './simulated-container.ts'
import { createProcess } from './simulated-process.ts'

/** An event of the simulated engine; `networkName` marks the network's own events. */
export type SimulatedEvent = {
  atMs: number
  container: SimulatedContainer
  action: string
  attributes: Record<string, string>
  networkName?: string
}

/** What the life of a container needs of the host around it. */
export type Surroundings = {
  agenda: Agenda
  nowMs(): number
  nextPid(): number
  emit(container: SimulatedContainer, action: string, attributes?: Record<string, string>): void
  emitNetwork(container: SimulatedContainer, action: 'connect' | 'disconnect'): void
  /** Enters a fault that befalls `container` after so many seconds. */
  scheduleFault(fault: Fault, inSeconds: number): void
}

// Measured on a 20.10 engine, in milliseconds.
const CONNECT_MS = 6
const START_MS = 140
const DISCONNECT_MS = 45
const FIRST_BACKOFF_MS = 100
const LONGEST_BACKOFF_MS = 60_000
/** A life at least so long makes the engine forget its back-off. */
const BACKOFF_FORGOTTEN_MS = 10_000

/** Runs `command` when no other is at work in the container; it must call `release` in the end. */
export function inTurn(container: SimulatedContainer, command: () => void): void {
  if (container.busy) {
    container.waiting.push(command)
    return
  }
  container.busy = true
  command()
}

export function release(container: SimulatedContainer): void {
  container.busy = false
  const next = container.waiting.shift()
  if (next) inTurn(container, next)
}

/** Network, process, event: about 150 ms. Does not take its turn; callers have. */
export function bringUp(world: Surroundings, container: SimulatedContainer, then: () => void): void {
  const { agenda } = world
  agenda.enter(world.nowMs() + CONNECT_MS, () => {
    if (container.networks.size > 0) world.emitNetwork(container, 'connect')
    agenda.enter(world.nowMs() + START_MS, () => {
      const atMs = world.nowMs()
      container.status = 'running'
      container.process = createProcess(atMs)
      container.pid = world.nextPid()
      container.exitCode = 0
      container.startedAtMs = atMs
      container.stopRequested = false
      container.dying = false
      beginHealthChecks(world, container, true)
      world.emit(container, 'start')
      scheduleOwnExits(world, container)
      then()
    })
  })
}

/** Ends of the process that are its own doing: a short job, or a crash loop. */
export function scheduleOwnExits(world: Surroundings, container: SimulatedContainer): void {
  const { exits, logs } = container.spec.workload
  if (exits) exitLater(world, container, exits.afterSeconds, exits.exitCode)
  for (const fault of container.faults) {
    if (fault.kind !== 'crash-loop') continue
    exitLater(world, container, fault.everySeconds, fault.exitCode, () => {
      writeLog(container, world.nowMs(), logs.errors, 2)
      return container.faults.includes(fault)
    })
  }
}

function exitLater(
  world: Surroundings,
  container: SimulatedContainer,
  seconds: number,
  exitCode: number,
  stillSo: () => boolean = () => true,
): void {
  const { process } = container
  world.agenda.enter(world.nowMs() + seconds * 1000, () => {
    if (process !== null && container.process === process && container.status !== 'paused' && stillSo())
      exit(world, container, exitCode, false)
  })
}

/** The end of a life: `die`, then the restart policy's decision as the engine's restart manager makes it. */
export function exit(world: Surroundings, container: SimulatedContainer, exitCode: number, byOom: boolean): void {
  const { agenda } = world
  const { spec } = container
  const ranMs = world.nowMs() - (container.startedAtMs ?? 0)
  container.process = null
  container.pid = 0
  container.exitCode = exitCode
  container.oomKilled = byOom
  container.finishedAtMs = world.nowMs()
  endHealthChecks(container)
  cureFaults(world, container)

  const { name, maximumRetryCount } = spec.restartPolicy
  const again =
    !container.stopRequested &&
    (name === 'always' ||
      name === 'unless-stopped' ||
      (name === 'on-failure' &&
        exitCode !== 0 &&
        (maximumRetryCount === 0 || container.restartCount < maximumRetryCount)))
  container.status = again ? 'restarting' : 'exited'
  world.emit(container, 'die', { exitCode: String(exitCode) })
  agenda.enter(world.nowMs() + DISCONNECT_MS, () => {
    if (container.networks.size > 0) world.emitNetwork(container, 'disconnect')
    const then = container.onExit
    container.onExit = null
    then?.()
  })
  if (!again) return
  const forgotten = ranMs >= BACKOFF_FORGOTTEN_MS || container.backoffMs === 0
  container.backoffMs = forgotten ? FIRST_BACKOFF_MS : Math.min(2 * container.backoffMs, LONGEST_BACKOFF_MS)
  container.restartCount += 1
  container.policyRestart = agenda.enter(world.nowMs() + container.backoffMs, () => {
    container.policyRestart = null
    inTurn(container, () => bringUp(world, container, () => release(container)))
  })
}

function cureFaults(world: Surroundings, container: SimulatedContainer): void {
  const cured = container.faults.filter(({ kind }) => endsWithProcess(kind))
  container.faults = container.faults.filter(({ kind }) => !endsWithProcess(kind))
  for (const fault of cured)
    if (fault.kind === 'leak' && fault.againAfterSeconds !== undefined)
      world.scheduleFault(fault, fault.againAfterSeconds)
}
