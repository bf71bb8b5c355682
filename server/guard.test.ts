import { describe, expect, test } from 'vitest'
import { anAction, anIncident } from './decide/incident-stand-in.ts'
import { aFleet, createGuardedHost, idOf } from './guard-stand-in.ts'

const MIB = 1024 ** 2
const unhealthy = { health: 'unhealthy', healthFailingStreak: 3 } as const
const restartsOf = (host: ReturnType<typeof createGuardedHost>) =>
  host.writes.filter(({ call }) => call === 'restart').map(({ containerId }) => containerId)

describe('a hundred containers that fail in the same second', () => {
  test('are a storm: nothing is done by itself, it is written down once, and each has its incident', async () => {
    const host = createGuardedHost(aFleet(100), { mode: 'auto' })
    await host.rounds(5)
    for (const id of host.inventory.keys()) {
      host.change(id, unhealthy)
      host.event(id, 'health_status', { health: 'unhealthy' })
    }
    await host.rounds(30)
    expect(host.writes).toEqual([])
    expect(host.hostNotes).toEqual([
      { event: 'storm.tripped', reason: expect.stringContaining('100 incidents within a minute') },
    ])
    expect([...host.incidents.values()].filter(({ phase }) => phase !== 'resolved')).toHaveLength(100)
    expect(host.guard.brake?.reason).toContain('storm: 100 incidents')
  })
})

test('a hundred that turn critical in the same readings are one, too, before the first of their incidents opens', async () => {
  const host = createGuardedHost(aFleet(100), { mode: 'auto' })
  await host.rounds(5)
  for (const id of host.inventory.keys()) host.change(id, unhealthy)
  await host.rounds(30)
  expect(host.writes).toEqual([])
  expect(host.hostNotes).toHaveLength(1)
})

test('where calm containers are read every 30 s, one whose limit is near is read each second at a low light, too', async () => {
  const host = createGuardedHost(aFleet(2), { mode: 'observe', calmIntervalMs: 30_000 })
  const [leaking, calm] = [idOf(1), idOf(2)]
  await host.rounds(90)
  expect([leaking, calm].map(host.guard.intervalOf)).toEqual([30_000, 30_000])
  await host.rounds(40, (id, second) => (id === leaking ? { unreclaimableBytes: (31 + second) * MIB } : {}))
  const [seen] = host.guard.tracked([host.inventory.get(leaking)!])
  expect(seen!.assessment).toMatchObject({ light: 'low', timeToLimitMs: expect.any(Number) })
  expect([leaking, calm].map(host.guard.intervalOf)).toEqual([1_000, 30_000])
})

describe('the budget', () => {
  test('lets one of ten be restarted in ten minutes, and asks about the next', async () => {
    const host = createGuardedHost(aFleet(10), { mode: 'auto' })
    await host.rounds(3)
    host.change(idOf(1), unhealthy)
    await host.rounds(10)
    expect(restartsOf(host)).toEqual([idOf(1)])
    host.change(idOf(1), { health: 'healthy', healthFailingStreak: 0 })
    await host.rounds(60)
    host.change(idOf(2), unhealthy)
    await host.rounds(10)
    expect(restartsOf(host)).toEqual([idOf(1)])
    const [second] = [...host.incidents.values()].filter(({ containerId }) => containerId === idOf(2))
    expect(second).toMatchObject({ phase: 'awaiting-approval' })
    expect(second?.actions[0]?.reason).toContain('budget: 1 of 10 containers')
  })
})

describe('the stop switch', () => {
  test('lets nothing more happen, also to those in the queue behind an action under way', async () => {
    const host = createGuardedHost(aFleet(4), { mode: 'auto' })
    await host.rounds(3)
    const release = host.hold()
    host.change(idOf(1), unhealthy)
    host.change(idOf(2), unhealthy)
    await host.rounds(8)
    expect(restartsOf(host)).toHaveLength(1)
    host.setStop('an operator asked for it')
    release()
    await host.rounds(120)
    expect(host.writes).toHaveLength(1)
    expect(host.guard.brake).toEqual({
      reason: 'the stop switch is on: an operator asked for it',
      endsWithAWord: false,
    })
    host.setStop(null)
    await host.rounds(20)
    expect(restartsOf(host)).toHaveLength(2)
  })

  test('refuses an approval while it is on', async () => {
    const host = createGuardedHost(aFleet(2), { mode: 'approve' })
    await host.rounds(3)
    host.change(idOf(1), unhealthy)
    await host.rounds(6)
    const [incident] = [...host.incidents.values()]
    host.setStop('we deploy')
    expect(host.guard.answer(incident!, incident!.actions[0]!.id, 'approve', 'operator', '')).toBe(
      'the stop switch is on: we deploy',
    )
    expect(host.writes).toEqual([])
  })
})

