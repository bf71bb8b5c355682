import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type Docker from 'dockerode'
import type { Victim } from '../injector.ts'
import type { ChaosFault } from '../scenario.ts'
import { planConnectionFlood } from './connection-flood.ts'
import { planDependencyDown } from './dependency.ts'
import { folderOf, startHelper } from './helper.ts'
import type { HelperWork } from './helper-script.ts'
import { PLACES_IN_MEMORY, startHostHelper, writablePlace } from './host-helper.ts'
import { continueProcesses, familyOf, processesOf, signal } from './host-processes.ts'
import { DEFAULT_UNTIL_SHARE } from './intensity.ts'
import { planNetem } from './netem.ts'
import { planNoisyNeighbour } from './noisy-neighbour.ts'
import { recreate, temporaryNameOf } from './recreation.ts'
import { planSlowDisk } from './slow-disk.ts'
import { LED_SCORE, type Undo } from './undo.ts'
import { type HostFacts, ifThere, type VictimFacts, victimFacts } from './victim-facts.ts'

/** A fault at work in this process; what is left on the host and the engine is in the plan's `undo`. */
export type Started = {
  /** Ends what this process itself keeps doing. */
  end?: () => void
  /** The victim from now on, where it was replaced. */
  victim?: Victim
}

/** A fault worked out to the last figure and not yet done. `undo` is written down before `start` is called. */
export type Plan =
  | { ok: true; undo: Undo[]; detail?: string; start(): Promise<Started> }
  | { ok: false; reason: string }

/** What a plan is made from. */
export type PlanContext = {
  docker: Docker
  victim: VictimFacts
  inspect: Docker.ContainerInspectInfo
  host: HostFacts
  mark: string
  program: Buffer
  /** Where it is on this host. */
  programPath: string
  seconds: number
  /** Whether nothing may be done to a container. */
  permission(victim: VictimFacts): string | null
}

/** More than fits, so that the kernel must give pages back. */
const PAGE_CACHE_SHARE = 1.5
const STEPS = 10
const STOPPED_WITHIN_MS = 1_000
const STOP_POLL_MS = 10
/** Together longer than a health check takes. */
const PID_LOOKS = 8
const PID_LOOK_MS = 250

/** Works out a fault that has no objection of permission or intensity; only looks. */
export async function planFault(fault: ChaosFault, context: PlanContext): Promise<Plan> {
  const { docker, victim, inspect } = context
  switch (fault.kind) {
    case 'cpu-burn':
      return helperPlan(context, { kind: 'burn', cores: fault.shareOfLimit * (victim.cpuLimitCores ?? 0) })
    case 'memory-leak':
      return helperPlan(context, await leakWork(fault, context))
    case 'memory-bomb':
      return helperPlan(context, { kind: 'bomb' })
    case 'page-cache':
      return helperPlan(context, { kind: 'cache', bytes: PAGE_CACHE_SHARE * (victim.memoryLimitBytes ?? 0) })
    case 'pid-exhaustion': {
      const wanted = Math.ceil(fault.shareOfLimit * (victim.pidsLimit ?? 0))
      // At the whole limit it never stops trying, so that whatever ends is replaced.
      const count =
        fault.shareOfLimit >= 1 ? wanted : Math.max(0, wanted - (await lastingPidsOf(docker, victim.id)) - 1)
      return helperPlan(context, { kind: 'processes', count })
    }
    case 'disk-fill':
      return helperPlan(context, { kind: 'fill', bytes: fault.bytes })
    case 'crash-loop':
      return { ok: true, undo: [], start: async () => crashLoop(docker, victim, fault.everySeconds) }
    case 'hang':
      return {
        ok: true,
        undo: [{ kind: 'stopped-processes', containerId: victim.id }],
        start: async () => hang(victim),
      }
    case 'kill':
      return { ok: true, undo: [], start: async () => kill(victim.pid) }
    case 'network-delay':
      return planNetem(context, ['delay', `${fault.delayMs}ms`])
    case 'network-loss':
      return planNetem(context, ['loss', `${fault.share * 100}%`])
    case 'dependency-down':
      return planDependencyDown(context)
    case 'connection-flood':
      return planConnectionFlood(victim, fault.connections)
    case 'noisy-neighbour':
      return planNoisyNeighbour(context, fault.shareOfHost)
    case 'slow-disk':
      return planSlowDisk(context, fault.bytesPerSecond)
    case 'planned-restart':
      return {
        ok: true,
        undo: [{ kind: 'running', containerId: victim.id }],
        async start() {
          await docker.getContainer(victim.id).restart()
          return {}
        },
      }
    case 'recreation': {
      const undo = {
        kind: 'recreation' as const,
        oldId: victim.id,
        name: victim.name,
        temporaryName: temporaryNameOf(victim.id, victim.name),
      }
      return {
        ok: true,
        undo: [undo],
        start: async () => ({ victim: { id: await recreate(docker, inspect, undo), name: victim.name } }),
      }
    }
    case 'engine-refuses':
      return { ok: false, reason: "this fault is a proxy's on the engine's socket, not done to a container" }
  }
}

