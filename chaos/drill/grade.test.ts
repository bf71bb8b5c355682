import { describe, expect, test } from 'vitest'
import { gradeRecording, summarize } from './grade.ts'
import type { Happening, Recording } from './recording.ts'
import { aReading, aRecording } from './recording-stand-in.ts'

const happening = (role: Happening['role'], what: Happening['what'], atSeconds: number, detail = ''): Happening => ({
  role,
  containerName: role ?? 'somebody-else',
  what,
  detail,
  atSeconds,
})

const oom = (role: 'guarded' | 'watched', atSeconds: number) => ({ role, sign: 'oom' as const, atSeconds })

const foreseen = aRecording('leak-fast', {
  failures: [oom('watched', 110)],
  happenings: [
    happening('watched', 'incident', 90),
    happening('guarded', 'incident', 90),
    happening('guarded', 'action', 90, 'restart verified'),
    happening('guarded', 'resolved', 112),
  ],
})

describe('a failure that can be foreseen', () => {
  test('earns everything where it was told 20 s before, avoided and resolved', () => {
    expect(gradeRecording(foreseen)).toMatchObject({
      bit: true,
      guard: { leadSeconds: 20, falseAlarm: false },
      guardedFailed: false,
      recoverySeconds: 22,
      points: 100,
      mark: 'A',
    })
  })

  test('earns for half the lead time half its points', () => {
    const later = foreseen.happenings.map((one) => (one.role === 'watched' ? { ...one, atSeconds: 100 } : one))
    expect(gradeRecording({ ...foreseen, happenings: later }).points).toBe(90)
  })

  test('earns next to nothing where it was told after the failure and not avoided', () => {
    const late = aRecording('leak-fast', {
      failures: [oom('watched', 110), oom('guarded', 110)],
      happenings: [happening('watched', 'incident', 111), happening('guarded', 'incident', 111)],
    })
    expect(gradeRecording(late)).toMatchObject({ points: 10, mark: 'F', guard: { leadSeconds: -1 } })
  })

  test('is no merit where the fault did not bite', () => {
    expect(gradeRecording({ ...foreseen, failures: [] })).toMatchObject({
      bit: false,
      points: 0,
      reasons: ['the fault did not bite: no oom of the watched victim'],
    })
  })

  test('and an incident before the fault was there is a false alarm', () => {
    const early = [happening('watched', 'incident', 30), ...foreseen.happenings]
    expect(gradeRecording({ ...foreseen, happenings: early }).guard).toEqual({ leadSeconds: null, falseAlarm: true })
  })
})

test('what comes without warning must be noticed within ten seconds for full points', () => {
  const noticed = (afterSeconds: number) =>
    gradeRecording(
      aRecording('memory-bomb', {
        failures: [oom('watched', 71), oom('guarded', 71)],
        happenings: [happening('watched', 'incident', 71 + afterSeconds), happening('guarded', 'resolved', 100)],
      }),
    ).points
  expect([noticed(0), noticed(10), noticed(11), noticed(61)]).toEqual([100, 100, 70, 45])
})

describe('where nothing is wrong', () => {
  test('silence is everything', () => {
    expect(gradeRecording(aRecording('page-cache'))).toMatchObject({ points: 100, guard: { falseAlarm: false } })
  })

  test('an incident, an action and a raised light cost most of it', () => {
    const recording = aRecording('page-cache', {
      happenings: [happening('guarded', 'incident', 80), happening('guarded', 'action', 80)],
    })
    recording.readings.guarded[80] = aReading({ light: 'medium' })
    expect(gradeRecording(recording)).toMatchObject({ points: 15, mark: 'F' })
  })

  test('an action on somebody else is held against it anywhere', () => {
    const { collateralActions, reasons } = gradeRecording(
      aRecording('page-cache', { happenings: [happening(null, 'action', 80)] }),
    )
    expect(collateralActions).toBe(1)
    expect(reasons).toContain('1 others were touched (0 of 10)')
  })

  test('what cannot be read must not be shown as live', () => {
    const recording = aRecording('engine-refuses')
    expect(gradeRecording(recording).points).toBe(85)
    const { startSeconds, durationSeconds } = recording.scenario
    for (let second = startSeconds; second < startSeconds + durationSeconds; second++)
      recording.readings.guarded[second] = aReading({ freshness: 'stale', probability: null })
    expect(gradeRecording(recording).points).toBe(100)
  })
})

test('an action is right where it helped against a failure, wrong where it did not, or where nothing was to be cured', () => {
  const actions = (scenario: string, happenings: Recording['happenings']) =>
    gradeRecording(aRecording(scenario, { happenings })).actions
  const restart = { ...happening('guarded', 'action', 150), detail: 'restart verified' }
  expect(actions('leak-fast', [restart])).toEqual({ right: 1, wrong: 0 })
  expect(actions('leak-fast', [{ ...restart, detail: 'raise-cpu-limit ineffective' }, restart])).toEqual({
    right: 1,
    wrong: 1,
  })
  expect(actions('leak-fast', [{ ...restart, detail: 'restart executed' }])).toEqual({ right: 0, wrong: 0 })
  expect(actions('page-cache', [restart])).toEqual({ right: 0, wrong: 1 })
  expect(actions('leak-fast', [{ ...restart, role: null }])).toEqual({ right: 0, wrong: 1 })
})

test('a drill in figures: how many were foreseen, how early, how many false alarms', () => {
  const late = { ...foreseen, happenings: [happening('watched', 'incident', 120)] }
  const alarmed = aRecording('page-cache', { happenings: [happening('watched', 'incident', 80)] })
  expect(summarize([foreseen, late, alarmed, aRecording('disk-fill')].map(gradeRecording))).toMatchObject({
    foreseeable: 2,
    quiet: 2,
    failuresAvoided: 2,
    ways: {
      guard: { foreseen: 1, medianLeadSeconds: 20, falseAlarms: 1 },
      threshold: { foreseen: 0, medianLeadSeconds: null, falseAlarms: 0 },
    },
  })
  expect(summarize([])).toMatchObject({ points: 0, foreseeable: 0, bit: 0, healed: 0 })
})

test('healed is what an action ended: not what passed by itself, is open still, or only threatened', () => {
  const fault = { failures: [oom('watched', 71), oom('guarded', 71)] }
  const restart = { ...happening('guarded', 'action', 72), detail: 'restart verified' }
  const resolved = happening('guarded', 'resolved', 100)
  const lives = [[restart, resolved], [resolved], [restart], [{ ...restart, detail: 'restart ineffective' }, resolved]]
  const grades = lives.map((happenings) => gradeRecording(aRecording('memory-bomb', { ...fault, happenings })))
  const noBite = gradeRecording(aRecording('memory-bomb', { failures: [], happenings: lives[0]! }))
  expect(summarize([...grades, noBite])).toMatchObject({ bit: 4, healed: 1 })
})
