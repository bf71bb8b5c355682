import { spawn } from 'node:child_process'
import {
  accessSync,
  chownSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { detectLayout, findDirectories } from '../../server/collect/cgroup-paths.ts'
import { AppError } from '../../server/errors.ts'
import { type HelperWork, helperScript } from './helper-script.ts'
import { MARK_VARIABLE, markedProcesses } from './host-processes.ts'

/** Where a container with a read-only file system usually has a small one in memory that is not. */
export const PLACES_IN_MEMORY = ['/dev/shm', '/tmp', '/run', '/var/tmp'] as const
const CGROUP_ROOT = '/sys/fs/cgroup'
/** The descriptor by which the program comes along: memory file systems are mounted without the right to execute. */
const PROGRAM_FD = 3
const POLL_MS = 20
const STARTED_WITHIN_MS = 10_000

/** The first place of `PLACES_IN_MEMORY` in which the process's container can write, or `null`. */
export function writablePlace(pid: number): string | null {
  const found = PLACES_IN_MEMORY.find((place) => {
    try {
      accessSync(`/proc/${pid}/root${place}`, constants.W_OK)
      return true
    } catch {
      return false
    }
  })
  return found ?? null
}

/** User and group of a process. */
function ownerOf(pid: number): { uid: number; gid: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const first = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  return { uid: first('Uid'), gid: first('Gid') }
}

function joinCgroups(pid: number, victim: { id: string; pid: number }): void {
  const layout = detectLayout(CGROUP_ROOT)
  if (!layout.ok) throw new AppError(layout.reason)
  const found = findDirectories(
    { cgroupRoot: CGROUP_ROOT, procRoot: '/proc', layout: layout.layout },
    victim.id,
    victim.pid,
  )
  if (!found.ok) throw new AppError(found.reason)
  for (const directory of new Set(Object.values(found.directories)))
    writeFileSync(join(directory, 'cgroup.procs'), String(pid))
}

/**
 * Starts the helper in a container into which nothing can be copied: this host's own program as a process of the
 * container's user in its namespaces and cgroups. It waits at the door until it is in the cgroups, so that all that it
 * takes is the container's.
 */
export async function startHostHelper(options: {
  victim: { id: string; pid: number }
  mark: string
  folder: string
  programPath: string
  work: HelperWork
  seconds: number
  oomScore: number
}): Promise<void> {
  const { victim, mark, folder, programPath, work, seconds, oomScore } = options
  const { uid, gid } = ownerOf(victim.pid)
  const outside = `/proc/${victim.pid}/root${folder}`
  mkdirSync(outside)
  chownSync(outside, uid, gid)
  symlinkSync(`/proc/self/fd/${PROGRAM_FD}`, join(outside, 'busybox'))
  const inside = `${folder}/busybox`
  const program = openSync(programPath, 'r')
  // nsenter itself bears no mark: it stays to bury the helper, which the container's main process might not.
  const child = spawn(
    'nsenter',
    [
      ...['-t', String(victim.pid), '-m', '-p', '-n', '-i', '-u', '-S', String(uid), '-G', String(gid), '--'],
      ...[inside, 'env', '-i', `${MARK_VARIABLE}=${mark}`, inside, 'sh', '-c'],
      `read -r _ || exit 1\n${helperScript(work, { folder, seconds, oomScore })}`,
    ],
    { detached: true, stdio: ['pipe', 'ignore', 'ignore', program] },
  )
  closeSync(program)
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'nsenter is missing: apt-get install util-linux' : error.message),
    )
    child.once('exit', (code) => resolve(`the helper ended with exit code ${code}`))
  })
  let end: string | null = null
  void ended.then((reason) => {
    end = reason
  })
  const deadline = Date.now() + STARTED_WITHIN_MS
  for (;;) {
    const [helper] = markedProcesses(mark)
    if (helper !== undefined) {
      joinCgroups(helper.pid, victim)
      break
    }
    if (end !== null) throw new AppError(end)
    if (Date.now() > deadline) throw new AppError('the helper does not start')
    await sleep(POLL_MS)
  }
  child.stdin?.on('error', () => {})
  child.stdin?.end('\n')
  child.unref()
}
