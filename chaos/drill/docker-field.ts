import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import type { Injector, Victim } from '../injector.ts'
import type { RealEngine } from '../real-engine.ts'
import { type Field, measureEach } from './game-day.ts'
import { createSeconds } from './seconds.ts'
import { openServiceUnderTest } from './service-under-test.ts'
import { addressOf, PREFIX, removeNamed, runNeighbour, runWebServer } from './web-server.ts'

/** Who waits longer has given up. */
const PATIENCE_MS = 900
/** So many calm containers that a bad day of the services is not taken for one of the host. */
const NEIGHBOURS_PER_SERVICE = 2

function ask(address: { host: string; port: number }, name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ ...address, path: '/health', timeout: PATIENCE_MS, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      // Its address may be another one's by now.
      response.on('end', () => resolve(text.trim() === `ok ${name}`))
      response.on('error', () => resolve(false))
    })
    asked.on('timeout', () => asked.destroy())
    asked.on('error', () => resolve(false))
    asked.end()
  })
}

/** So many small web servers on a real engine, watched by a service of their own; they are removed at the end. */
export async function openDockerField(options: {
  real: RealEngine
  injector: Injector
  mode: 'observe' | 'auto'
  services: number
}): Promise<Field> {
  const { real, injector, mode } = options
  await using parts = new AsyncDisposableStack()
  const run = randomUUID().slice(0, 6)
  const services: Victim[] = []
  for (let number = 1; number <= options.services; number++) {
    const name = `${PREFIX}service-${number}-${run}`
    services.push(
      await runWebServer(real, { name, labels: { 'dockerpulse.chaos': 'allowed', 'dockerpulse.mode': mode } }),
    )
    parts.defer(() => removeNamed(real, name))
  }
  for (let number = 0; number < NEIGHBOURS_PER_SERVICE * options.services; number++) await runNeighbour(real, number)
  const service = parts.use(await openServiceUnderTest({ DOCKER_HOST: real.dockerHost }))
  const addresses = new Map<string, { host: string; port: number }>()
  const disposal = parts.move()
  const answers = async ({ id, name }: Victim) => {
    const address = addresses.get(id) ?? (await addressOf(real, id).catch(() => null))
    if (address === null || address.host === '') return false
    addresses.set(id, address)
    const answered = await ask(address, name)
    if (!answered) addresses.delete(id)
    return answered
  }
  return {
    url: service.url,
    injector,
    services,
    now: () => Date.now(),
    second: createSeconds(),
    measure: () => measureEach(services, answers),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}
