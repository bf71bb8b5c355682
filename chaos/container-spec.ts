import { createRandom, hashText } from './random.ts'

export const MIB = 1024 * 1024

/** How a simulated process behaves while nothing is wrong with it. Rates are per second at average load. */
export type Workload = {
  memory: {
    /** Anonymous memory once warm, at average load. */
    baseBytes: number
    warmUpSeconds: number
    noiseBytes: number
    /** Page cache it fills if memory allows; reclaimed before anything is killed. */
    cacheBytes: number
    /** Garbage that grows over a period and is then collected. */
    sawtooth?: { bytes: number; periodSeconds: number }
  }
  cpu: {
    /** Demand in cores at average load. */
    cores: number
    /** How far the load swings over a (shortened) day, as a share of the average: 0..1. */
    dailyShare: number
    noiseShare: number
    burst?: { cores: number; everySeconds: number; seconds: number }
  }
  network: { receiveBytes: number; transmitBytes: number }
  block: { readBytes: number; writeBytes: number }
  /** Command lines in the process table, and how many processes and threads they amount to. */
  processes: string[]
  pids: number
  /** What it does on SIGTERM; `null` ignores it and is killed after the grace. */
  onTerm: { exitCode: number; delayMs: number } | null
  /** The process ends by itself after so long, every time. */
  exits?: { afterSeconds: number; exitCode: number }
  logs: { perSecond: number; lines: string[]; errors: string[] }
}

export type HealthCheck = {
  test: string[]
  intervalSeconds: number
  timeoutSeconds: number
  retries: number
  startPeriodSeconds: number
}

export type RestartPolicyName = 'no' | 'always' | 'unless-stopped' | 'on-failure'

/** What `docker create` would be told, and how the process behaves. Zero means no limit. */
export type ContainerSpec = {
  name: string
  image: string
  command: string[]
  env: string[]
  labels: Record<string, string>
  memoryLimitBytes: number
  cpuLimitCores: number
  pidsLimit: number | null
  restartPolicy: { name: RestartPolicyName; maximumRetryCount: number }
  healthCheck: HealthCheck | null
  stopTimeoutSeconds: number | null
  network: string
  workload: Workload
}

/** A small idle service, for `createContainer` to vary. */
export const PLAIN_WORKLOAD: Workload = {
  memory: { baseBytes: 24 * MIB, warmUpSeconds: 3, noiseBytes: 0.2 * MIB, cacheBytes: 8 * MIB },
  cpu: { cores: 0.02, dailyShare: 0.3, noiseShare: 0.2 },
  network: { receiveBytes: 900, transmitBytes: 1_200 },
  block: { readBytes: 0, writeBytes: 400 },
  processes: ['/app/service'],
  pids: 4,
  onTerm: { exitCode: 0, delayMs: 120 },
  logs: { perSecond: 0.1, lines: ['level=info msg="tick" n={n}'], errors: ['level=error msg="upstream timed out"'] },
}

/** A complete spec from what matters to the caller; by default an idle service without limits, policy or check. */
export function containerSpec(wanted: Partial<ContainerSpec> & { name: string }): ContainerSpec {
  return {
    image: 'simulated/service:1.0.0',
    command: ['/app/service'],
    env: [],
    labels: {},
    memoryLimitBytes: 0,
    cpuLimitCores: 0,
    pidsLimit: null,
    restartPolicy: { name: 'no', maximumRetryCount: 0 },
    healthCheck: null,
    stopTimeoutSeconds: null,
    network: 'bridge',
    workload: PLAIN_WORKLOAD,
    ...wanted,
  }
}

/** The labels `docker compose` gives; `dependsOn` in its own notation (`db:service_healthy:false`). */
export function composeLabels(options: {
  project: string
  service: string
  number: number
  image: string
  dependsOn: string
}): Record<string, string> {
  const { project, service, number, image, dependsOn } = options
  return {
    'com.docker.compose.config-hash': createRandom(hashText(`${project}/${service}/config`)).hex(64),
    'com.docker.compose.container-number': String(number),
    'com.docker.compose.depends_on': dependsOn,
    'com.docker.compose.image': imageId(image),
    'com.docker.compose.oneoff': 'False',
    'com.docker.compose.project': project,
    'com.docker.compose.project.config_files': `/srv/${project}/compose.yaml`,
    'com.docker.compose.project.working_dir': `/srv/${project}`,
    'com.docker.compose.service': service,
    'com.docker.compose.version': '2.29.7',
  }
}

/** The digest an image has in every simulated engine. */
export function imageId(image: string): string {
  return `sha256:${createRandom(hashText(image)).hex(64)}`
}
