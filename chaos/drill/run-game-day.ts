import { AppError } from '../../server/errors.ts'
import { openDockerInjector } from '../inject/docker-injector.ts'
import { JOURNAL_FOLDER } from '../inject/journal.ts'
import { openRealEngine } from '../real-engine.ts'
import { openDockerField } from './docker-field.ts'
import { type Field, type GameDayFigures, playGameDay } from './game-day.ts'
import { planGameDay } from './game-day-plan.ts'
import type { EngineKind } from './result.ts'
import { openSimulatedField } from './simulated-field.ts'

const SERVICES = 6
const SAY_EVERY_SECONDS = 60

/** The same bad day twice: with a guard that only looks on, and with one that acts. */
export type GameDay = { engine: EngineKind; seed: number; hours: number; observe: GameDayFigures; auto: GameDayFigures }

/**
 * Plays the same planned day in mode observe and in mode auto, each of `hours`. On a real engine it takes twice that
 * time. Throws AppError where there is no engine.
 */
export async function runGameDay(options: {
  engine: EngineKind
  hours: number
  seed: number
  signal: AbortSignal
  say: (text: string) => void
}): Promise<GameDay> {
  const { engine, hours, seed, signal, say } = options
  const seconds = Math.round(hours * 3_600)
  const strikes = planGameDay({ seconds, services: SERVICES, seed })
  if (strikes.length === 0) throw new AppError('a day so short has no faults: give --hours 0.1 or more')
  await using parts = new AsyncDisposableStack()
  let open: (mode: 'observe' | 'auto') => Promise<Field>
  if (engine === 'sim') open = (mode) => openSimulatedField({ seed, mode, services: SERVICES })
  else {
    const real = await openRealEngine()
    if (real === null) throw new AppError('no Docker engine answers: start one, or set DOCKER_HOST')
    parts.use(real)
    const injector = parts.use(
      await openDockerInjector({ dockerHost: real.dockerHost, journalFolder: JOURNAL_FOLDER, now: () => new Date() }),
    )
    open = (mode) => openDockerField({ real, injector, mode, services: SERVICES })
  }
  const play = async (mode: 'observe' | 'auto'): Promise<GameDayFigures> => {
    await using field = await open(mode)
    say(`Mode ${mode}: ${strikes.length} faults within ${Math.round(seconds / 60)} minutes…`)
    const onSecond = (second: number, failed: number) => {
      if ((second + 1) % SAY_EVERY_SECONDS === 0 && (engine === 'docker' || second + 1 === seconds))
        say(`  minute ${(second + 1) / 60}: ${failed} failed requests`)
    }
    return await playGameDay(field, { strikes, seconds, signal, onSecond })
  }
  const observe = await play('observe')
  return { engine, seed, hours, observe, auto: await play('auto') }
}
