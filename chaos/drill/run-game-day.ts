import { AppError } from '../../server/errors.ts'
import { openDockerInjector } from '../inject/docker-injector.ts'
import { JOURNAL_FOLDER } from '../inject/journal.ts'
import { stackObjection } from '../lab/stack.ts'
import { openRealEngine } from '../real-engine.ts'
import { openDockerField } from './docker-field.ts'
import { type Field, type GameDayFigures, playGameDay } from './game-day.ts'
import { type FaultMix, planGameDay, STACK_FAULTS } from './game-day-plan.ts'
import type { GameDay, Ground } from './kept-game-days.ts'
import { openLifeline } from './lifeline.ts'
import type { EngineKind } from './result.ts'
import { openSimulatedField } from './simulated-field.ts'
import { openStackField } from './stack-field.ts'
import { calibrationOf } from './stage.ts'

const SERVICES = 6
/** nginx, order-worker, postgres, rabbitmq, redis, shop-api twice. */
const STACK_SERVICES = 7
const SAY_EVERY_SECONDS = 60
const ANSWER_WITHIN_MS = 10_000

type Mode = 'observe' | 'auto'
type Played = Omit<GameDay, 'at' | 'version'>

/** What the faults are done to, and how it is opened for a mode. */
type Venue = { ground: Ground; signal: AbortSignal; open(mode: Mode): Promise<Field> }

async function venueOf(
  parts: AsyncDisposableStack,
  options: { engine: EngineKind; seed: number; signal: AbortSignal; say: (text: string) => void },
): Promise<Venue> {
  const { engine, seed, signal, say } = options
  if (engine === 'sim')
    return { ground: 'simulated', signal, open: (mode) => openSimulatedField({ seed, mode, services: SERVICES }) }
  const real = await openRealEngine()
  if (real === null) throw new AppError('no Docker engine answers: start one, or set DOCKER_HOST')
  parts.use(real)
  const injector = parts.use(
    await openDockerInjector({ dockerHost: real.dockerHost, journalFolder: JOURNAL_FOLDER, now: () => new Date() }),
  )
  const ask = () =>
    real.docker.ping({ abortSignal: AbortSignal.timeout(ANSWER_WITHIN_MS) } as never) as unknown as Promise<unknown>
  const lifeline = parts.use(openLifeline({ ask, signal }))
  const objection = stackObjection()
  if (objection === null)
    return {
      ground: 'stack',
      signal: lifeline.signal,
      open: (mode) => openStackField({ real, injector, mode, signal: lifeline.signal }),
    }
  say(`Not on the stack of docker-compose.yml, but on ${SERVICES} small web servers of its own: ${objection}`)
  return {
    ground: 'web servers',
    signal: lifeline.signal,
    open: (mode) => openDockerField({ real, injector, mode, services: SERVICES }),
  }
}

type Options = {
  engine: EngineKind
  minutes: number
  seed: number
  signal: AbortSignal
  say: (text: string) => void
}

/** A venue with the faults that are planned for it, and how one mode is played on it. */
async function prepareDay(parts: AsyncDisposableStack, options: Options) {
  const { engine, minutes, seed, say } = options
  const seconds = Math.round(minutes * 60)
  const planned = (services: number, faults?: FaultMix) =>
    planGameDay({ seconds, services, seed, ...(faults === undefined ? {} : { faults }) })
  if (planned(SERVICES).length === 0) throw new AppError('a day so short has no faults: give --minutes 6 or more')
  const { ground, signal, open } = await venueOf(parts, options)
  const strikes = ground === 'stack' ? planned(STACK_SERVICES, STACK_FAULTS) : planned(SERVICES)
  if (strikes.length === 0)
    throw new AppError('this seed has no fault in a day so short: give another, or more minutes')
  const play = async (mode: Mode): Promise<{ figures: GameDayFigures; calibration: string }> => {
    say(`Mode ${mode}: ${strikes.length} faults within ${Number(minutes.toFixed(1))} minutes…`)
    await using field = await open(mode)
    const calibration = await calibrationOf(field.url)
    const onSecond = (second: number, failed: number) => {
      if ((second + 1) % SAY_EVERY_SECONDS === 0 && (engine === 'docker' || second + 1 === seconds))
        say(`  minute ${(second + 1) / 60}: ${failed} failed requests`)
    }
    const figures = await playGameDay(field, { strikes, seconds, signal, onSecond })
    if (signal.aborted)
      throw options.signal.aborted
        ? new AppError('the game day was ended before its end')
        : new AppError('the engine no longer answers')
    return { figures, calibration }
  }
  return { ground, play }
}

/** Plays a planned day in one mode. Rejects with AppError where there is no engine, or it is lost. */
export async function playOneMode({ mode, ...options }: Options & { mode: Mode }) {
  await using parts = new AsyncDisposableStack()
  const { play } = await prepareDay(parts, options)
  return await play(mode)
}

/**
 * Plays the same planned day in mode observe and in mode auto, each of `minutes`: on a real engine on the stack of
 * docker-compose.yml under load, where its images are there. `onMode` hears of each mode's figures as they come. Rejects
 * with AppError where there is no engine, or it is lost.
 */
export async function runGameDay({
  onMode,
  ...options
}: Options & { onMode?: (played: Played) => void }): Promise<Played> {
  const { engine, seed, minutes } = options
  await using parts = new AsyncDisposableStack()
  const { ground, play } = await prepareDay(parts, options)
  const played: Played = { engine, ground, seed, minutes, calibration: '', observe: null, auto: null }
  for (const mode of ['observe', 'auto'] as const) {
    const { figures, calibration } = await play(mode)
    played[mode] = figures
    played.calibration = calibration
    onMode?.({ ...played })
  }
  return played
}
