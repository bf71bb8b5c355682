import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openApp } from '../../server/app.ts'
import { parseConfig } from '../../server/config.ts'
import { createLog } from '../../server/log.ts'
import { type ContainerSpec, composeLabels, containerSpec, MIB, PLAIN_WORKLOAD } from '../container-spec.ts'
import { createDirectEngine, type DirectEngine } from '../direct-engine.ts'
import { demoFleet } from '../fleet.ts'
import type { Injector, Victim } from '../injector.ts'
import type { SimulatedContainer } from '../simulated-container.ts'
import { createSimulatedHost } from '../simulated-host.ts'
import { createSimulatedInjector } from '../simulated-injector.ts'
import { createSteppedClock, settle } from '../stepped-clock.ts'
import { DRILL_SETTINGS } from './drill-settings.ts'

/** Any moment will do, but always the same. */
const START_MS = Date.parse('2026-01-05T08:00:00Z')
const HOST = { cores: 8, memoryBytes: 32 * 1024 ** 3 }
const NEIGHBOURS = 12
/** How finely events and decisions are interleaved. */
const STEP_MS = 250
const PROJECT = 'drill'
const IMAGE = 'drill/service:1.0.0'

/** A simulated host in lockstep with the whole program on it. */
export type SimulatedGround = AsyncDisposable & {
  readonly url: string
  readonly engine: DirectEngine
  readonly injector: Injector
  now(): number
  second(): Promise<void>
  /** The newest container of a service. */
  find(service: string): { victim: Victim; container: SimulatedContainer }
}

const nameOf = (service: string) => `${PROJECT}-${service}-1`

function victimSpec(service: string, labels: Record<string, string>): ContainerSpec {
  return containerSpec({
    name: nameOf(service),
    image: IMAGE,
    labels: {
      ...composeLabels({ project: PROJECT, service, number: 1, image: IMAGE, dependsOn: '' }),
      'dockerpulse.chaos': 'allowed',
      ...labels,
    },
    memoryLimitBytes: 256 * MIB,
    cpuLimitCores: 1,
    pidsLimit: 200,
    restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
    healthCheck: {
      test: ['CMD-SHELL', 'wget -qO- http://localhost/health'],
      intervalSeconds: 5,
      timeoutSeconds: 2,
      retries: 3,
      startPeriodSeconds: 0,
    },
    workload: { ...PLAIN_WORKLOAD, memory: { ...PLAIN_WORKLOAD.memory, baseBytes: 40 * MIB } },
  })
}

/**
 * A simulated host with the demo's fleet and these services (name and labels), and the whole program on it. Time goes on
 * only by `second`, and nothing depends on the machine: the same seed gives the same history, byte for byte.
 */
export async function openSimulatedGround(options: {
  seed: number
  mode: 'observe' | 'auto'
  services: Readonly<Record<string, Record<string, string>>>
}): Promise<SimulatedGround> {
  const { seed, mode, services } = options
  await using parts = new AsyncDisposableStack()
  const dataFolder = mkdtempSync(join(tmpdir(), 'dockerpulse-drill-'))
  parts.defer(() => rmSync(dataFolder, { recursive: true, force: true }))
  const clock = createSteppedClock(START_MS)
  const engine = createDirectEngine(() => host)
  const fleet = demoFleet(NEIGHBOURS)
  const host = createSimulatedHost({
    startAtMs: START_MS,
    seed,
    specs: [...fleet, ...Object.entries(services).map(([service, labels]) => victimSpec(service, labels))],
    faults: [],
    ...HOST,
    onEvent: (event) => engine.onEvent(event),
    onTick: () => engine.onTick(),
  })
  const config = parseConfig({
    DOCKERPULSE_DATA: dataFolder,
    DOCKERPULSE_PORT: '0',
    DOCKERPULSE_MODE: mode,
    DOCKERPULSE_SOURCE: 'docker',
    // What the machine is busy with must not change a history.
    DOCKERPULSE_CPU_BUDGET: '1',
    ...DRILL_SETTINGS,
    DOCKERPULSE_LOG_LEVEL: 'silent',
    OLLAMA_HOST: '',
  })
  const app = parts.use(await openApp({ config, clock, log: createLog('silent'), demo: true, engine }))
  const injector = parts.use(
    createSimulatedInjector({ host, neighbour: fleet.at(-1)!.name, refuse: (refused) => engine.refuse(refused) }),
  )
  const disposal = parts.move()
  return {
    url: app.url,
    engine,
    injector,
    now: () => clock.now(),
    async second() {
      const endMs = clock.now() + 1_000
      // The clock goes first: nobody hears of an event before it happens.
      for (let atMs = clock.now() + STEP_MS; atMs <= endMs; atMs += STEP_MS) {
        await clock.advanceTo(atMs)
        host.advanceTo(atMs)
      }
      await settle()
    },
    find(service) {
      const container = [...host.containers.values()].findLast(({ spec }) => spec.name === nameOf(service))!
      return { container, victim: { id: container.id, name: nameOf(service) } }
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}
