import { networkId } from './docker-replies.ts'
import { engineTime, humanDuration } from './engine-time.ts'
import { createRandom, hashText } from './random.ts'
import { isAlive, type LogRecord, logText, type SimulatedContainer } from './simulated-container.ts'

function endpoints(container: SimulatedContainer): object {
  return Object.fromEntries([...container.networks].map((network) => [network, endpoint(container, network)]))
}

function endpoint(container: SimulatedContainer, network: string): object {
  const alive = isAlive(container)
  const subnet = 18 + (hashText(network) % 200)
  const host = 2 + (hashText(container.id) % 60_000)
  const octets = [172, subnet, host >> 8, host & 255]
  const hexOctet = (octet: number) => octet.toString(16).padStart(2, '0')
  return {
    IPAMConfig: null,
    Links: null,
    Aliases: network === 'bridge' ? null : [container.spec.name, container.id.slice(0, 12)],
    NetworkID: networkId(network),
    EndpointID: alive ? createRandom(hashText(container.id + network)).hex(64) : '',
    Gateway: alive ? `172.${subnet}.0.1` : '',
    IPAddress: alive ? octets.join('.') : '',
    IPPrefixLen: alive ? 16 : 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    MacAddress: alive ? `02:42:${octets.map(hexOctet).join(':')}` : '',
    DriverOpts: null,
  }
}

/** `/containers/{id}/json`. */
export function inspectReply(container: SimulatedContainer): object {
  const { spec, health, status } = container
  const [path = '', ...args] = spec.command
  const check = spec.healthCheck
  return {
    Id: container.id,
    Created: engineTime(container.createdAtMs),
    Path: path,
    Args: args,
    State: {
      Status: status,
      Running: isAlive(container) || status === 'restarting',
      Paused: status === 'paused',
      Restarting: status === 'restarting',
      OOMKilled: container.oomKilled,
      Dead: false,
      Pid: container.pid,
      ExitCode: container.exitCode,
      Error: '',
      StartedAt: engineTime(container.startedAtMs),
      FinishedAt: engineTime(container.finishedAtMs),
      ...(health === null
        ? {}
        : {
            Health: {
              Status: health.status,
              FailingStreak: health.failingStreak,
              Log: health.log.map(({ startMs, endMs, exitCode, output }) => ({
                Start: engineTime(startMs),
                End: engineTime(endMs),
                ExitCode: exitCode,
                Output: output,
              })),
            },
          }),
    },
    Image: container.imageId,
    LogPath: `/var/lib/docker/containers/${container.id}/${container.id}-json.log`,
    Name: `/${spec.name}`,
    RestartCount: container.restartCount,
    Driver: 'overlay2',
    Platform: 'linux',
    ExecIDs: null,
    HostConfig: {
      LogConfig: { Type: 'json-file', Config: {} },
      NetworkMode: spec.network === 'bridge' ? 'default' : spec.network,
      PortBindings: {},
      RestartPolicy: { Name: spec.restartPolicy.name, MaximumRetryCount: spec.restartPolicy.maximumRetryCount },
      AutoRemove: false,
      Privileged: false,
      CpuShares: 0,
      Memory: container.limits.memoryBytes,
      NanoCpus: container.cpuQuotaUs > 0 ? 0 : Math.round(container.limits.cpuCores * 1e9),
      CpuPeriod: container.cpuPeriodUs,
      CpuQuota: container.cpuQuotaUs,
      MemoryReservation: 0,
      MemorySwap: container.memorySwapBytes,
      OomKillDisable: false,
      PidsLimit: spec.pidsLimit,
    },
    Mounts: [],
    Config: {
      Hostname: container.id.slice(0, 12),
      User: '',
      Tty: false,
      Env: spec.env,
      Cmd: spec.command,
      ...(check === null
        ? {}
        : {
            Healthcheck: {
              Test: check.test,
              Interval: check.intervalSeconds * 1e9,
              Timeout: check.timeoutSeconds * 1e9,
              ...(check.startPeriodSeconds > 0 ? { StartPeriod: check.startPeriodSeconds * 1e9 } : {}),
              Retries: check.retries,
            },
          }),
      Image: spec.image,
      Entrypoint: null,
      Labels: spec.labels,
      ...(spec.stopTimeoutSeconds === null ? {} : { StopTimeout: spec.stopTimeoutSeconds }),
    },
    NetworkSettings: { Bridge: '', Ports: {}, Networks: endpoints(container) },
  }
}

function statusText(container: SimulatedContainer, nowMs: number): string {
  const { status, health, startedAtMs, finishedAtMs, exitCode } = container
  if (status === 'created') return 'Created'
  const ended = humanDuration(nowMs - (finishedAtMs ?? nowMs))
  if (status === 'exited') return `Exited (${exitCode}) ${ended} ago`
  if (status === 'restarting') return `Restarting (${exitCode}) ${ended} ago`
  const up = `Up ${humanDuration(nowMs - (startedAtMs ?? nowMs))}`
  if (status === 'paused') return `${up} (Paused)`
  if (health === null) return up
  return `${up} (${health.status === 'starting' ? 'health: starting' : health.status})`
}

/** One entry of `/containers/json`. */
export function listEntry(container: SimulatedContainer, nowMs: number): object {
  const { spec } = container
  return {
    Id: container.id,
    Names: [`/${spec.name}`],
    Image: spec.image,
    ImageID: container.imageId,
    Command: spec.command.join(' '),
    Created: Math.floor(container.createdAtMs / 1000),
    Ports: [],
    Labels: spec.labels,
    State: container.status,
    Status: statusText(container, nowMs),
    HostConfig: { NetworkMode: spec.network === 'bridge' ? 'default' : spec.network },
    NetworkSettings: { Networks: endpoints(container) },
    Mounts: [],
  }
}

/** `/containers/{id}/top` as `ps -ef` shows it. */
export function topReply(container: SimulatedContainer): object {
  const startedAtMs = container.startedAtMs ?? 0
  const cpuSeconds = Math.floor((container.process?.cpuNs ?? 0) / 1e9)
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const processes = container.spec.workload.processes
  const time = cpuSeconds / processes.length
  return {
    Processes: processes.map((command, index) => [
      'root',
      String(container.pid + index),
      String(index === 0 ? container.pid - 20 : container.pid),
      '0',
      new Date(startedAtMs).toISOString().slice(11, 16),
      '?',
      `${two(time / 3600)}:${two((time / 60) % 60)}:${two(time % 60)}`,
      command,
    ]),
    Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
  }
}

/** Log lines in the engine's frames: stream, three zeros, length, text. */
export function logFrames(records: LogRecord[], timestamps: boolean): Buffer {
  return Buffer.concat(
    records.map((record) => {
      const text = Buffer.from(`${timestamps ? `${engineTime(record.atMs)} ` : ''}${logText(record)}\n`)
      const head = Buffer.alloc(8)
      head[0] = record.stream
      head.writeUInt32BE(text.length, 4)
      return Buffer.concat([head, text])
    }),
  )
}
