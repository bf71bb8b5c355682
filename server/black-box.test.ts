import { setTimeout } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createBlackBox } from './black-box.ts'
import { createBlackBoxMemory } from './black-box-memory.ts'
import { createBlackBoxReading } from './black-box-reading.ts'
import { MOST_RECORDING_BYTES, Recording } from './contracts/black-box.ts'
import type { Clock } from './contracts/ports.ts'
import type { Container, EngineEvent } from './contracts/telemetry.ts'
import { aContainer, anAction, anAssessment, anIncident, aSample } from './decide/incident-stand-in.ts'
import { EngineError, StoreError } from './errors.ts'
import type { Tracked } from './guard.ts'
import { createLog } from './log.ts'
import type { History } from './store/history.ts'

const NOW = Date.parse('2026-03-01T12:00:00.000Z')
const ACTION = anAction().id
const INCIDENT = anIncident()

/** The two limits come soon, and far enough apart for a busy machine. */
const clock: Clock = {
  now: () => NOW,
  sleep: (ms, signal) => setTimeout(ms > 1_000 ? 20 : 500, undefined, { signal }).catch(() => {}),
}

const forever = () => new Promise<never>(() => {})

const tracked = (container: Container): Tracked => ({
  container,
  mode: 'shadow',
  protectedBecause: null,
  sample: aSample({ containerId: container.id }),
  assessment: anAssessment(0.1, { containerId: container.id }),
  freshness: 'live',
  openIncidentId: null,
})

const seconds = (containerIds: readonly string[], count: number, value = 0.25): History => {
  const rows = containerIds.flatMap((id) =>
    Array.from({ length: count }, (_, second) => ({ id, at: NOW - second * 1e3 })),
  )
  return {
    container: rows.map(({ id }) => id) as never,
    at: rows.map(({ at }) => at),
    cpuCores: rows.map(() => value),
    workingSetBytes: rows.map(() => 1e9 + value),
  }
}

type Ports = Parameters<typeof createBlackBox>[0] & Parameters<typeof createBlackBoxReading>[0]

function prepare(different: Partial<Ports> = {}, engine: Partial<Ports['engine']> = {}) {
  const saved: Recording[] = []
  const told: { sha256: string; event: string }[] = []
  const containers = new Map([[INCIDENT.containerId, aContainer()]])
  const memory = createBlackBoxMemory()
  const reading = createBlackBoxReading({
    engine: {
      logs: async () => ['heap is full', 'password=hunter2'],
      top: async () => ({ titles: ['PID', 'CMD'], processes: [['1', 'java -Dtoken=mellon']] }),
      inspect: async () => aContainer({ image: 'shop/api:1.5' }),
      ...engine,
    },
    clock,
    memory,
    containers: () => containers,
    tracked: () => [...containers.values()].map(tracked),
    history: async ({ containerIds, stepMs }) => ({ stepMs, seen: seconds(containerIds, 3) }),
    host: () => null,
    ...different,
  })
  const box = createBlackBox({
    reading,
    clock,
    log: createLog('silent'),
    recordings: {
      async save(recording) {
        saved.push(Recording.parse(recording))
        return { number: saved.length, sha256: 'c'.repeat(64), bytes: JSON.stringify(recording).length }
      },
    },
    onKept: ({ moment }, { sha256 }) => void told.push({ sha256, event: moment }),
    ...different,
  })
  onTestFinished(() => box[Symbol.asyncDispose]())
  const well = (container: Container, light = 0.1) =>
    memory.observed(
      [
        {
          containerKey: container.key,
          containerName: container.name,
          sample: aSample({ containerId: container.id }),
          assessment: anAssessment(light, { containerId: container.id }),
        },
      ],
      new Map([[container.id, container]]),
    )
  return { box, memory, saved, told, containers, well }
}

const eventOf = (containerId: string, at: number, kind = 'die'): EngineEvent => ({
  at,
  containerId,
  kind,
  name: 'x',
  exitCode: 1,
  signal: null,
  health: null,
})

