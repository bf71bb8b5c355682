import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openApp } from '../server/app.ts'
import { parseConfig } from '../server/config.ts'
import type { ContainerView } from '../server/contracts/api.ts'
import { AppError } from '../server/errors.ts'
import { createLog } from '../server/log.ts'
import { DEMO_FAULTS, type Fault } from './faults.ts'
import { openDockerInjector } from './inject/docker-injector.ts'
import { JOURNAL_FOLDER } from './inject/journal.ts'
import type { ChaosFault } from './scenario.ts'
import { openSimulatedEngine } from './simulated-engine.ts'
import type { WatchedService } from './stress-demo-service.ts'
import { clean } from './stress-demo-terminal.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
/** What belongs to the log and may be given away; the signing key stays behind. */
const SECRET_OF_LOG = 'key.pem'
const LEAK: ChaosFault = { kind: 'memory-leak', shareOfLimitPerSecond: 0.02, shape: 'steady' }
/** The fault ends by itself after this, whatever becomes of the demo. */
const LEAK_SECONDS = 180

/** Where the play is given. Disposing it takes every fault back and stops what it started. */
export type DemoStage = AsyncDisposable & {
  /** Whose failure is awaited; `null`: whoever is next in the script of a running demo. */
  readonly victim: string | null
  /** Seconds of the service's clock per second. */
  readonly speed: number
  /** How long the calm is shown, and how long trouble and cure are waited for, in seconds of the service's clock. */
  readonly calmSeconds: number
  readonly patienceSeconds: number
  attack(): Promise<void>
  /** `false` where there is nothing left to take back. */
  takeBack(): Promise<boolean>
  /** Copies the audit log below `folder`, which then is a data folder for `npm run verify`; `false` where it is elsewhere. */
  keepLog(folder: string): boolean
}

/** The dashboard is built where it is missing, as `npm run demo` does it. */
async function prepare(signal: AbortSignal): Promise<void> {
  const child = spawn(process.execPath, ['scripts/prepare.ts'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  const stop = () => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  signal.removeEventListener('abort', stop)
  signal.throwIfAborted()
  if (code !== 0) throw new AppError('the dashboard could not be built: see above, then "npm run build"')
}

/**
 * `npm run demo` with its first fault at the presenter's word instead of after 20 s: the same service on the same simulated
 * fleet, on a free port of this machine, in this process so that nothing of it can outlive it.
 */
export async function openSimulatedDemo(options: {
  speed: number
  env: NodeJS.ProcessEnv
  signal: AbortSignal
}): Promise<DemoStage & { readonly url: string }> {
  const { speed, env, signal } = options
  await prepare(signal)
  await using parts = new AsyncDisposableStack()
  const scratch = mkdtempSync(join(tmpdir(), 'dockerpulse-stress-demo-'))
  parts.defer(() => rmSync(scratch, { recursive: true, force: true }))
  const socketPath = join(scratch, 'engine.sock')
  const engine = parts.use(await openSimulatedEngine({ socketPath, speed, faults: 'none' }))
  const dataFolder = join(scratch, 'data')
  const model = ['OLLAMA_HOST', 'OLLAMA_MODEL'].filter((name) => env[name] !== undefined)
  const config = parseConfig({
    DOCKERPULSE_MODE: 'auto',
    DOCKERPULSE_COOLDOWN_SECONDS: '60',
    // The engine is in this process, too, and its work is not what watching costs.
    DOCKERPULSE_CPU_BUDGET: '1',
    DOCKERPULSE_LOG_LEVEL: 'silent',
    DOCKERPULSE_PORT: '0',
    DOCKERPULSE_DATA: dataFolder,
    DOCKER_HOST: engine.dockerHost,
    ...Object.fromEntries(model.map((name) => [name, env[name]])),
  })
  const app = parts.use(await openApp({ config, clock: engine.clock, log: createLog(config.logLevel), demo: true }))
  signal.throwIfAborted()
  const { repeatSeconds: _, ...fault } = DEMO_FAULTS[0]! as Fault
  const disposal = parts.move()
  return {
    url: app.url,
    victim: fault.container,
    speed,
    calmSeconds: 20,
    patienceSeconds: 180,
    attack: async () => engine.inject({ ...fault, startSeconds: 0 }),
    // The restart has ended it, or the end of the engine does.
    takeBack: async () => false,
    keepLog(folder) {
      const from = join(dataFolder, 'audit')
      cpSync(from, join(folder, 'audit'), { recursive: true, filter: (path) => basename(path) !== SECRET_OF_LOG })
      return true
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}

/** A `npm run demo` that runs already: its script attacks, all by itself. */
export function watchRunningDemo(victim: string | null): DemoStage {
  return {
    victim,
    speed: 1,
    calmSeconds: 5,
    // Its story begins again every quarter of an hour.
    patienceSeconds: 1_000,
    attack: async () => {},
    takeBack: async () => false,
    keepLog: () => false,
    async [Symbol.asyncDispose]() {},
  }
}

/** Why the service would not heal this container by itself, with what to do, or `null`. */
function reluctance(view: ContainerView, unattended: boolean): string | null {
  const { mode } = view
  if (view.state !== 'running') return `it is ${view.state}: start it first`
  if (view.protectedBecause !== null) return `the service never acts on it: ${clean(view.protectedBecause)}`
  if (view.openIncidentId !== null) return 'an incident is open for it already: wait until it is closed'
  if (view.memoryLimitBytes === null) return 'it has no memory limit, so it cannot run into one: give it one'
  const enough = unattended ? ['auto'] : ['auto', 'approve', 'earned']
  if (enough.includes(mode)) return null
  return `its mode is ${mode}, so ${unattended ? 'nobody would restart it' : 'it would not be restarted'}: start the service with DOCKERPULSE_MODE=auto, or give the container the label dockerpulse.mode=auto`
}

/** A real engine: the fault is injected into a container that has agreed to it. */
export async function openRealStage(options: {
  service: WatchedService
  victim: string
  unattended: boolean
  env: NodeJS.ProcessEnv
}): Promise<DemoStage> {
  const { service, victim: name, unattended, env } = options
  const views = await service.containers()
  const view = views.find((one) => one.name === name)
  if (view === undefined)
    throw new AppError(
      `the service watches no container "${clean(name)}"; it watches: ${views.map((one) => clean(one.name)).join(', ')}`,
    )
  const reason = reluctance(view, unattended)
  if (reason !== null) throw new AppError(`${clean(name)} cannot be the victim: ${reason}`)

  await using parts = new AsyncDisposableStack()
  const injector = parts.use(
    await openDockerInjector({
      dockerHost: env.DOCKER_HOST || undefined,
      journalFolder: JOURNAL_FOLDER,
      now: () => new Date(),
    }),
  )
  const victim = { id: view.id, name }
  const objection = await injector.objection(LEAK, victim)
  if (objection !== null)
    throw new AppError(
      `${clean(name)} cannot be the victim: ${clean(objection)} (those that agreed: docker ps --filter label=dockerpulse.chaos=allowed)`,
    )
  let takeBack = async () => false
  const disposal = parts.move()
  return {
    victim: name,
    speed: 1,
    calmSeconds: 20,
    patienceSeconds: LEAK_SECONDS + 60,
    async attack() {
      const injection = await injector.inject(LEAK, victim, { seconds: LEAK_SECONDS })
      takeBack = async () => {
        await injection.takeBack()
        return true
      }
    },
    takeBack: () => takeBack(),
    keepLog: () => false,
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}
