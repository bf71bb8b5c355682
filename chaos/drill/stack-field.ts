import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Injector } from '../injector.ts'
import { openStack } from '../lab/stack.ts'
import type { RealEngine } from '../real-engine.ts'
import type { Field, Measured } from './game-day.ts'
import { createSeconds } from './seconds.ts'
import { openServiceUnderTest } from './service-under-test.ts'

const LOAD = fileURLToPath(new URL('../lab/load/load.ts', import.meta.url))

/** The load generator as a process of this host; `measure` gives what came since it was asked last. */
function openLoad(target: string): Disposable & { measure(): Measured } {
  const child = spawn(process.execPath, [LOAD, '--target', target], { stdio: ['ignore', 'pipe', 'ignore'] })
  let since: Measured = { requests: 0, failed: 0, failedSeconds: 0 }
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { requests, failed, total } = JSON.parse(line) as { requests: number; failed: number; total?: true }
    if (total || requests === 0) return
    since = {
      requests: since.requests + requests,
      failed: since.failed + failed,
      failedSeconds: since.failedSeconds + failed / requests,
    }
  })
  return {
    measure() {
      const measured = since
      since = { requests: 0, failed: 0, failedSeconds: 0 }
      return measured
    },
    [Symbol.dispose]: () => void child.kill('SIGTERM'),
  }
}

/** The shop of docker-compose.yml under load, watched by a service of its own; all of it is taken down at the end. */
export async function openStackField(options: {
  real: RealEngine
  injector: Injector
  mode: 'observe' | 'auto'
  signal: AbortSignal
}): Promise<Field> {
  const { real, injector, mode, signal } = options
  await using parts = new AsyncDisposableStack()
  const { dockerHost } = real
  const stack = parts.use(await openStack({ dockerHost, labels: { 'dockerpulse.mode': mode }, signal }))
  const service = parts.use(await openServiceUnderTest({ DOCKER_HOST: dockerHost }))
  const load = parts.use(openLoad(stack.url))
  const disposal = parts.move()
  return {
    url: service.url,
    services: stack.services,
    injector,
    now: () => Date.now(),
    second: createSeconds(),
    measure: async () => load.measure(),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}
