import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { detectLayout, findDirectories } from '../../server/collect/cgroup-paths.ts'
import { messageOf } from '../../server/errors.ts'
import type { Plan, PlanContext } from './plan.ts'
import type { Undo } from './undo.ts'

type Throttle = { path: string; now: string; before: string }

/** The whole disk below a device number of `stat`, as MAJOR:MINOR, or `null` where no disk is (tmpfs, btrfs). */
function diskOf(device: number): string | null {
  const number = `${(device >> 8) & 0xfff}:${(device & 0xff) | ((device >> 12) & 0xfff00)}`
  const path = `/sys/dev/block/${number}`
  if (!existsSync(path)) return null
  // The kernel limits disks, not their partitions.
  return existsSync(join(path, 'partition')) ? readFileSync(join(path, '../dev'), 'latin1').trim() : number
}

/** The rest of a disk's line in a throttle file, or `null` where it has none. */
export function throttleOf(text: string, disk: string): string | null {
  const line = text.split('\n').find((one) => one.startsWith(`${disk} `))
  return line === undefined ? null : line.slice(disk.length + 1)
}

function throttles(directory: string, version: 'v1' | 'v2', disk: string, bytes: number): Throttle[] {
  const line = (name: string, now: string, free: string): Throttle => {
    const path = join(directory, name)
    return { path, now: `${disk} ${now}`, before: `${disk} ${throttleOf(readFileSync(path, 'latin1'), disk) ?? free}` }
  }
  if (version === 'v2') return [line('io.max', `rbps=${bytes} wbps=${bytes}`, 'rbps=max wbps=max riops=max wiops=max')]
  return ['blkio.throttle.read_bps_device', 'blkio.throttle.write_bps_device'].map((name) =>
    line(name, String(bytes), '0'),
  )
}

/** Limits the victim's own use of the disk that containers are kept on. On v1 the kernel limits reads and direct writes only. */
export function planSlowDisk({ host, victim }: PlanContext, bytesPerSecond: number): Plan {
  const cgroupRoot = '/sys/fs/cgroup'
  try {
    const disk = diskOf(statSync(host.dataFolder).dev)
    if (disk === null)
      return { ok: false, reason: 'containers are not kept on a disk whose speed the kernel can limit' }
    const layout = detectLayout(cgroupRoot)
    if (!layout.ok) return layout
    const found = findDirectories({ cgroupRoot, procRoot: '/proc', layout: layout.layout }, victim.id, victim.pid)
    if (!found.ok) return found
    const { blkio, unified } = found.directories
    const wanted =
      blkio !== undefined
        ? throttles(blkio, 'v1', disk, bytesPerSecond)
        : throttles(unified ?? cgroupRoot, 'v2', disk, bytesPerSecond)
    return {
      ok: true,
      detail: `disk ${disk}`,
      undo: wanted.map(({ path, before }): Undo => ({ kind: 'throttle', path, line: before })),
      async start() {
        for (const { path, now } of wanted) writeFileSync(path, now)
        return {}
      },
    }
  } catch (error) {
    return { ok: false, reason: `this kernel cannot slow the disk of ${victim.name} down: ${messageOf(error)}` }
  }
}
