import { AppError, messageOf } from '../../server/errors.ts'
import { openDockerInjector } from '../inject/docker-injector.ts'
import { JOURNAL_FOLDER } from '../inject/journal.ts'
import type { Injector } from '../injector.ts'
import { openRealEngine, type RealEngine } from '../real-engine.ts'
import type { Scenario } from '../scenario.ts'
import { compressed } from './compressed.ts'
import { openDockerStage } from './docker-stage.ts'
import { runExperiment } from './experiment.ts'
import { gradeRecording } from './grade.ts'
import { openRefusingProxy } from './refusing-proxy.ts'
import { openServiceUnderTest } from './service-under-test.ts'
import type { Drilled } from './simulated-drill.ts'
import { runNeighbour } from './web-server.ts'

/** On a real engine time is dear: what grows grows so much faster. */
const FACTOR = 2.5
/** Experiments at once: their victims stay below the share of the host at which the guard keeps its hands off. */
const LANES = 5
const NEIGHBOURS = 18

/** These concern the whole host: they come last, one at a time. */
const isAlone = ({ fault }: Scenario) => fault.kind === 'noisy-neighbour' || fault.kind === 'engine-refuses'

type Parts = { real: RealEngine; injector: Injector; say: (text: string) => void; signal: AbortSignal }

type Outcome = ({ calibration: string } & Drilled['graded'][number]) | Drilled['skipped'][number]

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
 * end. Throws AppError where there is no engine.
 */
export async function drillOnDocker(options: {
  scenarios: readonly Scenario[]
  signal: AbortSignal
  say: (text: string) => void
}): Promise<Drilled> {
  const { scenarios, signal, say } = options
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

  const graded: Drilled['graded'] = []
  const skipped: Drilled['skipped'] = []
  let calibration = ''
  let done = 0
  const drill = async (scenario: Scenario) => {
    const outcome: Outcome = await (scenario.fault.kind === 'engine-refuses'
      ? drillRefusal(scenario, { real, injector, say, signal })
      : drillOne(scenario, service.url, { real, injector, say, signal }, null)
    ).catch((error) => ({ scenario: scenario.name, reason: messageOf(error) }))
    done += 1
    if ('reason' in outcome) {
      skipped.push(outcome)
      say(`[${done}/${scenarios.length}] ${scenario.name}: not done: ${outcome.reason}`)
      return
    }
    calibration = outcome.calibration
    graded.push({ recording: outcome.recording, grade: outcome.grade })
    say(`[${done}/${scenarios.length}] ${scenario.name}: ${outcome.grade.mark}, ${outcome.grade.points} points`)
  }
  const quick = scenarios.map((scenario) => compressed(scenario, FACTOR))
  const together = quick.filter((one) => !isAlone(one)).sort((a, b) => b.watchSeconds - a.watchSeconds)
  const lane = async () => {
    for (let next = together.shift(); next !== undefined && !signal.aborted; next = together.shift()) await drill(next)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  for (const one of quick.filter(isAlone)) if (!signal.aborted) await drill(one)
  const order = new Map(scenarios.map(({ name }, index) => [name, index]))
  graded.sort((a, b) => order.get(a.grade.scenario)! - order.get(b.grade.scenario)!)
  return { graded, skipped, calibration }
}
