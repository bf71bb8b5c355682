import { openSimulatedGround } from './simulated-ground.ts'
import { calibrationOf, type Stage } from './stage.ts'

/** Two victims on a simulated host, with the program in mode auto; one of them is labelled to be observed only. */
export async function openSimulatedStage({ seed }: { seed: number }): Promise<Stage> {
  const ground = await openSimulatedGround({
    seed,
    mode: 'auto',
    services: { guarded: {}, watched: { 'dockerpulse.mode': 'observe' } },
  })
  return {
    url: ground.url,
    engine: ground.engine,
    injector: ground.injector,
    calibration: await calibrationOf(ground.url),
    isForeign: () => false,
    victims: { guarded: ground.find('guarded').victim, watched: ground.find('watched').victim },
    now: () => ground.now(),
    second: () => ground.second(),
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  }
}
