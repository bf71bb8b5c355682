import { describe, expect, test } from 'vitest'
import { Runbook } from '../contracts/runbook.ts'
import { aContainer, anAction, aSample, someSurroundings } from './incident-stand-in.ts'
import { chooseRung, expectedDowntimeSeconds, type LadderInput } from './ladder.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

const runbookOf = (...solutions: object[]) =>
  Runbook.parse({
    name: 'a-runbook',
    title: 'Something',
    trigger: { causes: ['memory-limit'] },
    solutions,
    escalate: 'look at it',
  })

const input = (different: Partial<LadderInput>): LadderInput => ({
  at: 1_000_000,
  container: aContainer(),
  cause: 'memory-limit',
  sample: aSample(),
  probability: 0.95,
  runbook: runbookOf({ action: 'restart' }),
  actions: [],
  surroundings: someSurroundings(),
  threshold: 0.85,
  ...different,
})

const kindOf = (different: Partial<LadderInput>) => chooseRung(input(different)).rung?.deed.kind ?? null
const reasonOf = (different: Partial<LadderInput>) => chooseRung(input(different)).reason
const TWO = runbookOf({ action: 'raise-memory-limit', leaseMinutes: 10 }, { action: 'restart' })
const dependent = { id: 'd'.repeat(64), name: 'web', startedAt: 1, imageId: 'x', stopGraceSeconds: 10 }

describe('the rung with the least downtime to expect', () => {
  test('is a quick restart of a container that nobody needs', () => {
    // 0.95 × (1 - 0.9) × 60 s + 8 s = 13.7 s, against 0.95 × 0.4 × 60 s + 0.5 s = 23.3 s for more room.
    expect(kindOf({ runbook: TWO })).toBe('restart')
    expect(reasonOf({ runbook: TWO })).toBe(
      'runbook a-runbook: restart is expected to cost 13.7 s of downtime, doing nothing 57.0 s',
    )
  })

  test('is more room where restarts were learnt to take half a minute, or many depend on it', () => {
    const slow = someSurroundings({ records: { restart: { helped: 1, failed: 0, meanDurationMs: 30_000 } } })
    expect(kindOf({ runbook: TWO, surroundings: slow })).toBe('raise-memory-limit')
    const needed = someSurroundings({ dependents: [dependent, { ...dependent, id: 'e'.repeat(64) }] })
    expect(kindOf({ runbook: TWO, surroundings: needed })).toBe('raise-memory-limit')
  })

  test('is none where doing nothing costs less', () => {
    const hour = someSurroundings({ records: { restart: { helped: 1, failed: 0, meanDurationMs: 3_600_000 } } })
    expect(reasonOf({ surroundings: hour })).toMatch(
      /restart would cost 36\d\d\.\d s of downtime, doing nothing 57.0 s/,
    )
  })

  test('grows with failures and shrinks with helps', () => {
    const seconds = (helped: number, failed: number) =>
      expectedDowntimeSeconds(
        'restart',
        input({ surroundings: someSurroundings({ records: { restart: { helped, failed, meanDurationMs: 8_000 } } }) }),
      )
    expect(seconds(0, 2)).toBeGreaterThan(seconds(0, 0))
    expect(seconds(5, 0)).toBeLessThan(seconds(0, 0))
  })
})

describe('a rung is passed over', () => {
  test.each<[string, Partial<LadderInput>, string]>([
    [
      'where it asks for more confidence',
      { runbook: runbookOf({ action: 'restart', confidence: 0.99 }) },
      'asks for a confidence of 99 %',
    ],
    ['where the operator’s threshold is higher', { threshold: 0.97 }, 'asks for a confidence of 97 %'],
    ['where it was tried', { actions: [anAction({ state: 'ineffective' })] }, 'it was tried'],
    ['where it only notes', { runbook: runbookOf({ action: 'note' }) }, 'it is only noted'],
    [
      'where it was retired',
      { surroundings: someSurroundings({ records: { restart: { helped: 1, failed: 3, meanDurationMs: null } } }) },
      'it was retired: it did not help here',
    ],
    [
      'where others live in its network',
      { surroundings: someSurroundings({ sharesNetwork: true }) },
      'others live in its network',
    ],
    [
      'where nobody depends on it',
      { runbook: runbookOf({ action: 'restart-in-order' }) },
      'nobody depends on it: a plain restart does',
    ],
    [
      'where a dependent may not be touched',
      { runbook: runbookOf({ action: 'restart-in-order' }), surroundings: someSurroundings({ dependents: null }) },
      'one that depends on it may not be touched',
    ],
    [
      'where no neighbour is noisy',
      { runbook: runbookOf({ action: 'pause-neighbour' }) },
      'no neighbour takes the CPU',
    ],
    [
      'where it is in no network',
      { runbook: runbookOf({ action: 'isolate' }), container: aContainer({ networks: [] }) },
      'it is in no network',
    ],
    [
      'where it is in the network of the host',
      { runbook: runbookOf({ action: 'isolate' }), container: aContainer({ networks: ['host'] }) },
      'it is in no network that it could leave',
    ],
  ])('%s', (_, different, reason) => {
    expect(kindOf(different)).toBeNull()
    expect(reasonOf(different)).toContain(reason)
  })

  test('until its wait after the last attempt is over', () => {
    const runbook = runbookOf({ action: 'restart', attempts: 2, waitSeconds: 60 })
    const tried = [anAction({ state: 'ineffective', finishedAt: 1_000_000 })]
    expect(reasonOf({ runbook, actions: tried, at: 1_059_000 })).toContain('it was tried just now')
    expect(kindOf({ runbook, actions: tried, at: 1_060_000 })).toBe('restart')
  })
})

