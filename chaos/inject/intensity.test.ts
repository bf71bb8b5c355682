import { describe, expect, test } from 'vitest'
import type { ChaosFault } from '../scenario.ts'
import { helperScript } from './helper-script.ts'
import { describeFault, intensityObjection, permissionObjection } from './intensity.ts'
import { throttleOf } from './slow-disk.ts'
import type { HostFacts, VictimFacts } from './victim-facts.ts'

const GiB = 2 ** 30
const host: HostFacts = { cores: 2, freeMemoryBytes: 4 * GiB, freeDiskBytes: 4 * GiB, dataFolder: '/var/lib/docker' }
const victim: VictimFacts = {
  id: 'a'.repeat(64),
  name: 'api',
  labels: { 'dockerpulse.chaos': 'allowed' },
  running: true,
  pid: 42,
  sharesProcesses: false,
  sharesNetwork: false,
  readOnly: false,
  memoryLimitBytes: GiB / 4,
  cpuLimitCores: 0.5,
  pidsLimit: 100,
  oomScore: 0,
  address: '172.17.0.2',
  networks: ['shop'],
}

describe('who may be a victim', () => {
  const objection = (changed: Partial<VictimFacts>, labProject: string | null = null) =>
    permissionObjection({ ...victim, ...changed }, labProject)

  test('a container that has agreed, or one of the lab’s project', () => {
    expect(objection({})).toBeNull()
    expect(objection({ labels: { 'com.docker.compose.project': 'lab' } }, 'lab')).toBeNull()
  })

  test('no other, not even one of the lab’s project that says no', () => {
    const project = { 'com.docker.compose.project': 'lab' }
    for (const labels of [{}, { 'dockerpulse.chaos': 'helper' }, { 'dockerpulse.chaos': '' }, project])
      expect(objection({ labels })).toContain('dockerpulse.chaos=allowed')
    expect(objection({ labels: { ...project, 'dockerpulse.chaos': 'no' } }, 'lab')).toContain('has not agreed')
    expect(objection({ labels: project }, 'other')).toContain('has not agreed')
  })

  test('none whose processes are others’ too, and none that is not running', () => {
    expect(objection({ sharesProcesses: true })).toContain('shares its processes')
    expect(objection({ running: false })).toContain('start it first')
  })
})

describe('how much is too much', () => {
  const objection = (fault: ChaosFault, changed: Partial<VictimFacts> = {}, other: Partial<HostFacts> = {}) =>
    intensityObjection(fault, { ...victim, ...changed }, { ...host, ...other })
  const leak = { kind: 'memory-leak', shareOfLimitPerSecond: 0.01, shape: 'steady' } as const

  test('a share of a limit needs the limit', () => {
    expect(objection({ kind: 'cpu-burn', shareOfLimit: 1 }, { cpuLimitCores: null })).toContain('no CPU limit')
    expect(objection({ kind: 'pid-exhaustion', shareOfLimit: 1 }, { pidsLimit: null })).toContain('no PID limit')
    for (const fault of [leak, { kind: 'memory-bomb' }, { kind: 'page-cache' }] as const)
      expect(objection(fault, { memoryLimitBytes: null })).toContain('no memory limit')
  })

  test('the host keeps half of its free memory, a tenth of its cores and most of its disk', () => {
    expect(objection(leak)).toBeNull()
    expect(objection(leak, { memoryLimitBytes: 3 * GiB })).toContain('lower it')
    expect(objection({ kind: 'cpu-burn', shareOfLimit: 1 }, { cpuLimitCores: 2 })).toContain('lower the limit')
    expect(objection({ kind: 'noisy-neighbour', shareOfHost: 0.9 })).toBeNull()
    expect(objection({ kind: 'noisy-neighbour', shareOfHost: 0.95 })).toContain('at most 0.9')
    expect(objection({ kind: 'disk-fill', bytes: GiB })).toBeNull()
    expect(objection({ kind: 'disk-fill', bytes: GiB + 1 })).toContain('1024 MiB')
    expect(objection({ kind: 'disk-fill', bytes: 3 * GiB }, {}, { freeDiskBytes: null })).toContain('512 MiB')
    expect(objection({ kind: 'connection-flood', connections: 1e6 })).toContain('at most 5000')
  })

  test('what is done from the host needs to see the processes', () => {
    for (const fault of [{ kind: 'hang' }, { kind: 'kill' }, { kind: 'crash-loop', everySeconds: 5 }] as const) {
      expect(objection(fault)).toBeNull()
      expect(objection(fault, { pid: null })).toContain('run as root')
    }
  })

  test('a file system that is read-only takes no file and no copied program, and no shared network is hurt', () => {
    expect(objection(leak, { readOnly: true })).toBeNull()
    expect(objection(leak, { readOnly: true, pid: null })).toContain('read-only')
    expect(objection({ kind: 'page-cache' }, { readOnly: true })).toContain('read-only')
    expect(objection({ kind: 'network-loss', share: 0.1 }, { sharesNetwork: true })).toContain('others')
  })

  test('a fault is said in words and figures', () => {
    expect(describeFault({ ...leak, shape: 'sawtooth', untilShare: 0.7 }, 'api')).toBe(
      'leak 1 % of the memory limit a second in api, all given back at 70 %',
    )
    expect(describeFault({ kind: 'disk-fill', bytes: 5 * 2 ** 20 }, 'api')).toBe('write a file of 5 MiB in api')
  })
})

test('the helper has an end, and the folder that it removes is its own', () => {
  const script = helperScript(
    { kind: 'burn', cores: 1.5 },
    { folder: '/.dockerpulse-chaos-x', seconds: 30, oomScore: 0 },
  )
  expect(script).toContain('end=$((up + 30))')
  expect(script).toContain('rm -rf /.dockerpulse-chaos-x')
  expect(script).toContain('-lt 2 ]; do burn')
})

test('the throttle that a disk had is read from the kernel’s file', () => {
  expect(throttleOf('8:0 rbps=100 wbps=max riops=max wiops=max\n254:0 rbps=7', '8:0')).toBe(
    'rbps=100 wbps=max riops=max wiops=max',
  )
  expect(throttleOf('', '8:0')).toBeNull()
})
