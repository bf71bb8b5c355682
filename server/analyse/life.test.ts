import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EngineEvent } from '../contracts/telemetry.ts'
import { aContainer } from '../decide/incident-stand-in.ts'
import { inspected, type Life, newLife, notice } from './life.ts'

const event = (at: number, kind: string, different: Partial<EngineEvent> = {}): EngineEvent => ({
  at,
  containerId: 'a'.repeat(64),
  kind,
  name: 'shop-api-1',
  exitCode: null,
  signal: null,
  health: null,
  ...different,
})

/** What a story of events comes to: the turns in order, and the life after it. */
function live(...events: EngineEvent[]): { turns: string[]; life: Life } {
  let life = newLife()
  const turns: string[] = []
  for (const one of events) {
    const step = notice(life, one)
    life = step.life
    if (step.turn !== null) turns.push(step.turn.kind)
  }
  return { turns, life }
}

const SECOND = 1_000
const MINUTE = 60 * SECOND

describe('the end of a container', () => {
  test('is planned where the engine was asked to stop it: TERM, then KILL after its grace, then exit 137', () => {
    const story = live(
      event(0, 'kill', { signal: 15 }),
      event(10 * SECOND, 'kill', { signal: 9 }),
      event(10 * SECOND, 'die', { exitCode: 137 }),
      event(10 * SECOND, 'stop'),
    )
    expect(story.turns).toEqual(['planned-stop'])
    expect(story.life.signs.crashTimesMs).toEqual([])
  })

  test('is planned where an operator killed it, even by a signal that the engine does not name', () => {
    expect(live(event(0, 'kill', { signal: 9 }), event(5, 'die', { exitCode: 137 })).turns).toEqual(['planned-stop'])
    expect(live(event(0, 'kill'), event(5, 'die', { exitCode: 1 })).turns).toEqual(['planned-stop'])
  })

  test('is a crash where nobody asked', () => {
    const { turns, life } = live(event(7, 'die', { exitCode: 1 }))
    expect(turns).toEqual(['crash'])
    expect(life.signs.crashTimesMs).toEqual([7])
  })

  test('is a crash where somebody only asked it to read its configuration again', () => {
    expect(live(event(0, 'kill', { signal: 1 }), event(SECOND, 'die', { exitCode: 2 })).turns).toEqual(['crash'])
  })

  test('is a crash where it had ignored an INT an hour before', () => {
    expect(live(event(0, 'kill', { signal: 2 }), event(60 * MINUTE, 'die', { exitCode: 1 })).turns).toEqual(['crash'])
  })

  test('is completion with exit code 0', () => {
    expect(live(event(0, 'die', { exitCode: 0 })).turns).toEqual(['completed'])
  })

  test('is a loop the third time within five minutes, and not over a longer time', () => {
    const dieAt = (...minutes: number[]) =>
      live(...minutes.flatMap((at) => [event(at * MINUTE, 'start'), event(at * MINUTE + 1, 'die', { exitCode: 1 })]))
        .turns
    expect(dieAt(0, 2, 4).filter((turn) => turn !== 'started')).toEqual(['crash', 'crash', 'crash-loop'])
    expect(dieAt(0, 3, 6, 9).filter((turn) => turn !== 'started')).toEqual(['crash', 'crash', 'crash', 'crash'])
  })

  test('and a planned stop between two crashes is no crash, and forgets none', () => {
    const { turns } = live(
      event(0, 'die', { exitCode: 1 }),
      event(MINUTE, 'kill', { signal: 15 }),
      event(MINUTE, 'die', { exitCode: 143 }),
      event(2 * MINUTE, 'die', { exitCode: 1 }),
      event(3 * MINUTE, 'die', { exitCode: 1 }),
    )
    expect(turns).toEqual(['crash', 'planned-stop', 'crash', 'crash-loop'])
  })
})