describe('who depends on one in trouble', () => {
  test('is left alone while that one is dealt with: its trouble follows from there', async () => {
    const fleet = aFleet(2, (index) =>
      index === 1 ? { labels: { 'com.docker.compose.depends_on': 'service-0:service_healthy:false' } } : {},
    )
    const host = createGuardedHost(fleet, { mode: 'auto' })
    await host.rounds(3)
    const release = host.hold()
    host.change(idOf(1), unhealthy)
    host.change(idOf(2), unhealthy)
    for (const id of [idOf(1), idOf(2)]) host.event(id, 'health_status', { health: 'unhealthy' })
    await host.rounds(10)
    release()
    await host.rounds(3)
    const second = [...host.incidents.values()].find(({ containerId }) => containerId === idOf(2))
    expect(second?.phase).toBe('suppressed')
    expect(second?.history.at(-1)?.text).toContain('follows from the incident of shop-service-0-1')
    expect(host.writes.every(({ containerId }) => containerId === idOf(1) || containerId === idOf(2))).toBe(true)
  })
})

describe('a database that hangs below two of seven', () => {
  const seven = (labels: Record<string, string>) =>
    createGuardedHost(
      aFleet(7, (index) => (index === 4 || index === 5 ? { labels } : {})),
      { mode: 'auto' },
    )
  /** The checks of those that need it are quicker than its own. */
  const hang = async (host: ReturnType<typeof createGuardedHost>) => {
    await host.rounds(3)
    host.change(idOf(1), { healthFailingStreak: 1 })
    for (const id of [idOf(5), idOf(6)]) {
      host.change(id, unhealthy)
      host.event(id, 'health_status', { health: 'unhealthy' })
    }
    await host.rounds(8)
    const before = restartsOf(host)
    host.change(idOf(1), unhealthy)
    host.event(idOf(1), 'health_status', { health: 'unhealthy' })
    await host.rounds(8)
    const incidentsOf = (number: number) =>
      [...host.incidents.values()].find(({ containerId }) => containerId === idOf(number))
    return { before, after: restartsOf(host), database: incidentsOf(1), dependent: incidentsOf(5) }
  }

  test('is restarted, and they are not: they say that they need it', async () => {
    for (const label of ['service-0', 'shop-service-0-1', ' cache, shop-service-0-1,']) {
      const { before, after, database, dependent } = await hang(seven({ 'dockerpulse.depends-on': label }))
      expect(before, label).toEqual([])
      expect(dependent?.phase).toBe('suppressed')
      expect(dependent?.history.some(({ text }) => text.includes('shop-service-0-1, which fails its own'))).toBe(true)
      expect(after).toEqual([idOf(1)])
      expect(database?.phase).toBe('verifying')
    }
  })

  test('is left to a person where nobody says so: three of seven may be the host', async () => {
    for (const labels of [
      {},
      { 'dockerpulse.depends-on': 'shop-service-9-1' },
      { 'com.docker.compose.depends_on': 'service-0:service_completed_successfully:false' },
    ] as Record<string, string>[]) {
      const host = seven(labels)
      const { after } = await hang(host)
      expect(after).not.toContain(idOf(1))
      expect(host.guard.brake?.reason).toContain('3 of 7 containers are in trouble at once')
    }
  })
})

