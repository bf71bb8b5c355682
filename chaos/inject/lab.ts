import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CgroupDirectory, detectLayout, findDirectories } from '../../server/collect/cgroup-paths.ts'
import type { Victim } from '../injector.ts'
import { openRealEngine, type RealContainer, type RealEngine } from '../real-engine.ts'
import { type DockerInjector, type DockerInjectorOptions, openDockerInjector } from './docker-injector.ts'
import { FOLDER_PREFIX } from './helper.ts'
import { markedProcesses, processesOf } from './host-processes.ts'
import { HELPER_VALUE, MARK_LABEL } from './noisy-neighbour.ts'
import { CHAOS_LABEL } from './victim-facts.ts'

const POLL_MS = 50

/** Victims on a real engine and their kernel's figures, for tests. */
export type Lab = AsyncDisposable & {
  engine: RealEngine
  /** Names of its runs' locks and marks. */
  scope: string
  journalFolder: string
  openInjector(options?: Partial<DockerInjectorOptions>): Promise<DockerInjector>
  /** A container that has agreed to faults. */
  victim(wanted?: Partial<RealContainer> & { pidsLimit?: number }): Promise<Victim>
  /** What is there of this scope's faults: processes, folders, helper containers. */
  marks(): Promise<string[]>
}

/** Polls until `probe` gives something that is neither false nor null. */
export async function until<T>(what: string, withinMs: number, probe: () => Promise<T> | T): Promise<NonNullable<T>> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const got = await probe()
    if (got !== null && got !== undefined && got !== false) return got
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(POLL_MS)
  }
}

/** A file of the container's cgroup: of a controller on v1, of the one tree on v2. */
export function cgroupText(id: string, controller: CgroupDirectory, v1: string, v2: string): string {
  const cgroupRoot = '/sys/fs/cgroup'
  const layout = detectLayout(cgroupRoot)
  if (!layout.ok) throw new Error(layout.reason)
  const pid = processesOf(id)[0]?.pid ?? null
  const found = findDirectories({ cgroupRoot, procRoot: '/proc', layout: layout.layout }, id, pid)
  if (!found.ok) throw new Error(found.reason)
  const own = found.directories[controller]
  return readFileSync(own === undefined ? join(found.directories.unified ?? '', v2) : join(own, v1), 'latin1').trim()
}

const field = (text: string, ...names: string[]) => {
  const rows = text.split('\n').map((line) => line.split(' '))
  return Number(rows.find(([name]) => names.includes(name ?? ''))?.[1] ?? Number.NaN)
}

/** The kernel's figures of a container. */
export const kernel = {
  memoryBytes: (id: string) => Number(cgroupText(id, 'memory', 'memory.usage_in_bytes', 'memory.current')),
  anonymousBytes: (id: string) => field(cgroupText(id, 'memory', 'memory.stat', 'memory.stat'), 'total_rss', 'anon'),
  cacheBytes: (id: string) => field(cgroupText(id, 'memory', 'memory.stat', 'memory.stat'), 'total_cache', 'file'),
  cpuSeconds(id: string) {
    const text = cgroupText(id, 'cpuacct', 'cpuacct.usage', 'cpu.stat')
    return text.includes('usage_usec') ? field(text, 'usage_usec') / 1e6 : Number(text) / 1e9
  },
  throttledPeriods: (id: string) => field(cgroupText(id, 'cpu', 'cpu.stat', 'cpu.stat'), 'nr_throttled'),
  pids: (id: string) => Number(cgroupText(id, 'pids', 'pids.current', 'pids.current')),
  refusedForks: (id: string) => field(cgroupText(id, 'pids', 'pids.events', 'pids.events'), 'max'),
  states: (id: string) => processesOf(id).map(({ state }) => state),
}

/**
 * The most cores that a container uses in a window of three seconds: a host that is busy with other tests may keep it from
 * its share for a while. Ends at the first window of `enough` cores.
 */
export async function mostCores(id: string, enough: number): Promise<number> {
  let most = 0
  for (let window = 0; window < 6 && most < enough; window++) {
    const [before, startMs] = [kernel.cpuSeconds(id), performance.now()]
    await sleep(3000)
    most = Math.max(most, ((kernel.cpuSeconds(id) - before) / (performance.now() - startMs)) * 1000)
  }
  return most
}

/** Where a container's file system begins, as this host sees it. */
export const rootOf = (id: string) => `/proc/${processesOf(id)[0]?.pid}/root`

/** A lab on the engine of `DOCKER_HOST`, or `null` where none can be used. */
export async function openLab(): Promise<Lab | null> {
  const engine = await openRealEngine()
  if (engine === null) return null
  const journalFolder = mkdtempSync(join(tmpdir(), 'dockerpulse-chaos-'))
  const scope = `test${journalFolder.replace(/[^a-z0-9]/gi, '').slice(-6)}`
  const victims: string[] = []
  const injectors: DockerInjector[] = []
  return {
    engine,
    scope,
    journalFolder,
    async openInjector(options = {}) {
      const injector = await openDockerInjector({
        dockerHost: engine.dockerHost,
        journalFolder,
        now: () => new Date(),
        lockName: scope,
        ...options,
      })
      injectors.push(injector)
      return injector
    },
    async victim({ pidsLimit, ...wanted } = {}) {
      const labels = { [CHAOS_LABEL]: 'allowed', ...wanted.labels }
      const container: RealContainer = { command: ['sleep', '1000'], network: 'none', stopTimeoutSeconds: 0, ...wanted }
      const id = await engine.run({ ...container, labels })
      const one = engine.docker.getContainer(id)
      if (pidsLimit !== undefined) await one.update({ PidsLimit: pidsLimit })
      victims.push(id)
      return { id, name: (await one.inspect()).Name.slice(1) }
    },
    async marks() {
      const processes = markedProcesses(`${scope}-`).map(({ pid }) => `process ${pid}`)
      const running = victims.filter((id) => processesOf(id).length > 0)
      const folders = running.flatMap((id) => readdirSync(rootOf(id)).filter((name) => name.startsWith(FOLDER_PREFIX)))
      const filters = { label: [`${CHAOS_LABEL}=${HELPER_VALUE}`] }
      const helpers = (await engine.docker.listContainers({ all: true, filters })).filter(({ Labels }) =>
        Labels[MARK_LABEL]?.startsWith(`${scope}-`),
      )
      return [...processes, ...folders, ...helpers.map(({ Names }) => `container ${Names[0]}`)]
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(injectors.map((one) => one[Symbol.asyncDispose]()))
      await engine[Symbol.asyncDispose]()
      rmSync(journalFolder, { recursive: true, force: true })
    },
  }
}
