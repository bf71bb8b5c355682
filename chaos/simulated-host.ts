import { createAgenda } from './agenda.ts'
import * as commands from './container-commands.ts'
import type { ContainerSpec } from './container-spec.ts'
import { effectsOf, type Fault } from './faults.ts'
import { scheduleProbe } from './health-checks.ts'
import * as lifecycle from './lifecycle.ts'
import { createRandom } from './random.ts'
import {
  createSimulatedContainer,
  isAlive,
  makeLongRunning,
  type SimulatedContainer,
  writeLog,
} from './simulated-container.ts'
import { consume, demand } from './simulated-process.ts'

const SECOND_MS = 1000
/** A day of load is this long, so that a demo sees its swing. */
const DAY_SECONDS = 600
const HOST_UPTIME_MS = 30 * 3_600_000
/** From the kernel's kill to the engine's `die`. */
const OOM_TO_DIE_MS = 20
/** Below this share of its demand a service gets slow enough to say so. */
const SLOW_BELOW_SHARE = 0.8

export type SimulatedHost = {
  readonly cores: number
  readonly memoryBytes: number
  readonly bootedAtMs: number
  /** By id, oldest first. */
  readonly containers: ReadonlyMap<string, SimulatedContainer>
  nowMs(): number
  /** When something happens next by itself. */
  nextDueMs(): number
  /** Lets everything happen up to `untilMs`. */
  advanceTo(untilMs: number): void
  /**
   * Enters a fault whose `startSeconds` count from now, and gives what takes it back. Throws where there is no such
   * container.
   */
  inject(fault: Fault): () => void
  /** Creates a container without starting it, with its `create` event. */
  create(spec: ContainerSpec): SimulatedContainer
  start(container: SimulatedContainer, done: (outcome: commands.Outcome) => void): void
  stop(container: SimulatedContainer, graceSeconds: number, done: (outcome: commands.Outcome) => void): void
  restart(container: SimulatedContainer, graceSeconds: number, done: () => void): void
  /** Sends a signal to a living container, or ends the wait of one that is restarting. */
  kill(container: SimulatedContainer, signal: number, done: () => void): void
  pause(container: SimulatedContainer): void
  unpause(container: SimulatedContainer): void
  /** Says that limits were changed; the caller has set them. */
  updated(container: SimulatedContainer): void
  connect(container: SimulatedContainer, network: string): void
  disconnect(container: SimulatedContainer, network: string): void
  /** `docker rm --force`. */
  remove(container: SimulatedContainer, done: () => void): void
}

/**
 * A host with containers, in simulated time and without any I/O: the same options and the same calls at the same times
 * give the same history. `onEvent` hears every event; `onTick` is called at each full second, when the counters of all
 * running containers are of that moment.
 */
