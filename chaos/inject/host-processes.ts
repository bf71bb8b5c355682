import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../server/errors.ts'

/** Every helper process inherits this variable, by which it is found again whatever it calls itself. */
export const MARK_VARIABLE = 'DOCKERPULSE_CHAOS'
const POLL_MS = 30
/** How long a helper may take to end its own children and files before it is killed. */
const GRACE_MS = 3_000

/** A process as the host sees it. */
export type HostProcess = { pid: number; parent: number; state: string }

function read(pid: number | 'self', file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

function processOf(pid: number): HostProcess | null {
  // The name in brackets may contain anything, brackets too.
  const [, state, parent] = /^\d+ \(.*\) (\S) (\d+) /s.exec(read(pid, 'stat')) ?? []
  return state === undefined ? null : { pid, parent: Number(parent), state }
}

function processesWhere(wanted: (pid: number) => boolean): HostProcess[] {
  let names: string[] = []
  try {
    names = readdirSync('/proc')
  } catch {
    // Without /proc nothing of the host is seen.
  }
  return names
    .filter((name) => /^\d+$/.test(name) && wanted(Number(name)))
    .map((name) => processOf(Number(name)))
    .filter((one) => one !== null)
}

/** The processes in a container's cgroups, as far as this host shows them. */
export function processesOf(containerId: string): HostProcess[] {
  return processesWhere((pid) => read(pid, 'cgroup').includes(containerId))
}

/** Living processes whose mark begins with `mark`. */
export function markedProcesses(mark: string): HostProcess[] {
  return processesWhere((pid) => `\0${read(pid, 'environ')}`.includes(`\0${MARK_VARIABLE}=${mark}`))
}

/** A process and everything below it. */
export function familyOf(pid: number, among: HostProcess[]): HostProcess[] {
  const own = among.filter((one) => one.pid === pid)
  const children = among.filter((one) => one.parent === pid)
  return [...own, ...children.flatMap((one) => familyOf(one.pid, among))]
}

/** Sends a signal; a process that is gone already is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Ends all processes of a mark: politely the first one, which ends its children and buries them (their new parent would
 * be the container's main process, which may bury nobody), then by force.
 */
export async function endMarkedProcesses(mark: string): Promise<void> {
  const deadline = Date.now() + GRACE_MS
  const asked = new Set<number>()
  for (let found = markedProcesses(mark); found.length > 0; found = markedProcesses(mark)) {
    const pids = new Set(found.map(({ pid }) => pid))
    const first = found.filter(({ parent }) => !pids.has(parent))
    const below = found.filter(({ parent }) => pids.has(parent))
    if (Date.now() > deadline) for (const { pid } of below.length > 0 ? below : first) signal(pid, 'SIGKILL')
    for (const { pid } of first.filter(({ pid }) => !asked.has(pid))) {
      asked.add(pid)
      signal(pid, 'SIGTERM')
      signal(pid, 'SIGCONT')
    }
    await sleep(POLL_MS)
  }
}

/** Lets every stopped process of a container go on. */
export function continueProcesses(containerId: string): void {
  for (const { pid, state } of processesOf(containerId)) if (state === 'T') signal(pid, 'SIGCONT')
}

/** The folders of the root below `root` whose name begins so. */
export function foldersBeginning(root: string, prefix: string): string[] {
  try {
    return readdirSync(root).filter((name) => name.startsWith(prefix))
  } catch {
    return []
  }
}

/** Removes a folder; a reason where it is still there. */
export function removeFolder(path: string): string | null {
  try {
    rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    return null
  } catch (error) {
    return `${path} cannot be removed: ${messageOf(error)}`
  }
}
