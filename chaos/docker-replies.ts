import { engineTime, nanoseconds } from './engine-time.ts'
import type { SimulatedEvent } from './lifecycle.ts'
import { createRandom, hashText } from './random.ts'
import type { SimulatedHost } from './simulated-host.ts'
import type { CgroupVersion } from './stats-replies.ts'

export const API_VERSION = '1.41'
export const MIN_API_VERSION = '1.12'
export const ENGINE_VERSION = '20.10.24'
const KERNEL_VERSION = '6.1.0-26-amd64'

/** The id that a network of this name has. */
export const networkId = (name: string) => createRandom(hashText(`network/${name}`)).hex(64)

export function versionReply(): object {
  const details = {
    ApiVersion: API_VERSION,
    Arch: 'amd64',
    BuildTime: '2023-04-04T21:16:30.000000000+00:00',
    GitCommit: '5d6db84',
    GoVersion: 'go1.19.7',
    KernelVersion: KERNEL_VERSION,
    MinAPIVersion: MIN_API_VERSION,
    Os: 'linux',
  }
  return {
    Platform: { Name: 'DockerPulse simulated engine' },
    Components: [{ Name: 'Engine', Version: ENGINE_VERSION, Details: { ...details, Experimental: 'false' } }],
    Version: ENGINE_VERSION,
    ...details,
  }
}

export function infoReply(host: SimulatedHost, cgroupVersion: CgroupVersion, name: string): object {
  const states = [...host.containers.values()].map(({ status }) => status)
  const count = (...wanted: string[]) => states.filter((status) => wanted.includes(status)).length
  return {
    ID: 'SIMU:LATE:DENG:INE0:DOCK:ERPU:LSE0:CHAO:SSIM:ULAT:EDEN:GINE',
    Containers: states.length,
    ContainersRunning: count('running', 'restarting'),
    ContainersPaused: count('paused'),
    ContainersStopped: count('exited', 'created'),
    Images: new Set([...host.containers.values()].map(({ imageId }) => imageId)).size,
    Driver: 'overlay2',
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    PidsLimit: true,
    OomKillDisable: cgroupVersion === '1',
    SystemTime: engineTime(host.nowMs()),
    LoggingDriver: 'json-file',
    CgroupDriver: cgroupVersion === '1' ? 'cgroupfs' : 'systemd',
    CgroupVersion: cgroupVersion,
    KernelVersion: KERNEL_VERSION,
    OperatingSystem: 'DockerPulse simulated host',
    OSType: 'linux',
    Architecture: 'x86_64',
    NCPU: host.cores,
    MemTotal: host.memoryBytes,
    DockerRootDir: '/var/lib/docker',
    Name: name,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: ENGINE_VERSION,
    DefaultRuntime: 'runc',
    LiveRestoreEnabled: false,
    Warnings: null,
  }
}

/** One line of `/events`, with its line end. */
export function eventLine({ atMs, container, action, attributes, networkName }: SimulatedEvent): string {
  const { id, spec } = container
  const actor =
    networkName === undefined
      ? { ID: id, Attributes: { ...spec.labels, ...attributes, image: spec.image, name: spec.name } }
      : { ID: networkId(networkName), Attributes: { container: id, name: networkName, type: 'bridge' } }
  const head = networkName === undefined ? { status: action, id, from: spec.image } : {}
  const event = JSON.stringify({
    ...head,
    Type: networkName === undefined ? 'container' : 'network',
    Action: action,
    Actor: actor,
    scope: 'local',
    time: Math.floor(atMs / 1000),
  })
  return `${event.slice(0, -1)},"timeNano":${nanoseconds(atMs)}}\n`
}