test('a neighbour that takes the CPU is worth pausing whatever its victim suffers of, but after a restart', () => {
  const noisy = someSurroundings({ neighbour: dependent })
  for (const cause of ['cpu-saturation', 'unhealthy', 'unknown'] as const)
    expect(kindOf({ cause, surroundings: noisy, runbook: runbookOf({ action: 'pause-neighbour' }) })).toBe(
      'pause-neighbour',
    )
  const both = runbookOf({ action: 'pause-neighbour' }, { action: 'restart' })
  const quick = { 'pause-neighbour': { helped: 3, failed: 0, meanDurationMs: 100 } }
  expect(kindOf({ cause: 'unhealthy', surroundings: { ...noisy, records: quick }, runbook: both })).toBe('restart')
  expect(kindOf({ cause: 'unhealthy', surroundings: noisy, runbook: both })).toBe('restart')
})

describe('what cuts it off or stops it', () => {
  const networks = ['shop']
  const ladder = runbookOf(
    { action: 'isolate' },
    { action: 'stop' },
    { action: 'restart', attempts: 2, waitSeconds: 60 },
  )
  const of = (different: Partial<LadderInput>) => ({
    runbook: ladder,
    container: aContainer({ networks }),
    ...different,
  })
  const restarted = anAction({ state: 'ineffective', finishedAt: 1_000_000 })
  const isolated = anAction({ kind: 'isolate', deed: { kind: 'isolate', networks }, state: 'ineffective' })

  test('is never taken while something gentler can be, or may be in a moment', () => {
    expect(kindOf(of({}))).toBe('restart')
    expect(kindOf(of({ actions: [restarted], at: 1_030_000 }))).toBeNull()
    expect(kindOf(of({ actions: [restarted], at: 1_060_000 }))).toBe('restart')
  })

  test('nor while something gentler only asks for more confidence', () => {
    const runbook = runbookOf({ action: 'restart', confidence: 0.97 }, { action: 'stop' })
    expect(kindOf({ runbook, probability: 0.9 })).toBeNull()
    expect(kindOf({ runbook, probability: 0.97 })).toBe('restart')
    expect(kindOf({ runbook, probability: 0.97, actions: [restarted] })).toBe('stop')
  })

  test('is taken in the order of the runbook where nothing else is left, and says so', () => {
    const spent = [restarted, restarted]
    expect(kindOf(of({ actions: spent }))).toBe('isolate')
    expect(reasonOf(of({ actions: spent }))).toBe(
      'runbook a-runbook: isolate is all that it permits now (restart: it was tried 2 times)',
    )
    expect(kindOf(of({ actions: [...spent, isolated] }))).toBe('stop')
    expect(kindOf(of({ actions: spent, container: aContainer({ networks: [] }) }))).toBe('stop')
  })

  test('is taken at once where it is all that the runbook has, but not below its confidence', () => {
    const runbook = runbookOf({ action: 'stop', confidence: 0.97 })
    expect(kindOf({ runbook, probability: 0.96 })).toBeNull()
    expect(kindOf({ runbook, probability: 0.97 })).toBe('stop')
    expect(reasonOf({ runbook, probability: 0.97 })).toBe('runbook a-runbook: stop is all that it permits now')
  })
})

describe('a raised limit', () => {
  const raise = runbookOf({ action: 'raise-memory-limit', raiseBy: 1.5 })
  const deedOf = (different: Partial<LadderInput>) => chooseRung(input({ runbook: raise, ...different })).rung?.deed

  test('says from where to where', () => {
    expect(deedOf({})).toEqual({ kind: 'raise-memory-limit', fromBytes: 128 * MIB, toBytes: 192 * MIB })
  })

  test('is not for a container without one, nor while one is in force, nor where the host would be left short', () => {
    expect(reasonOf({ runbook: raise, container: aContainer({ memoryLimitBytes: null }) })).toContain('no memory limit')
    expect(reasonOf({ runbook: raise, surroundings: someSurroundings({ inForce: ['raise-memory-limit'] }) })).toContain(
      'in force already',
    )
    const tight = { hostMemoryTotalBytes: GIB, hostMemoryAvailableBytes: 0.1 * GIB + 64 * MIB }
    expect(deedOf({ surroundings: someSurroundings(tight) })).toBeDefined()
    expect(
      deedOf({ surroundings: someSurroundings({ ...tight, hostMemoryAvailableBytes: 0.1 * GIB + 63 * MIB }) }),
    ).toBeUndefined()
    expect(reasonOf({ runbook: raise, surroundings: someSurroundings({ hostMemoryAvailableBytes: null }) })).toContain(
      'is not known',
    )
  })

  test('of CPU ends at the host’s cores', () => {
    const runbook = runbookOf({ action: 'raise-cpu-limit', raiseBy: 4 })
    expect(chooseRung(input({ runbook, cause: 'cpu-saturation' })).rung?.deed).toEqual({
      kind: 'raise-cpu-limit',
      fromCores: 1,
      toCores: 4,
    })
    expect(reasonOf({ runbook, surroundings: someSurroundings({ hostCores: 1 }) })).toContain('no more cores')
  })
})
