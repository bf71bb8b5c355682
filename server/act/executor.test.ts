import { describe, expect, test } from 'vitest'
import type { Clock, Engine } from '../contracts/ports.ts'
import type { Container } from '../contracts/telemetry.ts'
import { aContainer } from '../decide/incident-stand-in.ts'
import { EngineError } from '../errors.ts'
import { createExecutor, type Order } from './executor.ts'

const NOW = 1_000_000

const order: Order = {
  deed: { kind: 'restart' },
  stopGraceSeconds: 4,
  plannedAt: NOW - 500,
  containerId: 'a'.repeat(64),
  startedAt: 2_000,
  imageId: aContainer().imageId,
}

/** Runs an order against an engine that tells what was asked of it, in order. */
async function run(
  different: {
    order?: Partial<Order>
    inspect?: () => Promise<Container | null>
    restart?: () => Promise<void>
    checkpoint?: () => void
    now?: number
    stopped?: string
  } = {},
) {
  const asked: string[] = []
  const engine: Pick<Engine, 'inspect' | 'restart'> = {
    async inspect() {
      asked.push('inspect')
      return different.inspect === undefined ? aContainer() : different.inspect()
    },
    async restart(id, { graceSeconds }) {
      asked.push(`restart ${id.slice(0, 4)} within ${graceSeconds} s`)
      await different.restart?.()
    },
  }
  const clock: Clock = { now: () => different.now ?? NOW, sleep: async () => {} }
  const checkpoint = () => {
    asked.push('checkpoint')
    different.checkpoint?.()
  }
  const executor = createExecutor({
    engine: engine as Engine,
    clock,
    checkpoint,
    stopped: () => different.stopped ?? null,
  })
  const outcome = await executor.run({ ...order, ...different.order })
  return { ...outcome, asked }
}

test('a plan that still holds is signed, then done with its own grace', async () => {
  expect(await run()).toEqual({
    outcome: 'executed',
    askedAt: 1_000_000,
    reason: 'restart done in 0.0 s',
    asked: ['inspect', 'checkpoint', 'restart aaaa within 4 s'],
  })
})

describe('nothing is asked of the engine but an inspection where', () => {
  test.each<[string, Parameters<typeof run>[0], string]>([
    ['the plan is older than 10 s', { now: NOW + 10_000 }, 'the plan is older than 10 s'],
    ['the clock was set back since', { now: NOW - 3_600_000 }, 'the plan is older than 10 s'],
    ['the container is gone', { inspect: async () => null }, 'it is gone'],
    [
      'it was started again',
      { inspect: async () => aContainer({ startedAt: 3_000 }) },
      'it was started again meanwhile',
    ],
    [
      'its image changed',
      { inspect: async () => aContainer({ imageId: 'sha256:2' }) },
      'it has another image meanwhile',
    ],
    ['it does not run', { inspect: async () => aContainer({ state: 'exited' }) }, 'it is exited now'],
    ['it is being restarted', { inspect: async () => aContainer({ state: 'restarting' }) }, 'it is restarting now'],
    [
      'the engine cannot be asked',
      { inspect: () => Promise.reject(new EngineError('unreachable', 'no engine at unix:///x')) },
      'no engine at unix:///x',
    ],
  ])('%s', async (_, different, reason) => {
    expect(await run(different)).toEqual({
      outcome: 'refused',
      reason: `not done: ${reason}`,
      asked: ['inspect'],
      askedAt: null,
    })
  })
})

test('an id that is none never reaches the engine', async () => {
  for (const containerId of ['', 'shop-api-1', '../images/prune', 'A'.repeat(64), `${'a'.repeat(64)}/kill`]) {
    expect(await run({ order: { containerId } })).toMatchObject({ outcome: 'refused', asked: [] })
  }
})

test('nothing is done that could not be signed for', async () => {
  const checkpoint = () => {
    throw new Error('no space left on device')
  }
  expect(await run({ checkpoint })).toEqual({
    outcome: 'refused',
    askedAt: null,
    reason: 'not done: no space left on device',
    asked: ['inspect', 'checkpoint'],
  })
})

test('what the engine does not do has failed, with its reason', async () => {
  const restart = () => Promise.reject(new EngineError('refused', '403: the proxy does not allow it'))
  expect(await run({ restart })).toMatchObject({ outcome: 'failed', reason: '403: the proxy does not allow it' })
})

describe('a restart in order that breaks off', () => {
  const ids = { it: 'a'.repeat(64), api: 'b'.repeat(64), web: 'c'.repeat(64) }
  const target = (name: 'api' | 'web') => ({
    id: ids[name],
    name,
    startedAt: 2_000,
    imageId: aContainer().imageId,
    stopGraceSeconds: 1,
  })
  const deed = { kind: 'restart-in-order' as const, dependents: [target('api'), target('web')] }

  /** The engine refuses what is in `broken`; the switch is on from `stoppedAfter` calls on. */
  const breakOff = async (broken: string[], stoppedAfter = Number.POSITIVE_INFINITY) => {
    const asked: string[] = []
    const ask = async (what: string, id: string) => {
      const call = `${what} ${Object.entries(ids).find(([, one]) => one === id)![0]}`
      asked.push(call)
      if (broken.includes(call)) throw new EngineError('refused', `no ${call}`)
    }
    const executor = createExecutor({
      engine: {
        inspect: async () => aContainer(),
        stop: (id: string) => ask('stop', id),
        start: (id: string) => ask('start', id),
      } as unknown as Engine,
      clock: { now: () => NOW, sleep: async () => {} },
      checkpoint: () => {},
      stopped: () => (asked.length >= stoppedAfter ? 'a test' : null),
    })
    return { ...(await executor.run({ ...order, deed })), asked }
  }

  test('starts again what it had stopped, in order', async () => {
    expect(await breakOff(['stop it'])).toEqual({
      outcome: 'failed',
      askedAt: 1_000_000,
      reason: 'no stop it',
      asked: ['stop web', 'stop api', 'stop it', 'start api', 'start web'],
    })
  })

  test('says what it could not start again', async () => {
    expect(await breakOff(['stop it', 'start api'])).toMatchObject({ reason: 'no stop it; left stopped: api' })
  })

  test('does nothing more where the stop switch is the reason, and says what is down', async () => {
    expect(await breakOff([], 1)).toEqual({
      outcome: 'failed',
      askedAt: 1_000_000,
      reason: 'the stop switch is on: a test; left stopped: web',
      asked: ['stop web'],
    })
  })
})
