import { expect, test } from 'vitest'
import { descriptorsOfProcess, ownTree, recordedTree } from './cgroup-stand-in.ts'
import { openHostReader } from './host-reader.ts'

/** From the first line of the recorded proc/stat, and the other files beside it. */
const HOST = {
  cpuTotalTicks: 176167 + 181 + 110609 + 744718 + 21658 + 0 + 2840 + 78,
  cpuBusyTicks: 176167 + 181 + 110609 + 0 + 2840 + 78,
  memoryTotalBytes: 24684092 * 1024,
  memoryAvailableBytes: 22503392 * 1024,
  load1: 7.84,
  load5: 4.48,
  load15: 2.87,
  cpuPressureSomeUs: 974272034,
  memoryPressureFullUs: 17567,
  ioPressureSomeUs: 205123345,
}

test('a recorded host: busy is all ticks but idle and waiting', () => {
  const { procRoot } = recordedTree('hybrid')
  using host = openHostReader({ procRoot, dockerRoot: () => null, now: () => 5 })
  const read = host.read()
  expect(read).toMatchObject(HOST)
  expect(read).toMatchObject({ readAt: 5, swapTotalBytes: 0, diskTotalBytes: null, diskFreeBytes: null })
})

test('what the kernel does not show is unknown, and nonsense too', () => {
  using tree = ownTree({ 'proc/stat': 'cpu  x\n', 'proc/loadavg': '', 'proc/meminfo': 'MemTotal: 4 kB\n' })
  using host = openHostReader({ procRoot: tree.procRoot, dockerRoot: () => '/nowhere', now: () => 5 })
  const { readAt, memoryTotalBytes, ...rest } = host.read()
  expect({ readAt, memoryTotalBytes }).toEqual({ readAt: 5, memoryTotalBytes: 4096 })
  expect(new Set(Object.values(rest))).toEqual(new Set([null]))
})

test('disk space is asked every ten seconds, also when the clock was set back', () => {
  const folder = ownTree({ 'docker/x': '' })
  let at = 100_000
  using host = openHostReader({ procRoot: folder.procRoot, dockerRoot: () => `${folder.folder}/docker`, now: () => at })
  const { diskTotalBytes, diskFreeBytes } = host.read()
  expect(diskTotalBytes).toBeGreaterThan(0)
  expect(diskFreeBytes).toBeLessThanOrEqual(diskTotalBytes!)
  folder[Symbol.dispose]()
  at += 9_000
  expect(host.read().diskTotalBytes).toBe(diskTotalBytes)
  at -= 60_000
  expect(host.read().diskTotalBytes).toBeNull()
})

test('this machine: everything is read again from the same descriptors, which are closed at the end', () => {
  const before = descriptorsOfProcess()
  {
    using host = openHostReader({ dockerRoot: () => '/', now: Date.now })
    const first = host.read()
    const end = performance.now() + 100
    while (performance.now() < end);
    const second = host.read()
    expect(second.cpuTotalTicks!).toBeGreaterThan(first.cpuTotalTicks!)
    expect(second.cpuBusyTicks! - first.cpuBusyTicks!).toBeGreaterThan(0)
    expect(second.memoryAvailableBytes!).toBeLessThan(second.memoryTotalBytes!)
    expect(second.diskFreeBytes!).toBeGreaterThan(0)
  }
  expect(descriptorsOfProcess()).toBe(before)
})
