import { describe, expect, test } from 'vitest'
import { newLife, notice } from './analyse/life.ts'
import type { HistoryEntry } from './contracts/incident.ts'
import type { EngineEvent } from './contracts/telemetry.ts'
import { advance, newWatch, type Turn } from './decide/incident-machine.ts'
import {
  AROUND,
  aContainer,
  aHost,
  anAssessment,
  anIncident,
  aSample,
  countingIds,
  SETTINGS,
} from './decide/incident-stand-in.ts'
import { failuresOf, momentsOf } from './runbook-moments.ts'

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

/** The story that the program itself writes of some events. */
function storyOf(events: readonly EngineEvent[]): HistoryEntry[] {
  let life = newLife()
  let watch = newWatch('shop/api/1')
  const newId = countingIds()
  for (const one of events) {
    const noticed = notice(life, one)
    life = noticed.life
    if (noticed.turn === null) continue
    const situation = {
      at: one.at,
      container: aContainer(),
      mode: 'observe' as const,
      protectedBecause: null,
      sample: null,
      assessment: anAssessment(0.9),
      host: aHost(),
      ...AROUND,
    }
    watch = advance(
      watch,
      { type: 'turned', turn: noticed.turn as Turn },
      { situation, settings: SETTINGS, newId },
    ).watch
  }
  return watch.incident?.history ?? []
}

const OOM = (at: number) => [event(at, 'oom'), event(at + 100, 'die', { exitCode: 137 }), event(at + 200, 'start')]

describe('the failures of a story', () => {
  test('are told from the words that the program writes', () => {
    const history = storyOf([
      ...OOM(1_000),
      event(10_000, 'health_status', { health: 'unhealthy' }),
      event(20_000, 'health_status', { health: 'healthy' }),
      event(30_000, 'die', { exitCode: 1 }),
      event(31_000, 'start'),
      event(32_000, 'die', { exitCode: 1 }),
    ])
    expect(failuresOf({ history }).map(({ at, kind, count }) => [at, kind, count])).toEqual([
      [1_000, 'oom', 1],
      [1_100, 'crash', 1],
      [10_000, 'unhealthy', 1],
      [30_000, 'crash', 1],
      [32_000, 'crash-loop', 1],
    ])
  })

  test('count also where not every one is written down', () => {
    const history = storyOf(Array.from({ length: 9 }, (_, i) => OOM(1_000 + i * 400_000)).flat())
    const kills = failuresOf({ history }).filter(({ kind }) => kind === 'oom')
    expect(kills.map(({ count }) => count)).toEqual([1, 1, 1, 2, 4])
  })

  test('are not what somebody did, nor evidence, nor a reason to do nothing', () => {
    const lines = [
      ['incident.opened', 'it ended by itself 2 times in the last 5 minutes'],
      ['incident.updated', 'no action: the kernel killed it for memory'],
      ['incident.updated', 'it was stopped on request'],
      ['incident.explained', 'the kernel killed a process of it'],
      ['incident.resolved', 'it ended by itself without an error'],
    ]
    expect(failuresOf({ history: lines.map(([name, text]) => ({ at: 1, event: name!, text: text! })) })).toEqual([])
  })
})

describe('the moments of an incident', () => {
  const sample = { probability: 0.9, cpuCores: 0.5, workingSetBytes: 64 * 1024 ** 2, throttledShare: 0.1 }
  const { snapshot } = anIncident()
  const recent = aSample({ at: 19_500, pids: 45, pidsLimit: 50 })

  test('are its opening with all that was seen, then what is stored, oldest first', () => {
    const incident = anIncident({ snapshot: { ...snapshot, sample: recent, restartCount: 2 } })
    const [opening, second, ...others] = momentsOf({ incident, samples: [{ at: 21_000, ...sample }] }, [])
    expect(others).toEqual([])
    expect(opening).toMatchObject({
      at: 20_000,
      light: 'critical',
      facts: {
        probability: 0.91,
        timeToLimitSeconds: 13,
        state: 'running',
        cause: 'memory-limit',
        pidsShareOfLimit: 0.9,
        memoryShareOfLimit: 0.25,
        restartCount: 2,
        composeProject: 'shop',
        composeService: 'api',
        hostCpuBusyShare: null,
        oomKillsLastHour: 0,
      },
    })
    expect(second).toMatchObject({
      at: 21_000,
      light: 'critical',
      facts: {
        probability: 0.9,
        cpuShareOfLimit: 0.5,
        memoryShareOfLimit: 0.5,
        throttledShare: 0.1,
        timeToLimitSeconds: null,
        pidsShareOfLimit: null,
      },
    })
  })

  test('hold no guess: no limit, no share; an old reading, no state; nothing evaluated, no light', () => {
    const incident = anIncident({
      composeProject: null,
      snapshot: {
        ...snapshot,
        memoryLimitBytes: null,
        cpuLimitCores: null,
        sample: aSample({ at: -40_000 }),
        assessment: null,
      },
    })
    const [opening, second] = momentsOf({ incident, samples: [{ at: 21_000, ...sample, probability: null }] }, [])
    expect(opening).toMatchObject({ light: null, facts: { state: null, probability: null, composeService: null } })
    expect(second).toMatchObject({ light: null, facts: { cpuShareOfLimit: null, memoryShareOfLimit: null } })
  })

  test('count the kills of the hour before, those of other incidents of the container too', () => {
    const kill = (at: number, count = 1) => ({ at, kind: 'oom' as const, count, text: '' })
    const incident = anIncident({ openedAt: 4_000_000, snapshot: { ...snapshot, at: 4_000_000 } })
    const [opening] = momentsOf({ incident, samples: [] }, [
      kill(300_000),
      kill(1_000_000, 2),
      kill(4_000_000),
      kill(4_000_001),
    ])
    expect(opening?.facts.oomKillsLastHour).toBe(3)
  })

  test('know the cause of their time, and the health', () => {
    const history = storyOf([
      event(20_000, 'health_status', { health: 'unhealthy' }),
      event(25_000, 'health_status', { health: 'healthy' }),
      event(30_000, 'die', { exitCode: 1 }),
      event(30_500, 'start'),
      event(31_000, 'die', { exitCode: 1 }),
      event(31_500, 'start'),
      event(32_000, 'die', { exitCode: 1 }),
    ])
    const incident = anIncident({ cause: 'crash-loop', history, snapshot: { ...snapshot, health: 'unhealthy' } })
    const samples = [22_000, 26_000, 33_000].map((at) => ({ at, ...sample }))
    const seen = momentsOf({ incident, samples }, [])
      .filter(({ at }) => at % 10_000 !== 0 || at === 20_000)
      .map(({ at, facts }) => [at, facts.cause, facts.health])
    expect(seen).toContainEqual([20_000, 'unhealthy', 'unhealthy'])
    expect(seen).toContainEqual([22_000, 'unhealthy', 'unhealthy'])
    expect(seen).toContainEqual([26_000, 'unhealthy', 'healthy'])
    expect(seen).toContainEqual([33_000, 'crash-loop', 'healthy'])
  })
})
