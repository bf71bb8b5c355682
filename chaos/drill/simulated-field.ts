import type { Victim } from '../injector.ts'
import { isAlive, type SimulatedContainer } from '../simulated-container.ts'
import { type Field, measureEach } from './game-day.ts'
import { openSimulatedGround } from './simulated-ground.ts'

/** A service that was just started does not answer yet. */
const WARM_AFTER_MS = 2_000
/** Of its PID limit: from here on it cannot take a request. */
const NO_PID_LEFT_SHARE = 0.97

function serves(container: SimulatedContainer, nowMs: number): boolean {
  if (!isAlive(container) || container.status !== 'running' || container.dying) return false
  if (nowMs - container.process.startedAtMs < WARM_AFTER_MS) return false
  const { pidsLimit } = container.spec
  if (pidsLimit !== null && container.process.pids >= pidsLimit * NO_PID_LEFT_SHARE) return false
  return !container.faults.some(({ kind }) => kind === 'hang')
}

/** So many services on a simulated host; a request is answered where the process runs, is warm and does not hang. */
export async function openSimulatedField(options: {
  seed: number
  mode: 'observe' | 'auto'
  services: number
}): Promise<Field> {
  const names = Array.from({ length: options.services }, (_, index) => `service-${index + 1}`)
  const ground = await openSimulatedGround({
    seed: options.seed,
    mode: options.mode,
    services: Object.fromEntries(names.map((name) => [name, {}])),
  })
  const services = names.map((name) => ground.find(name).victim)
  const answers = async ({ name }: Victim) => {
    const service = names.find((one) => name.includes(`-${one}-`))!
    return serves(ground.find(service).container, ground.now())
  }
  return {
    url: ground.url,
    injector: ground.injector,
    services,
    now: () => ground.now(),
    second: () => ground.second(),
    measure: () => measureEach(services, answers),
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  }
}