describe('a recording', () => {
  test('holds samples, logs, processes, the container, what changed and events, masked; and is told of', async () => {
    const { box, memory, saved, told, well } = prepare()
    well(aContainer())
    well(aContainer({ image: 'shop/api:broken' }), 0.9)
    memory.onEngineEvent(eventOf(INCIDENT.containerId, NOW - 1000, 'oom'), aContainer())
    expect(await box.keep(INCIDENT, 'before-action', ACTION)).toMatchObject({ sha256: 'c'.repeat(64) })
    const [recording] = saved
    expect(recording).toMatchObject({
      incidentId: INCIDENT.id,
      moment: 'before-action',
      actionId: ACTION,
      at: '2026-03-01T12:00:00.000Z',
      logTail: ['heap is full', 'password=<secret>'],
      processes: { titles: ['PID', 'CMD'], processes: [['1', 'java -Dtoken=<secret>']] },
      container: { image: 'shop/api:1.5' },
      changedSinceGood: [{ field: 'image', before: 'shop/api:1.4', after: 'shop/api:1.5' }],
      events: [{ kind: 'oom' }],
      missing: ["host: its kernel's files are not to be seen"],
    })
    expect(recording?.samples).toMatchObject([{ relation: 'self', stepMs: 1000, cpuCores: [0.25, 0.25, 0.25] }])
    expect(told).toEqual([{ sha256: 'c'.repeat(64), event: 'before-action' }])
  })

  test('names each part that failed or hangs, and has the others, within two seconds', async () => {
    const { box, saved } = prepare(
      {},
      {
        logs: forever,
        top: () => {
          throw new EngineError('conflict', 'container \u202eis not running')
        },
        inspect: () => Promise.reject(new EngineError('unreachable', 'no engine')),
      },
    )
    await box.keep(INCIDENT, 'before-action', ACTION)
    expect(saved[0]).toMatchObject({ logTail: [], processes: null, container: { image: 'shop/api:1.4' } })
    expect(saved[0]?.samples).toHaveLength(1)
    expect(saved[0]?.missing).toEqual(
      expect.arrayContaining([
        'logs: not read within 1.5 s',
        'processes: container  is not running',
        'inspect: no engine',
        'changes: it was not seen to run well since the service began',
      ]),
    )
  })

  test('is kept even where nothing can be read at all', async () => {
    const { box, saved, containers } = prepare(
      { history: forever },
      { logs: forever, top: forever, inspect: async () => null },
    )
    containers.clear()
    expect(await box.keep(INCIDENT, 'opened', null)).toHaveProperty('sha256')
    expect(saved[0]).toMatchObject({ samples: [], logTail: [], processes: null, container: null })
    expect(saved[0]?.missing).toHaveLength(6)
  })

  test('is bounded with a thousand containers that all say as much as they can', async () => {
    const long = '"\\é'.repeat(2_000)
    const { box, memory, saved, containers, well } = prepare(
      {
        history: async ({ containerIds, stepMs }) => ({
          stepMs,
          seen: seconds(containerIds, 9e5 / stepMs, 123456789.1234),
        }),
      },
      {
        logs: async () => Array(400).fill(long),
        top: async () => ({ titles: ['PID', 'CMD'], processes: Array(5000).fill(['1', long]) }),
        inspect: async () => aContainer({ image: long, labels: Object.fromEntries(hostileLabels('y')) }),
      },
    )
    const hostileLabels = (value: string) => Array.from({ length: 999 }, (_, n) => [`${n}${long}`, value + long])
    for (let n = 0; n < 1000; n++) {
      const id = n.toString(16).padStart(64, '0')
      const container = aContainer({ id, key: `k${n}`, name: long, labels: { a: long } })
      containers.set(id, container)
      for (let event = 0; event < 60; event++)
        memory.onEngineEvent({ ...eventOf(id, NOW), name: long, kind: long }, container)
    }
    well(aContainer({ labels: Object.fromEntries(hostileLabels('x')) }))
    await box.keep(INCIDENT, 'opened', null)
    const [recording] = saved
    expect(Buffer.byteLength(JSON.stringify(recording))).toBeLessThan(MOST_RECORDING_BYTES)
    expect(recording?.samples.length).toBeGreaterThan(4)
    expect(recording?.samples[0]).toMatchObject({ relation: 'self' })
    expect(recording?.events.length).toBeGreaterThan(10)
  })
})

