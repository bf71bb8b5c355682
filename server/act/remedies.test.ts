import { describe, expect, test } from 'vitest'
import type { Deed, Target } from '../contracts/incident.ts'
import type { Engine } from '../contracts/ports.ts'
import type { Container, Endpoint } from '../contracts/telemetry.ts'
import { aContainer } from '../decide/incident-stand-in.ts'
import { createExecutor } from './executor.ts'

const NOW = 1_000_000
const SELF = 'a'.repeat(64)
const { imageId, startedAt } = aContainer()
const target = (letter: string): Target => ({
  id: letter.repeat(64),
  name: letter,
  startedAt,
  imageId,
  stopGraceSeconds: 3,
})

/** An executor on an engine that tells what it was asked; `stopAfter` so many writes the switch goes on. */
function prepare({
  stopAfter = Number.POSITIVE_INFINITY,
  gone = '',
  now = {},
  refuses = '',
}: {
  stopAfter?: number
  gone?: string
  now?: Partial<Container>
  refuses?: string
} = {}) {
  const asked: string[] = []
  const note = (call: string) => async (id: string, detail?: unknown) =>
    void asked.push(`${call} ${id[0]}${detail === undefined ? '' : ` ${JSON.stringify(detail)}`}`)
  const engine = {
    inspect: async (id: string) => (id[0] === gone ? null : aContainer({ id, ...now })),
    restart: note('restart'),
    stop: note('stop'),
    start: note('start'),
    pause: note('pause'),
    unpause: note('unpause'),
    updateLimits: note('update'),
    connect: async (id: string, network: string, as?: Endpoint) => {
      await note('connect')(id, as === undefined ? network : { network, ...as })
      if (network === refuses) throw new Error(`no ${network}`)
    },
    disconnect: note('disconnect'),
  } as unknown as Engine
  const executor = createExecutor({
    engine,
    clock: { now: () => NOW, sleep: async () => {} },
    checkpoint() {},
    stopped: () => (asked.length >= stopAfter ? 'an operator asked for it' : null),
  })
  const run = (deed: Deed) =>
    executor.run({ deed, stopGraceSeconds: 4, plannedAt: NOW, containerId: SELF, startedAt, imageId })
  return { asked, run, executor }
}

const inOrder: Deed = { kind: 'restart-in-order', dependents: [target('b'), target('c')] }

describe('each remedy asks the engine for', () => {
  test.each<[Deed, string[]]>([
    [{ kind: 'restart' }, ['restart a {"graceSeconds":4}']],
    [{ kind: 'stop' }, ['stop a {"graceSeconds":4}']],
    [{ kind: 'raise-memory-limit', fromBytes: 100, toBytes: 150 }, ['update a {"memoryBytes":150}']],
    [{ kind: 'raise-cpu-limit', fromCores: 1, toCores: 1.5 }, ['update a {"cpuCores":1.5}']],
    [{ kind: 'pause-neighbour', neighbour: target('d') }, ['pause d']],
    [{ kind: 'isolate', networks: ['one', 'two'] }, ['disconnect a "one"', 'disconnect a "two"']],
    [
      inOrder,
      [
        'stop c {"graceSeconds":3}',
        'stop b {"graceSeconds":3}',
        'stop a {"graceSeconds":4}',
        'start a',
        'start b',
        'start c',
      ],
    ],
  ])('%j', async (deed, calls) => {
    const { asked, run } = prepare()
    expect(await run(deed)).toMatchObject({ outcome: 'executed' })
    expect(asked).toEqual(calls)
  })
})

describe('the stop switch in the middle', () => {
  test('ends it at once, and says what is left stopped', async () => {
    const { asked, run } = prepare({ stopAfter: 2 })
    expect(await run(inOrder)).toEqual({
      outcome: 'failed',
      askedAt: 1_000_000,
      reason: 'the stop switch is on: an operator asked for it; left stopped: c, b',
    })
    expect(asked).toHaveLength(2)
  })

  test('before the first call refuses all', async () => {
    const { asked, run, executor } = prepare({ stopAfter: 0 })
    expect(await run({ kind: 'restart' })).toMatchObject({ outcome: 'refused' })
    const undo = { deed: { kind: 'isolate', networks: ['one'] }, containerId: SELF, usedBytes: null } as const
    expect(await executor.takeBack({ ...undo, deed: { kind: 'isolate', networks: ['one'] } })).toMatchObject({
      outcome: 'failed',
      askedAt: 1_000_000,
    })
    expect(asked).toEqual([])
  })
})

test('nothing is done where another one that it touches was replaced or is gone', async () => {
  const { asked, run } = prepare({ gone: 'c' })
  expect(await run(inOrder)).toEqual({ outcome: 'refused', reason: 'not done: c is gone', askedAt: null })
  expect(asked).toEqual([])
})

describe('taking back', () => {
  const raised: Deed = { kind: 'raise-memory-limit', fromBytes: 100, toBytes: 150 }
  const back = async (deed: Deed, usedBytes: number | null, engine: Parameters<typeof prepare>[0] = {}) => {
    const { asked, executor } = prepare(engine)
    return { ...(await executor.takeBack({ deed, containerId: SELF, usedBytes })), asked }
  }

  test('a limit goes back where what is used and 15 % fit below it, and not where that is unknown', async () => {
    expect(await back(raised, 86)).toMatchObject({ outcome: 'executed', asked: ['update a {"memoryBytes":100}'] })
    expect(await back(raised, 87)).toMatchObject({
      outcome: 'refused',
      askedAt: null,
      reason: 'not done: it uses too much memory now for its own limit',
      asked: [],
    })
    expect(await back(raised, null)).toMatchObject({ outcome: 'refused', asked: [] })
  })

  test('undoes what was done', async () => {
    expect((await back({ kind: 'raise-cpu-limit', fromCores: 1, toCores: 2 }, null)).asked).toEqual([
      'update a {"cpuCores":1}',
    ])
    const paused = { now: { state: 'paused' } } as const
    expect((await back({ kind: 'pause-neighbour', neighbour: target('d') }, null, paused)).asked).toEqual(['unpause d'])
    expect((await back({ kind: 'isolate', networks: ['one'] }, null)).asked).toEqual(['connect a "one"'])
  })

  test('lets it rejoin its networks under the names by which others find it there', async () => {
    const endpoints = { one: { aliases: ['db', 'shop-db-1'], ipv4Address: '172.30.0.9' } }
    expect((await back({ kind: 'isolate', networks: ['one', 'two'], endpoints }, null)).asked).toEqual([
      'connect a {"network":"one","aliases":["db","shop-db-1"],"ipv4Address":"172.30.0.9"}',
      'connect a "two"',
    ])
  })

  test('is done where somebody else did it before', async () => {
    const running = await back({ kind: 'pause-neighbour', neighbour: target('d') }, null)
    expect(running).toMatchObject({ outcome: 'executed', asked: [] })
    const rejoined = await back({ kind: 'isolate', networks: ['one', 'two'] }, null, { now: { networks: ['one'] } })
    expect(rejoined).toMatchObject({ outcome: 'executed', asked: ['connect a "two"'] })
  })

  test('of several networks one that is refused keeps it from no other', async () => {
    const isolated: Deed = { kind: 'isolate', networks: ['one', 'two'] }
    expect(await back(isolated, null, { refuses: 'one' })).toMatchObject({
      outcome: 'failed',
      reason: 'no one',
      asked: ['connect a "one"', 'connect a "two"'],
    })
  })
})