export function createSimulatedHost(options: {
  startAtMs: number
  seed: number
  specs: ContainerSpec[]
  faults: Fault[]
  cores: number
  memoryBytes: number
  onEvent?: (event: lifecycle.SimulatedEvent) => void
  onTick?: (atMs: number) => void
}): SimulatedHost {
  const { startAtMs, seed, cores } = options
  const onEvent = options.onEvent ?? (() => {})
  const onTick = options.onTick ?? (() => {})
  const agenda = createAgenda()
  const random = createRandom(seed)
  const containers = new Map<string, SimulatedContainer>()
  let nowMs = startAtMs
  let pid = 4_000
  let created = 0

  const world: lifecycle.Surroundings = {
    agenda,
    nowMs: () => nowMs,
    nextPid: () => {
      pid += 7 + Math.floor(random.next() * 60)
      return pid
    },
    emit: (container, action, attributes = {}) => onEvent({ atMs: nowMs, container, action, attributes }),
    emitNetwork: (container, action) => {
      for (const networkName of container.networks)
        onEvent({ atMs: nowMs, container, action, attributes: {}, networkName })
    },
    scheduleFault: (fault, inSeconds) =>
      void agenda.enter(nowMs + inSeconds * SECOND_MS, () => {
        const container = byName(fault.container)
        if (container) befall(container, fault)
      }),
  }

  function byName(name: string): SimulatedContainer | undefined {
    for (const container of containers.values()) if (container.spec.name === name) return container
    return undefined
  }

  function add(spec: ContainerSpec, createdAtMs: number): SimulatedContainer {
    const container = createSimulatedContainer(spec, createdAtMs, seed + created++ * 7_919)
    containers.set(container.id, container)
    return container
  }

  function befall(container: SimulatedContainer, fault: Fault): void {
    if (fault.kind !== 'crash-loop' && !isAlive(container)) return
    if (fault.kind === 'killed') {
      lifecycle.exit(world, container, fault.exitCode, false)
      return
    }
    container.faults.push(fault)
    if (fault.kind === 'crash-loop' && isAlive(container)) lifecycle.scheduleOwnExits(world, container)
    if ('durationSeconds' in fault && fault.durationSeconds !== undefined)
      agenda.enter(nowMs + fault.durationSeconds * SECOND_MS, () => {
        container.faults = container.faults.filter((other) => other !== fault)
      })
  }

  /** `fault` is copied each time, so that the end of one occurrence does not end another. */
  function schedule(fault: Fault, inSeconds: number): Fault {
    const occurrence = { ...fault }
    world.scheduleFault(occurrence, inSeconds)
    const { repeatSeconds } = fault
    if (repeatSeconds !== undefined) agenda.enter(nowMs + inSeconds * SECOND_MS, () => schedule(fault, repeatSeconds))
    return occurrence
  }

  function takeBack(occurrence: Fault): void {
    const container = byName(occurrence.container)
    if (!container?.faults.includes(occurrence)) return
    container.faults = container.faults.filter((other) => other !== occurrence)
    if (container.process !== null && occurrence.kind === 'leak') container.process.leakedBytes = 0
    if (container.process !== null && occurrence.kind === 'page-cache') container.process.scannedBytes = 0
  }

  function tick(): void {
    const phase = (nowMs - startAtMs) / SECOND_MS / DAY_SECONDS
    const moment = { atMs: nowMs, swing: Math.sin(2 * Math.PI * phase) }
    let wanted = 0
    for (const container of containers.values())
      if (container.status === 'running' && isAlive(container) && !container.dying)
        wanted += demand(container, container.process, effectsOf(container.faults), moment)
    const servedShare = Math.min(1, cores / wanted)
    for (const container of containers.values()) {
      if (container.status !== 'running' || !isAlive(container) || container.dying) continue
      const effects = effectsOf(container.faults)
      if (consume(container, container.process, effects, moment, servedShare)) killForMemory(container)
      const { logs } = container.spec.workload
      const failing = effects.failing || servedShare < SLOW_BELOW_SHARE
      if (!effects.hung && container.random.next() < logs.perSecond)
        writeLog(container, nowMs, failing && container.random.next() < 0.4 ? logs.errors : logs.lines, failing ? 2 : 1)
    }
    onTick(nowMs)
    agenda.enter(nowMs + SECOND_MS, tick)
  }

  function killForMemory(container: SimulatedContainer): void {
    const { process } = container
    container.dying = true
    world.emit(container, 'oom')
    agenda.enter(nowMs + OOM_TO_DIE_MS, () => {
      if (container.process === process) lifecycle.exit(world, container, 137, true)
    })
  }

  for (const spec of options.specs) {
    const container = add(spec, Math.round(startAtMs - (2 + 70 * random.next()) * 3_600_000))
    makeLongRunning(container, startAtMs, world.nextPid())
    if (spec.healthCheck) scheduleProbe(world, container, random.next() * spec.healthCheck.intervalSeconds * SECOND_MS)
  }
  for (const fault of options.faults) schedule(fault, fault.startSeconds)
  agenda.enter(startAtMs + SECOND_MS, tick)

  return {
    cores,
    memoryBytes: options.memoryBytes,
    bootedAtMs: startAtMs - HOST_UPTIME_MS,
    containers,
    nowMs: () => nowMs,
    nextDueMs: () => agenda.nextAtMs(),
    advanceTo(untilMs) {
      for (let due = agenda.take(untilMs); due; due = agenda.take(untilMs)) {
        nowMs = Math.max(nowMs, due.atMs)
        due.run()
      }
      nowMs = Math.max(nowMs, untilMs)
    },
    inject(fault) {
      if (!byName(fault.container)) throw new Error(`no container "${fault.container}" to inject a fault into`)
      const occurrence = schedule(fault, fault.startSeconds)
      return () => takeBack(occurrence)
    },
    create(spec) {
      const container = add(spec, nowMs)
      world.emit(container, 'create')
      return container
    },
    start: (container, done) => commands.start(world, container, done),
    stop: (container, graceSeconds, done) => commands.stop(world, container, graceSeconds, done),
    restart: (container, graceSeconds, done) => commands.restart(world, container, graceSeconds, done),
    kill(container, number, done) {
      if (isAlive(container)) {
        commands.signal(world, container, number)
        done()
        return
      }
      lifecycle.inTurn(container, () => {
        if (isAlive(container)) commands.signal(world, container, number)
        else commands.cancelPolicyRestart(container)
        lifecycle.release(container)
        done()
      })
    },
    pause: (container) => commands.pause(world, container),
    unpause: (container) => commands.unpause(world, container),
    updated: (container) => world.emit(container, 'update'),
    connect(container, network) {
      container.networks.add(network)
      if (isAlive(container))
        onEvent({ atMs: nowMs, container, action: 'connect', attributes: {}, networkName: network })
    },
    disconnect(container, network) {
      container.networks.delete(network)
      if (isAlive(container))
        onEvent({ atMs: nowMs, container, action: 'disconnect', attributes: {}, networkName: network })
    },
    remove: (container, done) =>
      commands.remove(world, container, () => {
        containers.delete(container.id)
        world.emit(container, 'destroy')
        done()
      }),
  }
}