describe('a disk', () => {
  test('that is full is counted and said; when there is space again, what waited is kept', async () => {
    const disk = { full: true }
    const { box, told } = prepare({
      recordings: {
        async save() {
          if (disk.full) throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
          return { number: 1, sha256: 'c'.repeat(64), bytes: 1 }
        },
      },
    })
    expect(await box.keep(INCIDENT, 'opened', null)).toEqual({ missing: 'ENOSPC: no space left on device' })
    await box.keep(INCIDENT, 'before-action', ACTION)
    expect(box.lost).toEqual({ count: 2, reason: 'ENOSPC: no space left on device' })
    expect(told).toEqual([])
    await box.retry()
    expect(box.lost).toMatchObject({ count: 2 })
    disk.full = false
    await box.retry()
    expect(box.lost).toEqual({ count: 0, reason: null })
    expect(told.map(({ event }) => event)).toEqual(['opened', 'before-action'])
  })

  test('that stays full takes no more memory than a few recordings, and the rest stay counted', async () => {
    const disk = { full: true }
    const { box, told } = prepare({
      recordings: {
        async save() {
          if (disk.full) throw new Error('ENOSPC: no space left on device')
          return { number: 1, sha256: 'c'.repeat(64), bytes: 1 }
        },
      },
    })
    for (let count = 0; count < 20; count++) await box.keep(INCIDENT, 'opened', null)
    disk.full = false
    await box.retry()
    expect(told).toHaveLength(8)
    expect(box.lost).toEqual({ count: 12, reason: null })
  })

  test('that hangs holds no action up; what is kept late is told of then', async () => {
    const gate = Promise.withResolvers<void>()
    const { box, told } = prepare({
      recordings: {
        async save() {
          await gate.promise
          return { number: 1, sha256: 'c'.repeat(64), bytes: 1 }
        },
      },
    })
    await box.beforeAction(INCIDENT, ACTION)
    expect(told).toEqual([])
    gate.resolve()
    await box[Symbol.asyncDispose]()
    expect(told).toHaveLength(1)
  })

  test('is not blamed for a recording that is one too many', async () => {
    const { box } = prepare({ recordings: { save: () => Promise.reject(new StoreError('has 20 already')) } })
    expect(await box.keep(INCIDENT, 'opened', null)).toEqual({ missing: 'has 20 already' })
    expect(box.lost).toEqual({ count: 1, reason: null })
  })
})

test('of a host that fails as a whole the engine is asked about a few at a time, and an action does not wait for them', async () => {
  const asking = { now: 0, most: 0 }
  const { box, saved } = prepare(
    {},
    {
      async logs() {
        asking.now += 1
        asking.most = Math.max(asking.most, asking.now)
        await setTimeout(2)
        asking.now -= 1
        return []
      },
    },
  )
  const all = Array.from({ length: 300 }, () => box.keep(INCIDENT, 'opened', null))
  await box.keep(INCIDENT, 'before-action', ACTION)
  expect(saved.filter(({ moment }) => moment === 'opened').length).toBeLessThan(20)
  const kept = await Promise.all(all)
  expect(asking.most).toBeLessThanOrEqual(5)
  expect(kept.filter((one) => 'missing' in one).length).toBe(300 - 204)
})

test('an incident that opens and is acted upon at once has its opening first, however long that takes to read', async () => {
  let calls = 0
  const { box, saved } = prepare({}, { logs: async () => (calls++ === 0 ? forever() : []) })
  await Promise.all([box.keep(INCIDENT, 'opened', null), box.keep(INCIDENT, 'before-action', ACTION)])
  expect(saved.map(({ moment }) => moment)).toEqual(['opened', 'before-action'])
})

