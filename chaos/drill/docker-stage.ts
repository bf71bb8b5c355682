import { randomUUID } from 'node:crypto'
import { createDockerEngine } from '../../server/collect/docker-engine.ts'
import { openTcpProxy, type TcpProxy, type TcpWeather } from '../inject/tcp-proxy.ts'
import type { Injection, Injector, Victim } from '../injector.ts'
import type { RealEngine } from '../real-engine.ts'
import type { ChaosFault } from '../scenario.ts'
import type { Role } from './recording.ts'
import { calibrationOf, type Stage } from './stage.ts'

const MIB = 1024 * 1024
const PORT = 8080
const PREFIX = 'drill-'

/** A small web server whose health check asks what it depends on, too. */
const SERVE = 'mkdir -p /www && echo ok > /www/health && exec httpd -f -p 8080 -h /www'
/** Debian's static busybox cannot look up names, so its wget ends in a fault; nc need not. */
const asks = (host: string, port: number) =>
  `printf 'GET /health HTTP/1.0\\r\\n\\r\\n' | nc -w 1 ${host} ${port} | grep -q ok`

/** A container that every experiment leaves alone, to be among. */
export const runNeighbour = (real: RealEngine, number: number): Promise<string> =>
  real.run({
    name: `${PREFIX}neighbour-${number}-${randomUUID().slice(0, 6)}`,
    command: ['sh', '-c', 'while :; do sleep 1; done'],
    memoryBytes: 64 * MIB,
    cpuCores: 0.5,
  })

/** Faults of the way to a dependency are done to the hop between: the kernel need not know netem. */
function weatherOf(fault: ChaosFault): Partial<TcpWeather> | null {
  if (fault.kind === 'network-delay') return { delayMs: fault.delayMs }
  if (fault.kind === 'network-loss') return { lossShare: fault.share }
  return fault.kind === 'dependency-down' ? { down: true } : null
}

/** Does the faults of the network to a victim's own hop, the refusals to the way to the engine, and the rest by `injector`. */
function stageInjector(
  injector: Injector,
  hopOf: (victim: Victim) => TcpProxy,
  refuse: ((refused: boolean) => void) | null,
): Injector {
  return {
    objection: async (fault, victim) =>
      weatherOf(fault) !== null || (fault.kind === 'engine-refuses' && refuse !== null)
        ? null
        : injector.objection(fault, victim),
    describe: (fault, victim) => injector.describe(fault, victim),
    async inject(fault, victim): Promise<Injection> {
      const weather = weatherOf(fault)
      if (weather !== null) {
        const hop = hopOf(victim)
        hop.setWeather(weather)
        const what = `the hop between ${victim.name} and its dependency: ${JSON.stringify(weather)}`
        return { what, takeBack: async () => hop.setWeather({}) }
      }
      if (fault.kind === 'engine-refuses' && refuse !== null) {
        refuse(true)
        return { what: 'the way to the engine refuses (403)', takeBack: async () => refuse(false) }
      }
      return injector.inject(fault, victim)
    },
    // It belongs to the drill.
    async [Symbol.asyncDispose]() {},
  }
}

/**
 * Two victims on a real engine with a dependency behind a hop of the drill's own, watched by the service at `url`. They are
 * removed at the end.
 */
export async function openDockerStage(options: {
  real: RealEngine
  url: string
  injector: Injector
  refuse: ((refused: boolean) => void) | null
}): Promise<Stage> {
  const { real, url, injector, refuse } = options
  await using parts = new AsyncDisposableStack()
  const run = randomUUID().slice(0, 6)
  const remove = (id: string) => real.remove(id).catch(() => {})
  const { IPAM } = (await real.docker.getNetwork('bridge').inspect()) as {
    IPAM: { Config: { Gateway?: string }[] }
  }
  const gateway = IPAM.Config.find(({ Gateway }) => Gateway !== undefined)?.Gateway ?? '172.17.0.1'
  const dependency = await real.run({
    name: `${PREFIX}dependency-${run}`,
    command: ['sh', '-c', SERVE],
    memoryBytes: 64 * MIB,
    restartPolicy: 'unless-stopped',
  })
  parts.defer(() => remove(dependency))
  const { NetworkSettings } = await real.docker.getContainer(dependency).inspect()
  const target = { host: NetworkSettings.Networks.bridge!.IPAddress, port: PORT }

  const openVictim = async (role: Role): Promise<{ victim: Victim; hop: TcpProxy }> => {
    const hop = parts.use(await openTcpProxy({ listen: { host: gateway }, target, random: Math.random }))
    const name = `${PREFIX}${role}-${run}`
    const id = await real.run({
      name,
      command: ['sh', '-c', SERVE],
      memoryBytes: 96 * MIB,
      cpuCores: 0.25,
      pidsLimit: 60,
      restartPolicy: 'unless-stopped',
      labels: { 'dockerpulse.chaos': 'allowed', ...(role === 'watched' && { 'dockerpulse.mode': 'observe' }) },
      stopTimeoutSeconds: 1,
      health: {
        command: `${asks('127.0.0.1', PORT)} && ${asks(gateway, hop.port)}`,
        intervalMs: 2_000,
        timeoutMs: 2_000,
        retries: 3,
      },
    })
    // A victim that was replaced in between has another id.
    parts.defer(async () => {
      const found = await real.docker.listContainers({ all: true, filters: { name: [name] } })
      await Promise.all(found.map(({ Id }) => remove(Id)))
    })
    return { victim: { id, name }, hop }
  }
  const guarded = await openVictim('guarded')
  const watched = await openVictim('watched')
  const hopOf = ({ name }: Victim) => (name === guarded.victim.name ? guarded.hop : watched.hop)
  const engine = createDockerEngine({ dockerHost: real.dockerHost })
  const calibration = await calibrationOf(url)
  const disposal = parts.move()
  const beganAt = performance.now()
  let second = 0
  return {
    url,
    engine,
    injector: stageInjector(injector, hopOf, refuse),
    victims: { guarded: guarded.victim, watched: watched.victim },
    calibration,
    isForeign: (name) => name.startsWith(PREFIX) && !name.endsWith(run) && !name.startsWith(`${PREFIX}neighbour`),
    now: () => Date.now(),
    async second() {
      second += 1
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, beganAt + second * 1_000 - performance.now())))
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}
