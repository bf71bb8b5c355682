import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { findEngineProcesses } from '../server/collect/engine-processes.ts'
import { hasProgram, needs } from '../server/fixtures/needs.ts'
import { openDockerDaemon } from './docker-daemon.ts'

const runnable = process.getuid?.() === 0 && hasProgram('sh', '-c', 'PATH=$PATH:/usr/sbin dockerd --version')
const present = needs('root and dockerd', runnable)

test.skipIf(!present)('of two real engines each is told by its socket', { timeout: 100_000 }, async () => {
  await using first = await openDockerDaemon()
  await using second = await openDockerDaemon()
  for (const { dockerHost } of [first, second]) {
    const socketPath = dockerHost.slice('unix://'.length)
    const commands = findEngineProcesses('/proc', socketPath).map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    const daemons = commands.filter((command) => command.startsWith('dockerd'))
    expect(daemons).toEqual([expect.stringContaining(dirname(socketPath))])
    const own = commands.filter((command) => command.includes(dirname(socketPath)))
    expect(own.map((command) => command.split('\0')[0])).toEqual(['dockerd', 'containerd'])
  }
  expect(findEngineProcesses('/proc', undefined).length).toBeGreaterThanOrEqual(4)
})