describe('what is remembered', () => {
  const seen = (container: Container, probability: number | null = 0.1) => {
    const memory = createBlackBoxMemory()
    memory.observed(
      [
        {
          containerKey: container.key,
          containerName: container.name,
          sample: aSample(),
          assessment: anAssessment(probability),
        },
      ],
      new Map([[container.id, container]]),
    )
    return memory.goodOf(container.key)
  }

  test('as good is a container that runs, is not unwell, and has a low light', () => {
    expect(seen(aContainer())).toEqual(aContainer())
    expect(seen(aContainer({ health: 'healthy' }))).not.toBeNull()
    expect(seen(aContainer({ health: 'unhealthy' }))).toBeNull()
    expect(seen(aContainer({ health: 'starting' }))).toBeNull()
    expect(seen(aContainer({ state: 'exited' }))).toBeNull()
    expect(seen(aContainer(), 0.6)).toBeNull()
    expect(seen(aContainer(), null)).toBeNull()
  })

  test('of events are those of the container and its project, of the last 15 minutes, of each the newest', () => {
    const memory = createBlackBoxMemory()
    const [self, peer, other] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [string, string, string]
    memory.onEngineEvent(eventOf(self, NOW - 16 * 60_000, 'start'), aContainer())
    memory.onEngineEvent(eventOf(self, NOW - 60_000, 'oom'), aContainer())
    for (let n = 0; n < 500; n++) memory.onEngineEvent(eventOf(peer, NOW - 500 + n), aContainer({ id: peer }))
    memory.onEngineEvent(eventOf(peer, NOW, 'destroy'), undefined)
    memory.onEngineEvent(eventOf(other, NOW), aContainer({ id: other, composeProject: 'wiki' }))
    const events = memory.eventsOf(self, 'shop', NOW)
    expect(events[0]).toMatchObject({ containerId: self, kind: 'oom' })
    expect(events.at(-1)).toMatchObject({ containerId: peer, kind: 'destroy' })
    expect(events).toHaveLength(51)
    expect(memory.eventsOf(self, null, NOW)).toHaveLength(1)
  })

  test('is what is there, and of what is gone the newest, whatever came and went', () => {
    const memory = createBlackBoxMemory()
    const stays = aContainer()
    const idOf = (n: number) => n.toString(16).padStart(64, '0')
    const observe = (container: Container) =>
      memory.observed(
        [
          {
            containerKey: container.key,
            containerName: container.name,
            sample: aSample({ containerId: container.id }),
            assessment: anAssessment(0.1),
          },
        ],
        new Map([stays, container].map((one) => [one.id, one])),
      )
    memory.onEngineEvent(eventOf(stays.id, NOW), stays)
    observe(stays)
    for (let n = 0; n < 1000; n++) {
      const passing = aContainer({ id: idOf(n), key: `passing-${n}` })
      memory.onEngineEvent(eventOf(passing.id, NOW), passing)
      observe(passing)
    }
    expect(memory.goodOf(stays.key)).toBe(stays)
    expect(memory.eventsOf(stays.id, null, NOW)).toHaveLength(1)
    const remembered = Array.from({ length: 1000 }, (_, n) => n).filter((n) => memory.goodOf(`passing-${n}`) !== null)
    expect(remembered[0]).toBe(1000 - remembered.length)
    expect(remembered.length).toBeGreaterThanOrEqual(500)
    expect(remembered.length).toBeLessThanOrEqual(502)
    expect(memory.eventsOf(idOf(0), null, NOW)).toEqual([])
    expect(memory.eventsOf(idOf(999), null, NOW)).toHaveLength(1)
  })

  test('is bounded between two rounds, too', () => {
    const memory = createBlackBoxMemory()
    for (let n = 0; n < 6000; n++) memory.onEngineEvent(eventOf(n.toString(16).padStart(64, '0'), NOW), undefined)
    expect(memory.eventsOf('0'.repeat(64), null, NOW)).toEqual([])
    expect(memory.eventsOf((5999).toString(16).padStart(64, '0'), null, NOW)).toHaveLength(1)
  })
})
