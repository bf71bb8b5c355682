import { AppError } from '../server/errors.ts'
import { type ContainerSpec, MIB } from './container-spec.ts'
import type { Fault } from './faults.ts'
import { describeFault } from './inject/intensity.ts'
import type { Injection, Injector, Victim } from './injector.ts'
import type { ChaosFault } from './scenario.ts'
import type { SimulatedHost } from './simulated-host.ts'

const BOMB_BYTES_PER_SECOND = 400 * MIB
const CACHE_BYTES_PER_SECOND = 12 * MIB
const DISK_BYTES_PER_SECOND = 20 * MIB
const STEP_SHARE = 0.1
/** Longer than anybody watches; `takeBack` ends it. */
const UNTIL_TAKEN_BACK_SECONDS = 86_400
const CRASH_EXIT_CODE = 1
const KILLED_EXIT_CODE = 137

/** The simulated host's own fault for one of the drills' language; `null` where it is no fault of a container. */
export function simulatedFault(fault: ChaosFault, spec: ContainerSpec, hostCores: number): Fault | null {
  const base = { container: spec.name, startSeconds: 0 }
  const durationSeconds = UNTIL_TAKEN_BACK_SECONDS
  const limit = spec.memoryLimitBytes
  switch (fault.kind) {
    case 'cpu-burn':
      return { ...base, kind: 'cpu-saturation', cores: fault.shareOfLimit * spec.cpuLimitCores, durationSeconds }
    case 'memory-leak':
      return {
        ...base,
        kind: 'leak',
        bytesPerSecond: fault.shareOfLimitPerSecond * limit,
        ...(fault.shape === 'sawtooth' && { untilBytes: (fault.untilShare ?? 0.5) * limit }),
        ...(fault.shape === 'steps' && { stepBytes: STEP_SHARE * limit }),
      }
    case 'memory-bomb':
      return { ...base, kind: 'leak', bytesPerSecond: BOMB_BYTES_PER_SECOND }
    case 'page-cache':
      return { ...base, kind: 'page-cache', bytesPerSecond: CACHE_BYTES_PER_SECOND, durationSeconds }
    case 'pid-exhaustion':
      return {
        ...base,
        kind: 'more-processes',
        pids: Math.floor(fault.shareOfLimit * (spec.pidsLimit ?? 0)),
        durationSeconds,
      }
    case 'disk-fill':
      return {
        ...base,
        kind: 'disk-writes',
        bytesPerSecond: DISK_BYTES_PER_SECOND,
        durationSeconds: fault.bytes / DISK_BYTES_PER_SECOND,
      }
    case 'crash-loop':
      return {
        ...base,
        kind: 'crash-loop',
        everySeconds: fault.everySeconds,
        exitCode: CRASH_EXIT_CODE,
        durationSeconds,
      }
    case 'hang':
      return { ...base, kind: 'hang' }
    case 'kill':
      return { ...base, kind: 'killed', exitCode: KILLED_EXIT_CODE }
    case 'network-delay':
      return { ...base, kind: 'bad-dependency', delayMs: fault.delayMs, lossShare: 0, durationSeconds }
    case 'network-loss':
      return { ...base, kind: 'bad-dependency', delayMs: 0, lossShare: fault.share, durationSeconds }
    case 'dependency-down':
      return { ...base, kind: 'bad-dependency', delayMs: 0, lossShare: 1, durationSeconds }
    case 'connection-flood':
      return { ...base, kind: 'connection-flood', connections: fault.connections, durationSeconds }
    case 'slow-disk':
      return { ...base, kind: 'disk-writes', bytesPerSecond: fault.bytesPerSecond, durationSeconds }
    case 'noisy-neighbour':
      return { ...base, kind: 'noisy-neighbour', cores: fault.shareOfHost * hostCores, durationSeconds }
    default:
      return null
  }
}

/**
 * Does the drills' faults on a simulated host. A noisy neighbour is the container `neighbour`, not the victim; `refuse`
 * makes the way to the engine refuse.
 */
export function createSimulatedInjector(options: {
  host: SimulatedHost
  neighbour: string
  refuse: (refused: boolean) => void
}): Injector {
  const { host, neighbour, refuse } = options
  const specOf = (name: string): ContainerSpec => {
    const found = [...host.containers.values()].find(({ spec }) => spec.name === name)
    if (found === undefined) throw new AppError(`there is no container "${name}"`)
    return found.spec
  }

  /** As compose does it: the new one is created beside the old one, which then goes. */
  const recreate = ({ id, name }: Victim) => {
    const old = host.containers.get(id)
    if (old === undefined) throw new AppError(`there is no container "${name}"`)
    const replacement = host.create(old.spec)
    host.stop(old, 1, () => host.remove(old, () => host.start(replacement, () => {})))
  }

  const describe = (fault: ChaosFault, { name }: Victim) => describeFault(fault, name)

  return {
    objection: async () => null,
    describe,
    async inject(fault, victim): Promise<Injection> {
      const what = describe(fault, victim)
      const nothing = async () => {}
      if (fault.kind === 'engine-refuses') {
        refuse(true)
        return { what, takeBack: async () => refuse(false) }
      }
      if (fault.kind === 'planned-restart') {
        host.restart(host.containers.get(victim.id)!, 10, () => {})
        return { what, takeBack: nothing }
      }
      if (fault.kind === 'recreation') {
        recreate(victim)
        return { what, takeBack: nothing }
      }
      const name = fault.kind === 'noisy-neighbour' ? neighbour : victim.name
      const takeBack = host.inject(simulatedFault(fault, specOf(name), host.cores)!)
      return { what, takeBack: async () => takeBack() }
    },
    async [Symbol.asyncDispose]() {},
  }
}
