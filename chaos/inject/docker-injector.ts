import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import Docker from 'dockerode'
import { parseDockerAddress } from '../../server/collect/docker-address.ts'
import { AppError, messageOf } from '../../server/errors.ts'
import type { Injection, Injector, Victim } from '../injector.ts'
import type { ChaosFault } from '../scenario.ts'
import { readHelperProgram } from './helper.ts'
import { takeHostLock } from './host-lock.ts'
import { describeFault, intensityObjection, permissionObjection } from './intensity.ts'
import { type DeedRecord, openJournal } from './journal.ts'
import { cleanUp, type Leftover, takeBackDeed } from './leftovers.ts'
import { type Plan, planFault, type Started } from './plan.ts'
import { createHostFacts, findVictim, type VictimFacts, victimFacts } from './victim-facts.ts'
import type { WatchdogOptions } from './watchdog.ts'

const DEFAULT_LONGEST_SECONDS = 15 * 60
const ENGINE_TIMEOUT_MS = 120_000

/** A fault at work in a container. */
export type DockerInjection = Injection & {
  /** The container from now on: a recreation gives it a new id. */
  readonly victim: Victim
}

/** Does faults to the containers of a real engine; the only one on its host. */
export type DockerInjector = Omit<Injector, 'inject'> & {
  /** `seconds`: after so long the fault ends by itself, whatever becomes of this process. */
  inject(fault: ChaosFault, victim: Victim, options?: { seconds?: number }): Promise<DockerInjection>
  /** Takes back what former runs have left; done once when it is opened. */
  cleanUpLeftovers(): Promise<Leftover[]>
  /** What the opening has found and taken back. */
  readonly leftovers: readonly Leftover[]
  /** Everything that was done, this time and before, in order. */
  done(): DeedRecord[]
}

export type DockerInjectorOptions = {
  dockerHost: string | undefined
  /** Where it is written down what must be taken back; one and the same for all runs on a host. */
  journalFolder: string
  now: () => Date
  /** The compose project all of whose containers have agreed; `null` is none. */
  labProject?: string | null
  /** A static busybox on this host. */
  helperPath?: string
  /** How long a fault may last where `inject` is not told. */
  longestSeconds?: number
  /** Runs with another name do not exclude each other, and leave each other's marks alone. */
  lockName?: string
}

