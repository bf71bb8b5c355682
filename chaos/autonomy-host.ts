import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IncidentView } from '../server/contracts/api.ts'
import { type DockerDaemon, openDockerDaemon } from './docker-daemon.ts'
import { openRealEngine, type RealContainer, type RealEngine } from './real-engine.ts'
import { eventually, type TestService } from './service-harness.ts'

/** Something that the engine says it did to a container, as it says it. */
export type EngineDeed = { atMs: number; action: string; id: string; name: string }

/** A host of its own for tests of autonomy: the rails judge the host as a whole, so nobody else may run anything on it. */
export type AutonomyHost = AsyncDisposable & {
  readonly daemon: DockerDaemon
  readonly engine: RealEngine
  readonly dockerHost: string
  run(wanted: RealContainer): Promise<string>
  /** Containers that nothing is wrong with, so that shares of the host mean something. */
  runCalm(count: number): Promise<void>
  /** What the engine did to a container so far, in its order. */
  deedsOn(id: string): EngineDeed[]
  /** Runs a command in a container. */
  exec(id: string, ...command: string[]): Promise<void>
}

const UNINTERESTING = /^(exec_|top|attach|resize|create)/

export async function openAutonomyHost(): Promise<AutonomyHost> {
  await using parts = new AsyncDisposableStack()
  const daemon = parts.use(await openDockerDaemon())
  const { dockerHost } = daemon
  const engine = parts.use((await openRealEngine({ DOCKER_HOST: dockerHost, DOCKERPULSE_TEST_REQUIRE: 'all' }))!)
  const deeds: EngineDeed[] = []
  const stream = (await engine.docker.getEvents({ filters: { type: ['container'] } })) as NodeJS.ReadableStream & {
    destroy(): void
  }
  parts.defer(() => stream.destroy())
  stream.on('error', () => {})
  let rest = ''
  stream.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const { Action, Actor, timeNano } = JSON.parse(line)
      if (UNINTERESTING.test(Action)) continue
      deeds.push({ atMs: timeNano / 1e6, action: Action, id: Actor.ID, name: Actor.Attributes.name })
    }
  })
  const run = (wanted: RealContainer) => engine.run({ network: 'none', ...wanted })
  const disposal = parts.move()
  return {
    daemon,
    engine,
    dockerHost,
    run,
    async runCalm(count) {
      for (let index = 0; index < count; index++) await run({ command: ['sleep', '1000'], stopTimeoutSeconds: 0 })
    },
    deedsOn: (id) => deeds.filter((deed) => deed.id === id),
    async exec(id, ...command) {
      const one = await engine.docker.getContainer(id).exec({ Cmd: command, AttachStdout: true, AttachStderr: true })
      const output = await one.start({})
      await new Promise((resolve) => output.once('end', resolve).resume())
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}

/** A folder of the user's own runbooks, by name. */
export function writeRunbooks(runbooks: Record<string, string>): Disposable & { readonly folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-runbooks-'))
  for (const [name, text] of Object.entries(runbooks))
    writeFileSync(join(folder, `${name}.yml`), `name: ${name}\n${text}`)
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** The machine of the tests may be busy with others': no remedy of these is to depend on that. */
export const QUIET_RUNBOOKS = {
  'noisy-neighbour': `title: Not here
enabled: false
trigger: { causes: [unhealthy] }
solutions: [{ action: note }]
escalate: nothing`,
}

/** A health check that fails or passes within two seconds. */
export const quickCheck = (command: string) => ({ command, intervalMs: 1_000, retries: 2 })

/** Sick in its first life and well in the next; it takes `stopSeconds` to stop. */
export const sickOnce = (stopSeconds: number): Pick<RealContainer, 'command' | 'health' | 'stopTimeoutSeconds'> => ({
  command: [
    'sh',
    '-c',
    `if [ -e /first ]; then touch /well; fi; touch /first; trap "sleep ${stopSeconds}; exit 0" TERM; while :; do sleep 0.2; done`,
  ],
  health: quickCheck('test -e /well'),
  stopTimeoutSeconds: stopSeconds + 10,
})

/** What the incidents and the engine tell of a container, for who wonders why a test failed. */
function storyOf(incidents: readonly IncidentView[], deeds: readonly EngineDeed[]): string {
  const told = incidents.flatMap(({ history }) =>
    history.map(({ at, event, text }) => ({ at, text: `${event}: ${text}` })),
  )
  const done = deeds.map(({ atMs, action }) => ({ at: new Date(atMs).toISOString(), text: `engine: ${action}` }))
  return [...told, ...done]
    .sort((a, b) => a.at.localeCompare(b.at))
    .map(({ at, text }) => `${at} ${text}`)
    .join('\n')
}

/** Waits for an incident of a container to be as wanted. */
export async function incidentOf(
  { service, host, id }: { service: Pick<TestService, 'incidents'>; host: AutonomyHost; id: string },
  withinMs: number,
  wanted: (incident: IncidentView) => boolean,
): Promise<IncidentView> {
  const own = async () => (await service.incidents()).filter(({ containerId }) => containerId === id)
  try {
    return await eventually('an incident as wanted', withinMs, async () => (await own()).find(wanted))
  } catch (error) {
    throw new Error(`no incident as wanted:\n${storyOf(await own(), host.deedsOn(id))}`, { cause: error })
  }
}

/** The environment of a service that acts alone, soon again, on as many as need it, by the runbooks of a folder. */
export const actingWith = (folder: string) => ({
  DOCKERPULSE_MODE: 'auto',
  DOCKERPULSE_COOLDOWN_SECONDS: '10',
  DOCKERPULSE_BUDGET_SHARE: '1',
  DOCKERPULSE_RUNBOOKS: folder,
})
