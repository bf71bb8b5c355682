import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../fixtures/temporary-folder.ts'
import { ownTree } from './cgroup-stand-in.ts'
import { findEngineProcesses } from './engine-processes.ts'

/** Two engines, the first with a helper of its own; the second uses the host's. */
const PROCESSES = {
  'proc/1/stat': '1 (systemd) S 0 1 1',
  'proc/10/stat': '10 (dockerd) S 1 10 10',
  'proc/11/stat': '11 (containerd) S 10 11 11',
  'proc/20/stat': '20 (dockerd) S 1 20 20',
  'proc/30/stat': '30 (containerd) S 1 30 30',
  'proc/31/stat': '31 (containerd-shim) S 1 31 31',
  'proc/32/stat': 'nonsense',
  'proc/40/stat': '40 (a (dockerd) of old) S 1 40 40',
  'proc/10/fd/0': '',
  'proc/20/fd/0': '',
}
const EVERY_ENGINE = [10, 20, 11, 30]

/** A host on which a process listens at a path of this machine, in our network or in one of its own. */
function hostWhere(listener: number, network: 'ours' | 'own' = 'ours') {
  const folder = temporaryFolder()
  const socketPath = join(folder, 'docker engine.sock')
  writeFileSync(socketPath, '')
  const tree = ownTree({
    ...PROCESSES,
    'proc/self/net/unix': '',
    'proc/10/net/unix': '',
    'proc/20/net/unix': '',
    [`proc/${network === 'ours' ? 'self' : listener}/net/unix`]: `Num       RefCount Protocol Flags    Type St Inode Path
0000000035e7a7f9: 00000003 00000000 00000000 0001 03 533631 ${socketPath}
0000000041f3c0db: 00000002 00000000 00010000 0001 01 532361 ${socketPath}
00000000e0df9d9c: 00000003 00000000 00000000 0001 03 533637
`,
    [`proc/${listener}/fd/1`]: '',
  })
  symlinkSync('socket:[532361]', join(tree.procRoot, `${listener}/fd/7`))
  return { ...tree, folder, socketPath }
}

test('the engine that listens at the address, with the helper that it started or that the host has', () => {
  using first = hostWhere(10)
  expect(findEngineProcesses(first.procRoot, first.socketPath)).toEqual([10, 11, 30])
  using second = hostWhere(20)
  expect(findEngineProcesses(second.procRoot, second.socketPath)).toEqual([20, 30])
})

test('the engine that listens in a network of its own', () => {
  using host = hostWhere(20, 'own')
  expect(findEngineProcesses(host.procRoot, host.socketPath)).toEqual([20, 30])
})

test('by another path to the same socket it is the same engine', () => {
  using host = hostWhere(20)
  const other = join(host.folder, 'other.sock')
  symlinkSync(host.socketPath, other)
  expect(findEngineProcesses(host.procRoot, other)).toEqual([20, 30])
})

test('where somebody else listens no engine works for us', async () => {
  using host = hostWhere(40)
  expect(findEngineProcesses(host.procRoot, host.socketPath)).toEqual([])

  const socketPath = join(temporaryFolder(), 'engine.sock')
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  expect(findEngineProcesses('/proc', socketPath)).toEqual([])
  server.close()
})

test('where it cannot be told every engine counts', () => {
  using host = hostWhere(20)
  expect(findEngineProcesses(host.procRoot, undefined)).toEqual(EVERY_ENGINE)
  expect(findEngineProcesses(host.procRoot, join(host.folder, 'gone.sock'))).toEqual(EVERY_ENGINE)
  expect(findEngineProcesses(host.procRoot, host.folder)).toEqual(EVERY_ENGINE)
  rmSync(join(host.procRoot, '20/fd'), { recursive: true })
  expect(findEngineProcesses(host.procRoot, host.socketPath)).toEqual(EVERY_ENGINE)
  rmSync(join(host.procRoot, 'self'), { recursive: true })
  expect(findEngineProcesses(host.procRoot, host.socketPath)).toEqual(EVERY_ENGINE)
})
