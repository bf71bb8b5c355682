import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Mode } from './contracts/incident.ts'
import { BUDGET_WINDOW_MS } from './decide/rails.ts'
import { aFleet, createGuardedHost, idOf } from './guard-stand-in.ts'

const FLEET = 8
const OWN = idOf(7)
const IGNORED = idOf(8)
const HOUR_MS = 3_600_000
const modes = fc.constantFrom<Mode>('auto', 'auto', 'auto', 'approve', 'earned', 'shadow', 'observe')
const who = fc.integer({ min: 1, max: FLEET }).map(idOf)

const happening = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ happens: fc.constant('rounds' as const), seconds: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 5, arbitrary: fc.record({ happens: fc.constant('unhealthy' as const), who }) },
  { weight: 2, arbitrary: fc.record({ happens: fc.constant('healthy' as const), who }) },
  { weight: 1, arbitrary: fc.record({ happens: fc.constant('oom' as const), who, twice: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ happens: fc.constant('restarted-by-somebody' as const), who }) },
  { weight: 1, arbitrary: fc.record({ happens: fc.constant('replaced' as const), who }) },
  { weight: 1, arbitrary: fc.record({ happens: fc.constant('stopped-by-operator' as const), who }) },
  { weight: 1, arbitrary: fc.record({ happens: fc.constant('mode' as const), mode: modes }) },
  { weight: 1, arbitrary: fc.record({ happens: fc.constant('switch' as const), on: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      happens: fc.constant('engine' as const),
      state: fc.constantFrom('ok' as const, 'down' as const),
      fails: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ happens: fc.constant('hold' as const) }) },
  { weight: 1, arbitrary: fc.record({ happens: fc.constant('release' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ happens: fc.constant('time-passes' as const), ms: fc.integer({ min: 0, max: 400_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      happens: fc.constant('answer' as const),
      word: fc.constantFrom('approve' as const, 'reject' as const),
    }),
  },
)

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never

/** Lives through what happens, and holds each write to the engine against the invariants. */
async function live(happenings: readonly Happening[], first: Mode, atTheEnd?: (host: Host) => Promise<void>) {
  const fleet = aFleet(FLEET, (index) => (index === 7 ? { labels: { 'dockerpulse.ignore': 'true' } } : {}))
  const host = createGuardedHost(fleet, { mode: first, ownContainerId: OWN })
  let release = () => {}
  let stopped = false
  let checked = 0
  const approved = new Set<string>()
  const alone: { containerId: string; atMs: number }[] = []
  await host.rounds(2)

  const check = () => {
    for (const write of host.writes.slice(checked)) {
      expect(write.signed, 'signed before it was done').toBe(true)
      expect(write.audited, 'its intent was written down').toContain(write.containerId)
      expect([OWN, IGNORED], 'never the program itself, nor what is labelled').not.toContain(write.containerId)
      expect(stopped, 'the stop switch is off').toBe(false)
      if (approved.delete(write.containerId)) continue
      expect(['auto', 'earned'], 'alone only where that is allowed').toContain(host.mode)
      expect(host.mode, 'nothing was earned').toBe('auto')
      alone.push({ containerId: write.containerId, atMs: write.atMs })
      const lately = alone.filter(({ atMs }) => write.atMs - atMs < BUDGET_WINDOW_MS)
      expect(new Set(lately.map(({ containerId }) => containerId)).size, 'the budget of a host of eight is one').toBe(1)
      const own = alone.filter((one) => one.containerId === write.containerId && write.atMs - one.atMs < HOUR_MS)
      expect(own.length, 'three an hour').toBeLessThanOrEqual(3)
    }
    checked = host.writes.length
  }

  for (const one of happenings) {
    switch (one.happens) {
      case 'rounds':
        for (let second = 0; second < one.seconds; second++) {
          await host.rounds(1)
          check()
        }
        break
      case 'unhealthy':
        host.change(one.who, { health: 'unhealthy', healthFailingStreak: 3 })
        host.event(one.who, 'health_status', { health: 'unhealthy' })
        break
      case 'healthy':
        host.change(one.who, { health: 'healthy', healthFailingStreak: 0 })
        host.event(one.who, 'health_status', { health: 'healthy' })
        break
      case 'oom':
        for (let time = 0; time < (one.twice ? 2 : 1); time++) host.event(one.who, 'oom')
        break
      case 'restarted-by-somebody':
        host.change(one.who, { startedAt: host.nowMs })
        break
      case 'replaced': {
        const container = host.inventory.get(one.who)
        if (container !== undefined) host.change(one.who, { imageId: `sha256:${host.nowMs}`, startedAt: host.nowMs })
        break
      }
      case 'stopped-by-operator':
        host.event(one.who, 'kill', { signal: 15 })
        host.event(one.who, 'die', { exitCode: 0 })
        host.event(one.who, 'stop')
        host.event(one.who, 'start')
        break
      case 'mode':
        host.setMode(one.mode)
        break
      case 'switch':
        stopped = one.on
        host.setStop(one.on ? 'an operator asked for it' : null)
        break
      case 'engine':
        host.setEngine(one.state)
        host.setFails(one.fails)
        break
      case 'hold':
        release()
        release = host.hold()
        break
      case 'release':
        release()
        break
      case 'time-passes':
        host.pass(one.ms)
        break
      case 'answer': {
        const asked = [...host.incidents.values()].find(({ phase }) => phase === 'awaiting-approval')
        const action = asked?.actions.find(({ state }) => state === 'proposed')
        if (asked === undefined || action === undefined) break
        const refusal = host.guard.answer(asked, action.id, one.word, 'operator', '')
        if (refusal === null && one.word === 'approve') approved.add(asked.containerId)
      }
    }
    check()
  }
  release()
  await atTheEnd?.(host)
  return { alone: alone.length, writes: host.writes.length }
}

type Host = ReturnType<typeof createGuardedHost>

test('whatever happens in whatever order, no write to the engine breaks a rule of safety (1,000 lives)', {
  timeout: 120_000,
}, async () => {
  let alone = 0
  let approved = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 20, maxLength: 40, size: 'max' }),
      modes,
      async (happenings, mode) => {
        const done = await live(happenings, mode)
        alone += done.alone
        approved += done.writes - done.alone
      },
    ),
    { numRuns: 1_000 },
  )
  expect(alone, 'the lives are eventful').toBeGreaterThan(50)
  expect(approved, 'operators said yes').toBeGreaterThan(5)
})

test('one incident at most is open for a container, and every incident ends when all is well again', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 10, maxLength: 25, size: 'max' }),
      modes,
      async (happenings, mode) => {
        await live(happenings, mode, async (host) => {
          const open = [...host.incidents.values()].filter(({ closedAt }) => closedAt === null)
          expect(new Set(open.map(({ containerKey }) => containerKey)).size).toBe(open.length)
          host.setEngine('ok')
          host.setFails(false)
          host.setStop(null)
          for (const id of host.inventory.keys())
            host.change(id, { state: 'running', health: 'none', healthFailingStreak: 0 })
          await host.rounds(400)
          expect([...host.incidents.values()].filter(({ closedAt }) => closedAt === null)).toEqual([])
        })
      },
    ),
    { numRuns: 60 },
  )
})