function helperPlan({ docker, victim, mark, program, programPath, seconds }: PlanContext, work: HelperWork): Plan {
  const { id, pid, readOnly, oomScore } = victim
  const place = readOnly ? (pid === null ? null : writablePlace(pid)) : ''
  if (place === null)
    return { ok: false, reason: `nothing can be written in ${victim.name}, not even in ${PLACES_IN_MEMORY.join(', ')}` }
  const folder = `${place}${folderOf(mark)}`
  const helper: Undo = { kind: 'helper', containerId: id, mark, folder }
  const score: Undo = { kind: 'oom-score', containerId: victim.id, score: victim.oomScore }
  const endsInOom = work.kind === 'grow' || work.kind === 'bomb'
  return {
    ok: true,
    undo: endsInOom ? [helper, score] : [helper],
    async start() {
      // The helper does it as well, where it has the right and this host has not.
      if (endsInOom && pid !== null) chooseFirst(pid)
      const common = { mark, work, seconds, oomScore }
      if (readOnly && pid !== null) await startHostHelper({ victim: { id, pid }, folder, programPath, ...common })
      else await startHelper(docker, { containerId: id, program, ...common })
      return {}
    },
  }
}

/** Makes a process the kernel's first choice when its memory is short. */
function chooseFirst(pid: number): void {
  writeFileSync(`/proc/${pid}/oom_score_adj`, String(LED_SCORE))
}

async function leakWork(
  fault: Extract<ChaosFault, { kind: 'memory-leak' }>,
  { docker, victim }: PlanContext,
): Promise<HelperWork> {
  const limit = victim.memoryLimitBytes ?? 0
  const until = fault.shape === 'sawtooth' ? (fault.untilShare ?? DEFAULT_UNTIL_SHARE) * limit : null
  return {
    kind: 'grow',
    bytesPerSecond: fault.shareOfLimitPerSecond * limit,
    stepBytes: fault.shape === 'steps' ? limit / STEPS : 0,
    // The share is of all that the container holds, the helper's part is what is missing to it.
    untilBytes: until === null ? null : Math.max(limit / STEPS, until - (await memoryOf(docker, victim.id))),
  }
}

/** What the container cannot give back, in bytes. */
async function memoryOf(docker: Docker, id: string): Promise<number> {
  const { memory_stats: memory } = await docker.getContainer(id).stats({ stream: false, 'one-shot': true })
  const stats = memory.stats as unknown as Record<string, number> | undefined
  const cache = stats?.total_cache ?? stats?.file ?? 0
  return Math.max(0, (memory.usage ?? 0) - cache)
}

/**
 * The processes and threads that stay. A health check that runs at the moment counts some more; taken for lasting ones
 * they would leave it just the room that it needs.
 */
async function lastingPidsOf(docker: Docker, id: string): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let look = 0; look < PID_LOOKS; look++) {
    if (look > 0) await sleep(PID_LOOK_MS)
    const stats = await docker.getContainer(id).stats({ stream: false, 'one-shot': true })
    least = Math.min(least, stats.pids_stats?.current ?? 0)
  }
  return least
}

/** From the host's side: the engine's own kill would be an operator's stop. */
function kill(pid: number | null): Started {
  if (pid !== null) signal(pid, 'SIGKILL')
  return {}
}

function crashLoop(docker: Docker, victim: VictimFacts, everySeconds: number): Started {
  const killNow = async () => {
    // What cannot be asked now is killed next time.
    const found = await ifThere(docker.getContainer(victim.id).inspect()).catch(() => null)
    if (found !== null && !ended) kill(victimFacts(found).pid)
  }
  let ended = false
  kill(victim.pid)
  const timer = setInterval(killNow, everySeconds * 1000)
  return {
    end() {
      ended = true
      clearInterval(timer)
    },
  }
}

/** The main process and its descendants: the workers of a server answer while only their parent is stopped. */
async function hang(victim: VictimFacts): Promise<Started> {
  if (victim.pid === null) return {}
  const family = () => familyOf(victim.pid ?? 0, processesOf(victim.id))
  for (const { pid } of family()) signal(pid, 'SIGSTOP')
  const deadline = Date.now() + STOPPED_WITHIN_MS
  // A process that was just running stops a moment later, and only a stopped one is let go on.
  while (family().some(({ state }) => 'RSD'.includes(state)) && Date.now() < deadline) await sleep(STOP_POLL_MS)
  return { end: () => continueProcesses(victim.id) }
}
