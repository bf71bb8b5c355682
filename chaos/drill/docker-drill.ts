import { AppError, messageOf } from '../../server/errors.ts'
import { openDockerInjector } from '../inject/docker-injector.ts'
import { JOURNAL_FOLDER } from '../inject/journal.ts'
import type { Injector } from '../injector.ts'
import { openRealEngine, type RealEngine } from '../real-engine.ts'
import type { Scenario } from '../scenario.ts'
import { compressed } from './compressed.ts'
import { openDockerStage } from './docker-stage.ts'
import { createTally, type Drilled, type Outcome } from './drilled.ts'
import { runExperiment } from './experiment.ts'
import { gradeRecording } from './grade.ts'
import { runInLanes } from './lanes.ts'
import { openLifeline } from './lifeline.ts'
import { openRefusingProxy } from './refusing-proxy.ts'
import { openServiceUnderTest, type ServiceUnderTest } from './service-under-test.ts'
import { runNeighbour } from './web-server.ts'

/** On a real engine time is dear: what grows grows so much faster. */
const FACTOR = 2.5
/** Experiments at once: their victims stay below the share of the host at which the guard keeps its hands off. */
const LANES = 5
const NEIGHBOURS = 18
const ANSWER_WITHIN_MS = 10_000

/** These concern the whole host: they come last, one at a time. */
const isAlone = ({ fault }: Scenario) => fault.kind === 'noisy-neighbour' || fault.kind === 'engine-refuses'

type Parts = { real: RealEngine; injector: Injector; signal: AbortSignal }

async function drillOne(
  scenario: Scenario,
  url: string,
  parts: Parts,
  refuse: ((refused: boolean) => void) | null,
): Promise<Outcome> {
  const { real, injector, signal } = parts
  await using stage = await openDockerStage({ real, url, injector, refuse })
  const objection = await stage.injector.objection(scenario.fault, stage.victims.guarded)
  if (objection !== null) return { scenario: scenario.name, reason: objection }
  const recording = await runExperiment(scenario, stage, { signal })
  return { recording, grade: gradeRecording(recording), calibration: stage.calibration }
}

/** The way to the engine is the proxy's alone then, so the figures must come by it, too. */
async function drillRefusal(scenario: Scenario, parts: Parts): Promise<Outcome> {
  const { dockerHost } = parts.real
  if (!dockerHost.startsWith('unix://'))
    return { scenario: scenario.name, reason: 'the engine is not on a Unix socket of this host' }
  await using proxy = await openRefusingProxy(dockerHost.slice('unix://'.length))
  await using service = await openServiceUnderTest({
    DOCKER_HOST: proxy.dockerHost,
    DOCKERPULSE_SOURCE: 'docker',
  })
  return await drillOne(scenario, service.url, parts, (refused) => proxy.refuse(refused))
}

/**
 * Runs scenarios on the engine of `DOCKER_HOST`, several at once, on victims of the drill's own that are removed at the
 * end. Rejects with AppError where there is no engine, and where the engine or the service under test is lost in the
 * middle; `onLost` hears of it at once. What was graded by then was said by `onProgress`.
 */
export async function drillOnDocker(options: {
  scenarios: readonly Scenario[]
  signal: AbortSignal
  say: (text: string) => void
  onProgress?: (soFar: Drilled) => void
  onLost?: () => void
}): Promise<Drilled> {
  const { scenarios, say, onLost } = options
  const real = await openRealEngine()
  if (real === null)
    throw new AppError('no Docker engine answers: start one, or set DOCKER_HOST; --engine sim needs none')
  await using _ = real
  await using parts = new AsyncDisposableStack()
  const injector = parts.use(
    await openDockerInjector({ dockerHost: real.dockerHost, journalFolder: JOURNAL_FOLDER, now: () => new Date() }),
  )
  say(`Starting ${NEIGHBOURS} neighbours and the service…`)
  for (let number = 0; number < NEIGHBOURS; number++) await runNeighbour(real, number)
  const service = parts.use(await openServiceUnderTest({ DOCKER_HOST: real.dockerHost }))
  const lifeline = parts.use(openLifeline({ ask: () => askBoth(real, service), signal: options.signal }))
  const { signal } = lifeline
  signal.addEventListener('abort', () => onLost?.())

  const tally = createTally(options)
  const drill = (scenario: Scenario) =>
    scenario.fault.kind === 'engine-refuses'
      ? drillRefusal(scenario, { real, injector, signal })
      : drillOne(scenario, service.url, { real, injector, signal }, null)
  const quick = scenarios.map((scenario) => compressed(scenario, FACTOR))
  const together = quick.filter((one) => !isAlone(one)).sort((a, b) => b.watchSeconds - a.watchSeconds)
  const common = { lifeline, drill, onOutcome: tally.add }
  await runInLanes({ scenarios: together, lanes: LANES, ...common })
  await runInLanes({ scenarios: quick.filter(isAlone), lanes: 1, ...common })
  if (signal.aborted && !options.signal.aborted) throw signal.reason
  return tally.drilled()
}

/** Rejects with AppError where the engine or the service under test gives no answer. */
async function askBoth(real: RealEngine, service: ServiceUnderTest): Promise<void> {
  if (!service.isRunning()) throw new AppError('the service under test has ended')
  try {
    await real.docker.ping({ abortSignal: AbortSignal.timeout(ANSWER_WITHIN_MS) } as never)
  } catch (error) {
    throw new AppError(`the engine no longer answers: ${messageOf(error)}`)
  }
}
