import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { parseDockerAddress } from '../server/collect/docker-address.ts'
import { messageOf } from '../server/errors.ts'
import { type TarMember, tarArchive } from './tar.ts'

const BUSYBOX = '/bin/busybox'
const IMAGE = 'dockerpulse-test:busybox'
/** Marks what tests create; the value says which run. */
const TEST_LABEL = 'dockerpulse.test'
/** Containers of runs that ended without cleaning up. */
const LEFT_OVER_AFTER_SECONDS = 30 * 60
const PING_TIMEOUT_MS = 5_000

/** A container to run on a real engine; `command` finds busybox's applets on its path. */
export type RealContainer = {
  name?: string
  command: string[]
  memoryBytes?: number
  cpuCores?: number
  pidsLimit?: number
  labels?: Record<string, string>
  restartPolicy?: 'no' | 'always' | 'unless-stopped' | 'on-failure'
  health?: { command: string; intervalMs: number; timeoutMs?: number; retries: number; startPeriodMs?: number }
  stopTimeoutSeconds?: number
  network?: string
  /** Names by which others find it in its network. */
  aliases?: string[]
  readOnly?: boolean
  user?: string
}

/** A real engine for tests. Disposing it removes every container that it ran. */
export type RealEngine = AsyncDisposable & {
  readonly docker: Docker
  /** For `DOCKER_HOST`. */
  readonly dockerHost: string
  readonly image: string
  /** Creates and starts a container without swap; resolves with its id. */
  run(container: RealContainer): Promise<string>
  remove(id: string): Promise<void>
}

/** The applets of busybox as an image's file system. */
async function busyboxFiles(): Promise<Buffer> {
  const content = await readFile(BUSYBOX).catch(() => {
    throw new Error(
      `${BUSYBOX} is missing: tests on a real engine build their image from it: apt-get install busybox-static`,
    )
  })
  const { stdout } = await promisify(execFile)(BUSYBOX, ['--list'])
  const links = stdout
    .split('\n')
    .filter((applet) => applet !== '' && applet !== 'busybox')
    .map((applet): TarMember => ({ name: `bin/${applet}`, linkTo: 'busybox' }))
  return tarArchive([{ name: 'bin/busybox', content }, ...links])
}

async function ensureImage(docker: Docker): Promise<void> {
  const found = await docker
    .getImage(IMAGE)
    .inspect()
    .catch(() => null)
  if (found) return
  const [repo, tag] = IMAGE.split(':')
  const archive = await busyboxFiles()
  // dockerode hands a buffer to the request as it is; its types know only paths and streams.
  const progress = await docker.importImage(archive as unknown as NodeJS.ReadableStream, { repo, tag })
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve()))
  })
}

async function removeLabelled(docker: Docker, label: string, olderThanSeconds: number): Promise<void> {
  const filters = { label: [label] }
  const found = await docker.listContainers({ all: true, filters })
  const before = Date.now() / 1000 - olderThanSeconds
  await Promise.all(
    found
      .filter(({ Created }) => Created <= before)
      .map(({ Id }) =>
        docker
          .getContainer(Id)
          .remove({ force: true, v: true })
          .catch(() => {}),
      ),
  )
}

/**
 * The engine of `DOCKER_HOST` or the default socket, with an image of busybox that needs no network, or `null` where
 * none can be used. With `DOCKERPULSE_TEST_REQUIRE=all` it throws instead, saying why.
 */
export async function openRealEngine(env: NodeJS.ProcessEnv = process.env): Promise<RealEngine | null> {
  const { address, connection } = parseDockerAddress({
    dockerHost: env.DOCKER_HOST,
    certPath: env.DOCKER_CERT_PATH,
    tlsVerify: Boolean(env.DOCKER_TLS_VERIFY),
  })
  const docker = new Docker(connection)
  const run = randomUUID()
  try {
    await docker.ping({ abortSignal: AbortSignal.timeout(PING_TIMEOUT_MS) } as never)
    await ensureImage(docker)
  } catch (error) {
    const reason = `no Docker engine for tests at ${address}: ${messageOf(error)}`
    if (env.DOCKERPULSE_TEST_REQUIRE === 'all') throw new Error(reason, { cause: error })
    return null
  }
  await removeLabelled(docker, TEST_LABEL, LEFT_OVER_AFTER_SECONDS)

  return {
    docker,
    dockerHost: address,
    image: IMAGE,
    async run(wanted) {
      const created = await docker.createContainer(creation(wanted, run))
      await created.start()
      return created.id
    },
    async remove(id) {
      await docker.getContainer(id).remove({ force: true, v: true })
    },
    async [Symbol.asyncDispose]() {
      await removeLabelled(docker, `${TEST_LABEL}=${run}`, 0)
    },
  }
}

const nanoseconds = (ms: number) => ms * 1e6

function creation(wanted: RealContainer, run: string): Docker.ContainerCreateOptions {
  const { health } = wanted
  return {
    name: wanted.name ?? `dockerpulse-test-${randomUUID().slice(0, 8)}`,
    Image: IMAGE,
    Cmd: wanted.command,
    ...(wanted.user === undefined ? {} : { User: wanted.user }),
    Env: ['PATH=/bin'],
    Labels: { ...wanted.labels, [TEST_LABEL]: run },
    ...(wanted.stopTimeoutSeconds === undefined ? {} : { StopTimeout: wanted.stopTimeoutSeconds }),
    ...(health === undefined
      ? {}
      : {
          Healthcheck: {
            Test: ['CMD-SHELL', health.command],
            Interval: nanoseconds(health.intervalMs),
            Retries: health.retries,
            Timeout: nanoseconds(health.timeoutMs ?? 0),
            StartPeriod: nanoseconds(health.startPeriodMs ?? 0),
          },
        }),
    HostConfig: {
      ReadonlyRootfs: wanted.readOnly ?? false,
      ...(wanted.memoryBytes === undefined ? {} : { Memory: wanted.memoryBytes, MemorySwap: wanted.memoryBytes }),
      ...(wanted.cpuCores === undefined ? {} : { NanoCpus: Math.round(wanted.cpuCores * 1e9) }),
      ...(wanted.pidsLimit === undefined ? {} : { PidsLimit: wanted.pidsLimit }),
      RestartPolicy: { Name: wanted.restartPolicy ?? 'no' },
      ...(wanted.network === undefined ? {} : { NetworkMode: wanted.network }),
    },
    ...(wanted.network === undefined || wanted.aliases === undefined
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [wanted.network]: { Aliases: wanted.aliases } } } }),
  }
}
