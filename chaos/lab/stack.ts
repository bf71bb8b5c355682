import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { AppError, messageOf } from '../../server/errors.ts'
import type { Victim } from '../injector.ts'
import { findCompose, ROOT } from './compose-file.ts'

const ENV_FILE = join(ROOT, '.env.lab')
const PREFIX = 'dockerpulse-drill-stack-'
const HEALTHY_WITHIN_MS = 300_000
const LOOK_EVERY_MS = 2_000
/** What is started; what they depend on comes with them. The load comes from outside. */
const WANTED = ['nginx', 'order-worker']
const SERVICES = ['nginx', 'order-worker', 'postgres', 'rabbitmq', 'redis', 'shop-api'] as const
const CONTAINERS = SERVICES.length + 1

/** The shop of docker-compose.yml. Disposing it takes it down with its volumes. */
export type Stack = AsyncDisposable & {
  /** Its entrance, as this host reaches it. */
  readonly url: string
  /** Its containers, in the order of their names. */
  readonly services: readonly Victim[]
}

/** Why the stack cannot be run here, or `null`. */
export function stackObjection(): string | null {
  if (findCompose() === null) return 'docker-compose is missing: apt-get install docker-compose'
  return existsSync(ENV_FILE) ? null : `${ENV_FILE} is missing: npm run lab-images`
}

/** The port stays the same when the entrance restarts only where it is named. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Runs the stack on the engine at `dockerHost` with these labels on every service, and waits until all of it is healthy. */
export async function openStack(options: {
  dockerHost: string
  labels: Record<string, string>
  signal: AbortSignal
}): Promise<Stack> {
  const { dockerHost, labels, signal } = options
  const objection = stackObjection()
  if (objection !== null) throw new AppError(objection)
  const project = `${PREFIX}${process.pid}`
  const port = await freePort()
  const scratch = mkdtempSync(join(tmpdir(), 'dockerpulse-stack-'))
  const overlay = join(scratch, 'labels.json')
  writeFileSync(overlay, JSON.stringify({ services: Object.fromEntries(SERVICES.map((name) => [name, { labels }])) }))
  const env = { ...process.env, DOCKER_HOST: dockerHost, LAB_PORT: String(port) }
  const run = async (command: string, args: string[]) => {
    const { stdout } = await promisify(execFile)(command, args, { cwd: ROOT, env, maxBuffer: 2 ** 24 })
    return stdout.trim()
  }
  const [program, ...before] = findCompose() ?? ['docker-compose']
  const compose = (name: string, ...args: string[]) =>
    run(program!, [
      ...[...before, '--file', join(ROOT, 'docker-compose.yml'), '--file', overlay],
      ...['--project-name', name, '--env-file', ENV_FILE, '--profile', 'demo', ...args],
    ])
  const docker = (...args: string[]) => run('docker', ['-H', dockerHost, ...args])
  const takeDown = (name: string) => compose(name, 'down', '--volumes', '--timeout', '5')

  await using parts = new AsyncDisposableStack()
  parts.defer(() => rmSync(scratch, { recursive: true, force: true }))
  // Of runs that were killed.
  const projects = await docker('ps', '--all', '--format', '{{.Label "com.docker.compose.project"}}')
  for (const name of new Set(projects.split('\n')))
    if (name.startsWith(PREFIX) && !existsSync(`/proc/${name.slice(PREFIX.length)}`)) await takeDown(name)
  parts.defer(() => takeDown(project).then(() => {}))
  await compose(project, 'up', '--detach', '--no-build', ...WANTED).catch((error) => {
    throw new AppError(`the stack does not start: ${messageOf(error)}`)
  })
  const filter = ['--filter', `label=com.docker.compose.project=${project}`]
  const deadline = Date.now() + HEALTHY_WITHIN_MS
  while ((await docker('ps', '--quiet', ...filter, '--filter', 'health=healthy')).split('\n').length < CONTAINERS) {
    if (Date.now() > deadline) throw new AppError('the stack does not become healthy')
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
  const listed = await docker('ps', '--no-trunc', '--format', '{{.Names}} {{.ID}}', ...filter)
  const services = listed
    .split('\n')
    .map((line) => line.split(' '))
    .map(([name = '', id = '']) => ({ id, name }))
    .sort((a, b) => a.name.localeCompare(b.name))
  const disposal = parts.move()
  return { url: `http://127.0.0.1:${port}`, services, [Symbol.asyncDispose]: () => disposal.disposeAsync() }
}
