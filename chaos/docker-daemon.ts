import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from './service-harness.ts'

const START_WITHIN_MS = 30_000
const STOP_WITHIN_MS = 20_000

/** A Docker engine that only its tests use, so that it may be killed. Disposing it ends it and removes all that is its own. */
export type DockerDaemon = AsyncDisposable & {
  /** For `DOCKER_HOST`. */
  readonly dockerHost: string
  /** SIGKILL; its containers run on until it is started again. */
  kill(): Promise<void>
  start(): Promise<void>
  /** SIGSTOP: connections are taken and nothing is answered. */
  hang(): void
  goOn(): void
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    request({ socketPath, path: '/_ping', timeout: 2_000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
      .on('timeout', () => resolve(false))
      .on('error', () => resolve(false))
      .end()
  })
}

/** Unmounts what a daemon that was killed has left mounted, innermost first. */
function unmountBelow(folder: string): void {
  const mounted = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${folder}/`))
  for (const path of mounted.sort().reverse()) execFileSync('umount', ['-l', path])
}

/** Starts `dockerd` with everything in a temporary folder and without networks; containers want `network: 'none'`. */
export async function openDockerDaemon(): Promise<DockerDaemon> {
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-dockerd-'))
  const socketPath = join(folder, 'docker.sock')
  const pidFile = join(folder, 'docker.pid')
  const options = ['--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec'), '--pidfile', pidFile]
  const apart = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--storage-driver', 'vfs']
  const log = openSync(join(folder, 'log'), 'a')
  let daemon: ChildProcess | null = null

  const ended = (one: ChildProcess) =>
    new Promise<void>((resolve) => {
      if (one.exitCode !== null || one.signalCode !== null) resolve()
      else one.once('exit', () => resolve())
    })

  const start = async () => {
    // A number may be another process's by now, or that of one that nobody has buried.
    for (const file of [pidFile, join(folder, 'exec/containerd/containerd.pid')]) rmSync(file, { force: true })
    // In a network of its own: a daemon without a bridge removes the one of the machine's own engine.
    const command = 'PATH=$PATH:/usr/sbin:/sbin exec unshare --net dockerd "$@"'
    daemon = spawn('sh', ['-c', command, 'sh', '-H', `unix://${socketPath}`, ...options, ...apart], {
      stdio: ['ignore', log, log],
    })
    await eventually('the Docker daemon of the tests', START_WITHIN_MS, () => answers(socketPath)).catch((error) => {
      throw new Error(`${error.message}:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`)
    })
  }

  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const one = daemon
    daemon = null
    one?.kill('SIGCONT')
    one?.kill(signal)
    const timer = setTimeout(() => one?.kill('SIGKILL'), STOP_WITHIN_MS)
    if (one !== null) await ended(one)
    clearTimeout(timer)
  }

  const daemonOfTests: DockerDaemon = {
    dockerHost: `unix://${socketPath}`,
    start,
    kill: () => end('SIGKILL'),
    hang: () => void daemon?.kill('SIGSTOP'),
    goOn: () => void daemon?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await end('SIGTERM')
      closeSync(log)
      for (let attempt = 0; ; attempt++) {
        try {
          unmountBelow(folder)
          rmSync(folder, { recursive: true, force: true })
          return
        } catch (error) {
          // containerd ends a moment after the daemon, and still writes until then.
          if (attempt === 20) throw error
          await sleep(200)
        }
      }
    },
  }
  await start().catch(async (error) => {
    await daemonOfTests[Symbol.asyncDispose]()
    throw error
  })
  return daemonOfTests
}