describe('running out of memory', () => {
  test('is told by the oom event; the end right after it with exit 137 is the work of the kernel', () => {
    const died = event(SECOND, 'die', { exitCode: 137 })
    expect(live(event(0, 'oom'), died).turns).toEqual(['oom', 'crash'])
    const { turn } = notice(notice(newLife(), event(0, 'oom')).life, died)
    expect(turn?.text).toBe('the kernel killed it for memory')
  })

  test('is the reason even where an operator had asked at the same moment', () => {
    const { turns } = live(event(0, 'kill', { signal: 9 }), event(1, 'oom'), event(2, 'die', { exitCode: 137 }))
    expect(turns).toEqual(['oom', 'crash'])
  })

  test('of a child without an end of the container is said, and is no crash', () => {
    const { turns, life } = live(event(0, 'oom'))
    expect(turns).toEqual(['oom'])
    expect(life.signs.crashTimesMs).toEqual([])
  })

  test('of a child does not make a stop on request, or an end without an error, a kill by the kernel', () => {
    const stopped = [event(0, 'oom'), event(1, 'kill', { signal: 15 }), event(2, 'die', { exitCode: 143 })]
    expect(live(...stopped).turns).toEqual(['oom', 'planned-stop'])
    expect(live(event(0, 'oom'), event(2, 'die', { exitCode: 0 })).turns).toEqual(['oom', 'completed'])
  })

  test('is not what exit code 137 alone, or long after, speaks of', () => {
    const textOf = (...events: EngineEvent[]) => {
      let life = newLife()
      let text = ''
      for (const one of events) {
        const step = notice(life, one)
        life = step.life
        text = step.turn?.text ?? text
      }
      return text
    }
    expect(textOf(event(0, 'die', { exitCode: 137 }))).toBe('it ended by itself with exit code 137')
    expect(textOf(event(0, 'oom'), event(MINUTE, 'die', { exitCode: 137 }))).toContain('exit code 137')
  })
})

describe('health', () => {
  test('turns to unhealthy and back, and is forgotten by an end and by a start', () => {
    const sick = event(0, 'health_status', { health: 'unhealthy' })
    const well = event(1, 'health_status', { health: 'healthy' })
    expect(live(sick, well).turns).toEqual(['unhealthy', 'recovered'])
    expect(live(sick, event(2, 'die', { exitCode: 1 })).life.signs.health).toBe('none')
    expect(live(sick, event(2, 'start')).life.signs.health).toBe('none')
  })

  test('that was never bad does not recover', () => {
    expect(live(event(0, 'health_status', { health: 'healthy' })).turns).toEqual([])
  })

  test('comes from an inspection too, but not from one of a stopped container', () => {
    const sick = { health: 'unhealthy', healthFailingStreak: 2 } as const
    expect(inspected(newLife(), aContainer(sick), 9).signs).toMatchObject({ at: 9, ...sick })
    expect(inspected(newLife(), aContainer({ ...sick, state: 'exited' }), 9).signs).toMatchObject({
      health: 'none',
      healthFailingStreak: 0,
    })
  })
})

test('events in any order, twice or of kinds never heard of throw nothing and keep crashes bounded by the ends seen', () => {
  const kind = fc.oneof(
    fc.constantFrom('kill', 'oom', 'die', 'start', 'stop', 'health_status', 'destroy', 'rename', 'update', 'exec_die'),
    fc.string(),
  )
  const any = fc.record({
    at: fc.integer({ min: -1_000, max: 10 * MINUTE }),
    containerId: fc.constant('a'.repeat(64)),
    kind,
    name: fc.string(),
    exitCode: fc.option(fc.integer({ min: -1, max: 255 })),
    signal: fc.option(fc.integer({ min: 0, max: 64 })),
    health: fc.option(fc.constantFrom('none' as const, 'starting' as const, 'healthy' as const, 'unhealthy' as const)),
  })
  fc.assert(
    fc.property(fc.array(any, { maxLength: 30 }), fc.boolean(), (events, twice) => {
      const told = twice ? events.flatMap((one) => [one, one]) : events
      const { life, turns } = live(...told)
      const ends = told.filter((one) => one.kind === 'die').length
      expect(life.signs.crashTimesMs.length).toBeLessThanOrEqual(ends)
      expect(turns.length).toBeLessThanOrEqual(told.length)
    }),
  )
})