describe('containers of a project that fail of one cause in the same moments', () => {
  const sick = (host: ReturnType<typeof createGuardedHost>, number: number) => {
    host.change(idOf(number), unhealthy)
    host.event(idOf(number), 'health_status', { health: 'unhealthy' })
  }
  const incidentOf = (host: ReturnType<typeof createGuardedHost>, number: number) =>
    [...host.incidents.values()].findLast(({ containerId }) => containerId === idOf(number))

  test('are one while the first is dealt with: the others wait for it, say so, and are looked at afterwards', async () => {
    const host = createGuardedHost(aFleet(12), { mode: 'auto' })
    await host.rounds(3)
    const release = host.hold()
    for (const number of [1, 2, 3]) sick(host, number)
    await host.rounds(15)
    expect(restartsOf(host)).toEqual([idOf(1)])
    for (const number of [2, 3]) {
      expect(incidentOf(host, number)?.phase).toBe('suppressed')
      expect(incidentOf(host, number)?.history.at(-1)?.text).toContain('one with the incident of shop-service-0-1')
    }
    release()
    await host.rounds(5)
    expect(incidentOf(host, 1)?.phase).toBe('verifying')
    expect(incidentOf(host, 2)?.phase).toBe('awaiting-approval')
  })

  /** Its cool-down is not over: it is in trouble again and nothing can be done about it now. */
  const heldUp = async (fleet: Parameters<typeof createGuardedHost>[0]) => {
    const host = createGuardedHost(fleet, { mode: 'auto' })
    await host.rounds(3)
    sick(host, 1)
    await host.rounds(8)
    expect(restartsOf(host)).toEqual([idOf(1)])
    host.change(idOf(1), { health: 'healthy', healthFailingStreak: 0 })
    await host.rounds(60)
    sick(host, 1)
    return host
  }

  test('never wait for one that needs them: that one was only noticed first', async () => {
    // As in a shop whose database hangs: the entrance fails its check before the database does, two steps away.
    const needs = (service: string) => ({
      labels: { 'com.docker.compose.depends_on': `${service}:service_healthy:false` },
    })
    const host = await heldUp(
      aFleet(12, (index) => (index === 0 ? needs('service-1') : index === 1 ? needs('service-2') : {})),
    )
    await host.rounds(2)
    sick(host, 3)
    await host.rounds(3)
    expect(incidentOf(host, 3)?.phase).toBe('awaiting-approval')
    expect(incidentOf(host, 1)?.phase).toBe('suppressed')
    expect(incidentOf(host, 1)?.history.at(-1)?.text).toContain('follows from the incident of shop-service-2-1')
  })

  test('wait no longer than some seconds for a first one that a rail holds up', async () => {
    const host = await heldUp(aFleet(12))
    sick(host, 2)
    await host.rounds(5)
    expect(incidentOf(host, 2)?.phase).toBe('suppressed')
    await host.rounds(12)
    expect(incidentOf(host, 1)?.actions).toEqual([])
    expect(incidentOf(host, 2)?.phase).toBe('awaiting-approval')
  })

  test('are not where the first may not be touched, or another time or project lies between', async () => {
    const fleet = aFleet(12, (index) => {
      if (index === 0) return { labels: { 'dockerpulse.ignore': 'true' } }
      return index === 2 ? { composeProject: 'blog' } : {}
    })
    const host = createGuardedHost(fleet, { mode: 'shadow' })
    await host.rounds(3)
    for (const number of [1, 2, 3]) sick(host, number)
    await host.rounds(15)
    sick(host, 4)
    await host.rounds(5)
    expect([2, 3, 4].map((number) => incidentOf(host, number)?.phase)).toEqual(['proposed', 'proposed', 'proposed'])
  })
})

test('after an end in the middle of a restart nobody else is acted upon until that restart is over', async () => {
  const host = createGuardedHost(aFleet(4), { mode: 'auto' })
  const first = [...host.inventory.values()][0]!
  const begun = anAction({ state: 'executing', startedAt: host.nowMs - 1_000 })
  const cut = anIncident({ containerKey: first.key, containerId: first.id, phase: 'acting', actions: [begun] })
  host.guard.resume([cut], [], [])
  await host.rounds(3)
  host.change(idOf(2), unhealthy)
  await host.rounds(10)
  expect(host.writes).toEqual([])
  host.change(first.id, { startedAt: host.nowMs })
  await host.rounds(5)
  expect(restartsOf(host)).toEqual([idOf(2)])
})

test('in shadow each decision is judged by what came: a risk that passed by itself makes it wrong', async () => {
  const host = createGuardedHost(aFleet(1), { mode: 'shadow' })
  await host.rounds(3)
  host.change(idOf(1), unhealthy)
  await host.rounds(10)
  host.change(idOf(1), { health: 'healthy', healthFailingStreak: 0 })
  await host.rounds(60)
  expect(host.writes).toEqual([])
  expect(host.judgements).toMatchObject([{ kind: 'restart', done: false, outcome: 'wrong' }])
})
