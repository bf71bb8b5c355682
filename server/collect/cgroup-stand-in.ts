import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The containers of server/fixtures/cgroup-*. */
export const RECORDED = {
  hybrid: { id: 'aac24360aa6f1584807dbd09a5207cd3d80345a4f215d543535f719f697071f7', pid: 23210 },
  systemd: { id: '6b1f0c7d2a9e4f5883c1d0b7a6e5f4c3b2a1908f7e6d5c4b3a29181706f5e4d3', pid: 4711 },
  cgroupfs: { id: '0f9e8d7c6b5a49382716051423324150a1b2c3d4e5f60718293a4b5c6d7e8f90', pid: 902 },
} as const

const FOLDER = { hybrid: 'cgroup-v1-hybrid', systemd: 'cgroup-v2-systemd', cgroupfs: 'cgroup-v2-cgroupfs' } as const

export type RecordedTree = keyof typeof RECORDED

/** Where a recorded tree lies, as the options of a source. */
export function recordedTree(name: RecordedTree): { folder: string; cgroupRoot: string; procRoot: string } {
  const folder = fileURLToPath(new URL(`../fixtures/${FOLDER[name]}`, import.meta.url))
  return { folder, cgroupRoot: join(folder, 'cgroup'), procRoot: join(folder, 'proc') }
}

/** A tree of one's own in a temporary folder: files by path, on top of a copy of a recorded one where named. */
export function ownTree(files: Record<string, string>, copyOf?: RecordedTree) {
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-cgroup-'))
  if (copyOf !== undefined) cpSync(recordedTree(copyOf).folder, folder, { recursive: true })
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  return {
    folder,
    cgroupRoot: join(folder, 'cgroup'),
    procRoot: join(folder, 'proc'),
    write,
    link: (to: string, path: string) => symlinkSync(join(folder, to), join(folder, path)),
    remove: (path: string) => rmSync(join(folder, path), { recursive: true }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Descriptors of this process; the one that lists them is among them each time. */
export const descriptorsOfProcess = (): number => readdirSync('/proc/self/fd').length
