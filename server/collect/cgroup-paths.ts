import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ContainerId } from '../contracts/telemetry.ts'
import { messageOf } from '../errors.ts'

/** What a container's files are kept under: a controller of cgroup v1, or the one tree of v2. */
export type CgroupDirectory = 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'blkio' | 'unified'

/** `hybrid` is v1 for counting with a v2 tree beside it, which has the pressure files. */
export type CgroupLayout = {
  kind: 'v1' | 'v2' | 'hybrid'
  /** Where each hierarchy is mounted. */
  mounts: Partial<Record<CgroupDirectory, string>>
}

export type Found<T> = ({ ok: true } & T) | { ok: false; reason: string }
export type Directories = Partial<Record<CgroupDirectory, string>>

const V1_CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids', 'blkio'] as const
/** Every cgroup v2 has this file, no cgroup v1 does. */
const V2_MARK = 'cgroup.controllers'
/** Every cgroup of both versions has this one. */
const CGROUP_MARK = 'cgroup.procs'

/**
 * What is mounted under `cgroupRoot`, told from its files: a mount table would describe the paths of another mount
 * namespace where the host's tree is mounted into a container.
 */
export function detectLayout(cgroupRoot: string): Found<{ layout: CgroupLayout }> {
  if (existsSync(join(cgroupRoot, V2_MARK)))
    return { ok: true, layout: { kind: 'v2', mounts: { unified: cgroupRoot } } }
  let names: string[]
  try {
    names = readdirSync(cgroupRoot)
  } catch (error) {
    return { ok: false, reason: `${cgroupRoot} cannot be read: ${messageOf(error)}` }
  }
  const mounts: CgroupLayout['mounts'] = {}
  for (const name of names) {
    const path = join(cgroupRoot, name)
    if (!existsSync(join(path, CGROUP_MARK))) continue
    if (name === 'unified' && existsSync(join(path, V2_MARK))) mounts.unified = path
    // "cpu,cpuacct" are two controllers mounted together; a link to it may have either name.
    for (const controller of V1_CONTROLLERS) if (name.split(',').includes(controller)) mounts[controller] = path
  }
  if (mounts.cpuacct === undefined && mounts.memory === undefined)
    return { ok: false, reason: `no cgroup hierarchy is mounted at ${cgroupRoot}` }
  return { ok: true, layout: { kind: mounts.unified === undefined ? 'v1' : 'hybrid', mounts } }
}

/** The last folders of a container's path; `headless` where it begins outside of the reader's cgroup namespace. */
type Tail = { folders: string[]; headless: boolean }
type Tails = Partial<Record<CgroupDirectory, Tail>>

/**
 * The folders of a cgroup path down to the container's own: what it nests (an init system, an engine within) is part
 * of it. `null` where no folder is the container's.
 */
function tailOf(path: string, id: string): Tail | null {
  const folders = path.split('/').filter((folder) => folder !== '' && folder !== '.' && folder !== '..')
  const own = folders.findIndex((folder) => folder === id || folder.endsWith(`-${id}.scope`))
  return own === -1 ? null : { folders: folders.slice(0, own + 1), headless: path.startsWith('/..') }
}

/** `/proc/<pid>/cgroup`: the path in each hierarchy, as far as it leads to this container. */
function tailsOfProcess(text: string, id: string): Tails {
  const tails: Tails = {}
  for (const line of text.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    const tail = tailOf(path, id)
    if (tail === null) continue
    if (controllers === '') tails.unified = tail
    for (const controller of V1_CONTROLLERS) if (controllers.split(',').includes(controller)) tails[controller] = tail
  }
  return tails
}

/** Where Docker's drivers put a container whose process cannot be asked: cgroupfs, systemd, systemd without root. */
function usualPlaces(mount: string, id: string): string[] {
  const places = [`docker/${id}`, `system.slice/docker-${id}.scope`]
  for (const user of foldersIn(join(mount, 'user.slice')))
    for (const service of foldersIn(join(mount, 'user.slice', user)))
      for (const slice of ['user.slice', 'app.slice'])
        places.push(join('user.slice', user, service, slice, `docker-${id}.scope`))
  return places
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return []
  }
}

/** More folders than this above the containers are not searched. */
const MOST_PARENTS = 500

/**
 * The place of a cgroup whose last folders are known, below one mount. The mount may show a part of the path only (it
 * begins at a nested cgroup), so ends of the path are tried; a headless one is looked for below the first two levels of
 * folders. The id in it excludes a wrong match.
 */
function placeOf(mount: string, { folders, headless }: Tail): string | null {
  for (let from = 0; from < folders.length; from++) {
    const path = join(mount, ...folders.slice(from))
    if (existsSync(path)) return path
  }
  if (!headless) return null
  let parents = [mount]
  for (let level = 0; level < 2; level++) {
    parents = parents.flatMap((parent) => foldersIn(parent).map((name) => join(parent, name))).slice(0, MOST_PARENTS)
    for (const parent of parents) {
      const path = join(parent, ...folders)
      if (existsSync(path)) return path
    }
  }
  return null
}

/** The path that a process is said to have, or nothing where it is another container's (its number was given away). */
function processTails(procRoot: string, pid: number | null, id: string): Tails {
  if (pid === null || pid <= 0) return {}
  try {
    return tailsOfProcess(readFileSync(join(procRoot, String(pid), 'cgroup'), 'latin1'), id)
  } catch {
    return {}
  }
}

/** Whether the process belongs to the container, now. */
export function isProcessOf(procRoot: string, pid: number, id: string): boolean {
  return Object.keys(processTails(procRoot, pid, id)).length > 0
}

/**
 * Where the kernel keeps a container's files: below the path that its first process has, else where Docker's drivers
 * put it. A hierarchy that does not have it is left out.
 */
export function findDirectories(
  options: { cgroupRoot: string; procRoot: string; layout: CgroupLayout },
  id: string,
  pid: number | null,
): Found<{ directories: Directories }> {
  const { cgroupRoot, procRoot, layout } = options
  if (!ContainerId.safeParse(id).success) return { ok: false, reason: 'not a container id' }
  const told = processTails(procRoot, pid, id)
  const directories: Directories = {}
  for (const [name, mount] of Object.entries(layout.mounts) as [CgroupDirectory, string][]) {
    const tail = told[name]
    const place =
      (tail === undefined ? null : placeOf(mount, tail)) ??
      usualPlaces(mount, id)
        .map((path) => join(mount, path))
        .find((path) => existsSync(path))
    if (place !== undefined && statSync(place, { throwIfNoEntry: false })?.isDirectory()) directories[name] = place
  }
  if (Object.keys(directories).length > 0) return { ok: true, directories }
  const seen = Object.keys(told).length > 0
  return {
    ok: false,
    reason: seen
      ? `its cgroup is outside of ${cgroupRoot}: mount the host's whole /sys/fs/cgroup there`
      : `no cgroup of it under ${cgroupRoot}, nor a process of it under ${procRoot}: mount the host's there, read-only`,
  }
}

/**
 * A process of the container when none is told, or `null`. Numbers are those of the reader's process namespace; one
 * outside of it reads as 0.
 */
export function anyProcess(directories: Directories): number | null {
  for (const directory of Object.values(directories)) {
    try {
      const pid = Number.parseInt(readFileSync(join(directory, CGROUP_MARK), 'latin1'), 10)
      if (pid > 0) return pid
    } catch {
      // Another hierarchy may tell.
    }
  }
  return null
}
