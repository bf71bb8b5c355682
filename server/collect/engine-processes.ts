import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

/** The daemons that work when somebody asks an engine for figures. */
const DAEMON = 'dockerd'
const ITS_HELPER = 'containerd'
/** `__SO_ACCEPTCON`: the socket is one that takes connections (Linux, include/uapi/linux/net.h). */
const LISTENING = '00010000'

type Process = { pid: number; name: string; parentPid: number }

function readProcess(procRoot: string, pid: number): Process[] {
  try {
    const stat = readFileSync(join(procRoot, String(pid), 'stat'), 'utf8')
    const [, name = '', parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? []
    return name === DAEMON || name === ITS_HELPER ? [{ pid, name, parentPid: Number(parent) }] : []
  } catch {
    return []
  }
}

/** The inodes of those who listen at one of these paths, in the network of a process. Throws where it cannot be read. */
function listenersAt(procRoot: string, process: string, paths: readonly string[]): string[] {
  return readFileSync(join(procRoot, process, 'net/unix'), 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , flags, , , , ...path]) => flags === LISTENING && paths.includes(path.join(' ')))
    .map((fields) => fields[6]!)
}

function holds(procRoot: string, pid: number, inodes: readonly string[]): boolean {
  const folder = join(procRoot, String(pid), 'fd')
  const links = readdirSync(folder).map((name) => {
    try {
      return readlinkSync(join(folder, name))
    } catch {
      return ''
    }
  })
  return inodes.some((inode) => links.includes(`socket:[${inode}]`))
}

/**
 * Those of the daemons that listen at a path; all where it cannot be told. A daemon in a network of its own is not among
 * the listeners of ours.
 */
function askedOf(daemons: readonly Process[], procRoot: string, socketPath: string | undefined): readonly Process[] {
  if (socketPath === undefined) return daemons
  try {
    const paths = [socketPath, realpathSync(socketPath)]
    const ours = listenersAt(procRoot, 'self', paths)
    if (ours.length > 0) return daemons.filter(({ pid }) => holds(procRoot, pid, ours))
    const asked = daemons.filter(({ pid }) => holds(procRoot, pid, listenersAt(procRoot, String(pid), paths)))
    return asked.length > 0 ? asked : daemons
  } catch {
    return daemons
  }
}

/**
 * The processes of the engine that listens at a Unix socket: its daemon, and the helper that it started or shares with the
 * host. None where somebody else listens there. Where it cannot be told (another address, another namespace, no right to
 * look), those of every engine of the host. `procRoot` is where the host's `/proc` is to be seen.
 */
export function findEngineProcesses(procRoot: string, socketPath: string | undefined): number[] {
  const processes = readdirSync(procRoot)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(procRoot, Number(name)))
  const daemons = processes.filter(({ name }) => name === DAEMON)
  const asked = askedOf(daemons, procRoot, socketPath)
  if (asked.length === 0) return []
  const others = new Set(daemons.filter((one) => !asked.includes(one)).map(({ pid }) => pid))
  const helpers = processes.filter(({ name, parentPid }) => name === ITS_HELPER && !others.has(parentPid))
  return [...asked, ...helpers].map(({ pid }) => pid)
}
