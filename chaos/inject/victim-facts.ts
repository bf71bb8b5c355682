import { readFileSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import type Docker from 'dockerode'
import { isProcessOf } from '../../server/collect/cgroup-paths.ts'
import type { Victim } from '../injector.ts'

/** What says that faults may be done to a container. */
export const CHAOS_LABEL = 'dockerpulse.chaos'
export const PROJECT_LABEL = 'com.docker.compose.project'

/** What must be known of a victim before something is done to it; `null` is "none" or "not known". */
export type VictimFacts = {
  id: string
  name: string
  labels: Record<string, string>
  running: boolean
  /** Its main process, where this host shows it. */
  pid: number | null
  /** Shares processes or network with others, who would be hit too. */
  sharesProcesses: boolean
  sharesNetwork: boolean
  readOnly: boolean
  memoryLimitBytes: number | null
  cpuLimitCores: number | null
  pidsLimit: number | null
  oomScore: number
  address: string | null
  networks: string[]
}

/** What must be known of the host. */
export type HostFacts = {
  cores: number
  freeMemoryBytes: number
  /** Where containers are kept; `null` where this host does not show it. */
  freeDiskBytes: number | null
  dataFolder: string
}

/** What the engine has, or `null` where it has not. */
export async function ifThere<T>(reply: Promise<T>): Promise<T | null> {
  try {
    return await reply
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return null
    throw error
  }
}

const positive = (value: number | null | undefined) =>
  value !== null && value !== undefined && value > 0 ? value : null

/** Whether this host shows the process, and this user may look into it and send it signals. */
function isInReach(pid: number, containerId: string): boolean {
  try {
    readFileSync(`/proc/${pid}/environ`)
    return isProcessOf('/proc', pid, containerId)
  } catch {
    return false
  }
}

/** The victim's facts from its inspect reply. */
export function victimFacts(inspect: Docker.ContainerInspectInfo): VictimFacts {
  const { HostConfig: config, State: state, NetworkSettings: settings } = inspect
  const cores = positive(config.NanoCpus)
  const quota = positive(config.CpuQuota)
  const mode = config.NetworkMode ?? ''
  const networks = settings.Networks ?? {}
  return {
    id: inspect.Id,
    name: inspect.Name.replace(/^\//, ''),
    labels: inspect.Config.Labels ?? {},
    running: state.Running && !state.Paused && !state.Restarting,
    pid: state.Running && isInReach(state.Pid, inspect.Id) ? state.Pid : null,
    sharesProcesses: (config.PidMode ?? '') !== '',
    sharesNetwork: mode === 'host' || mode.startsWith('container:'),
    readOnly: config.ReadonlyRootfs === true,
    memoryLimitBytes: positive(config.Memory),
    cpuLimitCores:
      cores !== null ? cores / 1e9 : quota !== null ? quota / (positive(config.CpuPeriod) ?? 100_000) : null,
    pidsLimit: positive(config.PidsLimit),
    oomScore: config.OomScoreAdj ?? 0,
    address:
      Object.values(networks)
        .map((one) => one.IPAddress)
        .find((address) => address !== '') ?? null,
    networks: Object.keys(networks),
  }
}

/** By its id, or by its name where it was replaced since. */
export async function findVictim(docker: Docker, victim: Victim): Promise<Docker.ContainerInspectInfo | null> {
  for (const wanted of [victim.id, victim.name].filter(Boolean)) {
    const found = await ifThere(docker.getContainer(wanted).inspect())
    if (found !== null) return found
  }
  return null
}

/** Asks the engine once what does not change, and the host each time what does. */
export function createHostFacts(docker: Docker): () => Promise<HostFacts> {
  let info: { NCPU: number; DockerRootDir: string } | null = null
  return async () => {
    info ??= (await docker.info()) as { NCPU: number; DockerRootDir: string }
    let freeDiskBytes: number | null = null
    try {
      const disk = statfsSync(info.DockerRootDir)
      freeDiskBytes = disk.bavail * disk.bsize
    } catch {
      // An engine on another host.
    }
    return { cores: info.NCPU, freeMemoryBytes: freemem(), freeDiskBytes, dataFolder: info.DockerRootDir }
  }
}
