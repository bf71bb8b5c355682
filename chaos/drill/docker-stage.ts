import { randomUUID } from 'node:crypto'
import { createDockerEngine } from '../../server/collect/docker-engine.ts'
import { openTcpProxy, type TcpProxy, type TcpWeather } from '../inject/tcp-proxy.ts'
import type { Injection, Injector, Victim } from '../injector.ts'
import type { RealEngine } from '../real-engine.ts'
import type { ChaosFault } from '../scenario.ts'
import type { Role } from './recording.ts'
import { calibrationOf, type Stage } from './stage.ts'
import { addressOf, PREFIX, removeNamed, runWebServer } from './web-server.ts'

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
    async inject(fault, victim, options): Promise<Injection> {
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
      return injector.inject(fault, victim, options)
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
  const { IPAM } = (await real.docker.getNetwork('bridge').inspect()) as {
    IPAM: { Config: { Gateway?: string }[] }
  }
  const gateway = IPAM.Config.find(({ Gateway }) => Gateway !== undefined)?.Gateway ?? '172.17.0.1'
  const dependency = await runWebServer(real, { name: `${PREFIX}dependency-${run}` })
  parts.defer(() => removeNamed(real, dependency.name))
  const target = await addressOf(real, dependency.id)

  const openVictim = async (role: Role): Promise<{ victim: Victim; hop: TcpProxy }> => {
    const hop = parts.use(await openTcpProxy({ listen: { host: gateway }, target, random: Math.random }))
    const name = `${PREFIX}${role}-${run}`
    const victim = await runWebServer(real, {
      name,
      asks: { host: gateway, port: hop.port },
      labels: { 'dockerpulse.chaos': 'allowed', 'dockerpulse.mode': role === 'guarded' ? 'auto' : 'observe' },
    })
    parts.defer(() => removeNamed(real, name))
    return { victim, hop }
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
    isForeign: (name) => !name.startsWith(`${PREFIX}neighbour`) && !name.endsWith(run),
    now: () => Date.now(),
    async second() {
      second += 1
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, beganAt + second * 1_000 - performance.now())))
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}