function startWatchdog(options: WatchdogOptions): ChildProcess {
  const program = fileURLToPath(new URL('./watchdog.ts', import.meta.url))
  const child = spawn(process.execPath, [program, JSON.stringify(options)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  child.on('error', () => {})
  child.stdin?.on('error', () => {})
  child.unref()
  ;(child.stdin as unknown as { unref(): void } | null)?.unref()
  return child
}

/** Takes the host lock, cleans up after former runs, and does faults until it is disposed, which takes all back. */
export async function openDockerInjector(options: DockerInjectorOptions): Promise<DockerInjector> {
  const { journalFolder, now, labProject = null, lockName = 'host', longestSeconds = DEFAULT_LONGEST_SECONDS } = options
  if (!/^[a-z0-9]+$/i.test(lockName)) throw new AppError('lockName: letters and digits only')
  const { address, connection } = parseDockerAddress({ dockerHost: options.dockerHost })
  const docker = new Docker({ ...connection, timeout: ENGINE_TIMEOUT_MS } as Docker.DockerOptions)
  const programPath = options.helperPath ?? '/bin/busybox'
  const program = await readHelperProgram(programPath)
  const journal = openJournal(journalFolder)
  const lock = await takeHostLock(lockName)
  const cleanUpLeftovers = () => cleanUp({ docker, journal, scope: lockName, labProject, now })
  const leftovers = await cleanUpLeftovers().catch(async (error) => {
    await lock[Symbol.asyncDispose]()
    throw new AppError(`the engine at ${address} cannot be cleaned of former faults: ${messageOf(error)}`)
  })
  const hostFacts = createHostFacts(docker)
  const active = new Set<DockerInjection>()
  let watchdog: ChildProcess | null = null

  const permission = (victim: VictimFacts) => permissionObjection(victim, labProject)
  const plan = async (fault: ChaosFault, wanted: Victim, mark: string, seconds: number) => {
    const inspect = await findVictim(docker, wanted)
    if (inspect === null) return refusal(`there is no container ${wanted.name || wanted.id}`)
    const victim = victimFacts(inspect)
    const host = await hostFacts()
    const reason = permission(victim) ?? intensityObjection(fault, victim, host)
    if (reason !== null) return refusal(reason)
    const made = await planFault(fault, {
      docker,
      victim,
      inspect,
      host,
      mark,
      program,
      programPath,
      seconds,
      permission,
    })
    return { made, victim: { id: victim.id, name: victim.name } }
  }

  const inject: DockerInjector['inject'] = async (fault, wanted, { seconds = longestSeconds } = {}) => {
    const lasts = Math.min(seconds, longestSeconds)
    const id = `${lockName}-${randomBytes(6).toString('hex')}`
    const { made, victim } = await plan(fault, wanted, id, lasts).catch(failed(fault, wanted))
    const what = describeFault(fault, victim.name || wanted.name || wanted.id.slice(0, 12))
    if (!made.ok) throw new AppError(`cannot ${what}: ${made.reason}`)
    const said = made.detail === undefined ? what : `${what}: ${made.detail}`
    watchdog ??= startWatchdog({ dockerHost: options.dockerHost ?? address, journalFolder, lockName })
    const at = now().getTime()
    const deed = { id, at, untilMs: at + lasts * 1000, what: said, victim, undo: made.undo }
    journal.begin(deed)

    let started: Started = {}
    const takeBackNow = async () => {
      clearTimeout(timer)
      started.end?.()
      const reason = await takeBackDeed(docker, deed)
      if (reason !== null) throw new AppError(`cannot take back "${said}": ${reason}; the next start tries again`)
      active.delete(injection)
      journal.end(id, now().getTime())
    }
    let takenBack: Promise<void> | null = null
    const takeBack = () => {
      takenBack ??= takeBackNow().catch((error) => {
        takenBack = null
        throw error
      })
      return takenBack
    }
    const timer = setTimeout(() => takeBack().catch(() => {}), lasts * 1000).unref()
    const injection: DockerInjection = {
      what: said,
      takeBack,
      get victim() {
        return started.victim ?? victim
      },
    }
    active.add(injection)
    try {
      started = await made.start()
      if (takenBack !== null) {
        // Its time was over before it had begun.
        started.end?.()
        await takeBackDeed(docker, deed)
      }
    } catch (error) {
      await takeBack().catch(() => {})
      throw error instanceof AppError ? error : new AppError(`cannot ${what}: ${messageOf(error)}`, { cause: error })
    }
    return injection
  }

  return {
    leftovers,
    cleanUpLeftovers,
    inject,
    done: () => journal.records(),
    describe: (fault, victim) => describeFault(fault, victim.name),
    async objection(fault, victim) {
      const { made } = await plan(fault, victim, `${lockName}-none`, longestSeconds).catch(failed(fault, victim))
      return made.ok ? null : made.reason
    },
    async [Symbol.asyncDispose]() {
      const ends = await Promise.allSettled([...active].map((one) => one.takeBack()))
      watchdog?.stdin?.end()
      await lock[Symbol.asyncDispose]()
      const failure = ends.find((end) => end.status === 'rejected')
      if (failure) throw failure.reason
    },
  }
}

const refusal = (reason: string): { made: Plan; victim: Victim } => ({
  made: { ok: false, reason },
  victim: { id: '', name: '' },
})

function failed(fault: ChaosFault, victim: Victim) {
  return (error: unknown): never => {
    throw error instanceof AppError
      ? error
      : new AppError(`cannot ${describeFault(fault, victim.name)}: ${messageOf(error)}`, { cause: error })
  }
}
