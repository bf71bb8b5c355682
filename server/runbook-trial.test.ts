import { describe, expect, test } from 'vitest'
import type { Incident } from './contracts/incident.ts'
import { anAction, anAssessment, anIncident } from './decide/incident-stand-in.ts'
import { aRunbook } from './decide/runbook-stand-in.ts'
import { tryRunbook } from './runbook-trial.ts'

const OPENING = { at: 20_000, event: 'incident.opened', text: 'memory grows' }
const OOM = 'the kernel killed a process of it: its memory limit was reached'
const PASSED = 'the risk passed by itself'
const line = (at: number, event: string, text: string) => ({ at, event, text })

/** An incident that ended a minute after it opened. */
const ended = (text: string, different: Partial<Incident> = {}) =>
  anIncident({
    closedAt: 80_000,
    phase: 'resolved',
    actions: [],
    ending: text === PASSED || text.startsWith('it has been calm') ? 'passed' : 'cut-short',
    history: [OPENING, line(80_000, 'incident.resolved', text)],
    ...different,
  })

const outcome = (incident: Incident) => {
  const { firings } = tryRunbook(aRunbook(), [{ incident, samples: [] }])
  return firings.map(({ verdict, outcome: what }) => [verdict, what])
}

describe('what became of it', () => {
  test.each<[string, Incident, [string, string]]>([
    ['nothing', ended('the risk passed by itself'), ['wrong', 'calmed by itself 1 min later']],
    [
      'nothing, with a person called',
      ended('it has been calm again for 30 s'),
      ['wrong', 'calmed by itself 1 min later'],
    ],
    [
      'a failure',
      ended('the risk passed by itself', { history: [OPENING, line(54_000, 'incident.updated', OOM)] }),
      ['right', `failed by itself 34 s later: ${OOM}`],
    ],
    [
      'a failure at once',
      ended('the risk passed by itself', { history: [line(20_000, 'incident.opened', OOM)] }),
      ['right', `failed by itself at that moment: ${OOM}`],
    ],
    [
      'a restart that helped',
      ended('the restart helped', { actions: [anAction({ state: 'verified', startedAt: 25_000 })] }),
      ['unknown', 'was acted on 5 s later: restart, verified'],
    ],
    [
      'a restart, and then a failure',
      ended('it has been calm again for 30 s', {
        actions: [anAction({ state: 'ineffective', startedAt: 25_000 })],
        history: [OPENING, line(54_000, 'incident.updated', OOM)],
      }),
      ['unknown', 'was acted on 5 s later: restart, ineffective'],
    ],
    [
      'a failure, and then a restart',
      ended('the restart helped', {
        actions: [anAction({ startedAt: 60_000 })],
        history: [OPENING, line(54_000, 'incident.updated', OOM)],
      }),
      ['right', `failed by itself 34 s later: ${OOM}`],
    ],
    [
      'a restart that was only recorded',
      ended('the risk passed by itself', { actions: [anAction({ state: 'recorded', startedAt: null })] }),
      ['wrong', 'calmed by itself 1 min later'],
    ],
    [
      'a restart that was refused',
      ended('the risk passed by itself', { actions: [anAction({ state: 'refused', startedAt: 25_000 })] }),
      ['wrong', 'calmed by itself 1 min later'],
    ],
    [
      'a stop by somebody',
      ended('it was stopped on request by somebody else'),
      ['unknown', 'ended 1 min later: it was stopped'],
    ],
    ['its removal', ended('the container was removed'), ['unknown', 'ended 1 min later: the container was removed']],
    ['its own end', ended('it ended by itself without an error'), ['unknown', 'ended 1 min later: it ended by itself']],
    ['nothing yet', anIncident({ actions: [], phase: 'detected' }), ['unknown', 'is still open']],
    [
      'more than was kept',
      ended('the risk passed by itself', { historyOmitted: 9 }),
      ['unknown', '9 lines of its story'],
    ],
  ])('%s', (_, incident, [verdict, what]) => {
    expect(outcome(incident)).toEqual([[verdict, expect.stringContaining(what)]])
  })

  test('minutes at the CPU limit are a failure that no story tells', () => {
    const runbook = aRunbook({ trigger: { causes: ['cpu-saturation'] } })
    const verdictAt = (closedAt: number) => {
      const incident = ended('the risk passed by itself', {
        cause: 'cpu-saturation',
        closedAt,
        history: [OPENING, line(closedAt, 'incident.resolved', 'the risk passed by itself')],
      })
      return tryRunbook(runbook, [{ incident, samples: [] }]).firings[0]?.verdict
    }
    expect(verdictAt(80_000)).toBe('wrong')
    expect(verdictAt(320_000)).toBe('unknown')
  })
})

describe('a runbook begins', () => {
  const sample = (at: number, probability: number | null, workingSetMegabytes = 64) => ({
    at,
    probability,
    cpuCores: 0.1,
    workingSetBytes: workingSetMegabytes * 1024 ** 2,
    throttledShare: 0,
  })
  const { snapshot } = anIncident()
  const dim = ended('the risk passed by itself', { snapshot: { ...snapshot, assessment: anAssessment(0.6) } })

  test('at the first moment that fits, once an incident, with the first solution that it is sure enough for', () => {
    const runbook = aRunbook({
      conditions: [{ fact: 'memoryShareOfLimit', atLeast: 0.75 }],
      solutions: [
        { action: 'restart', confidence: 0.95 },
        { action: 'note', confidence: 0.5 },
      ],
    })
    const samples = [sample(21_000, 0.9), sample(22_000, 0.7, 96), sample(23_000, 0.9, 96), sample(24_000, 0.99, 96)]
    const { firings } = tryRunbook(runbook, [{ incident: dim, samples }])
    expect(firings).toEqual([
      expect.objectContaining({ at: 23_000, action: 'note', probability: 0.9, containerName: 'shop-api-1' }),
    ])
  })

  test('never where it fits and is not sure enough, and that is said', () => {
    const runbook = aRunbook({ solutions: [{ action: 'restart', confidence: 0.95 }] })
    expect(tryRunbook(runbook, [{ incident: ended(''), samples: [sample(21_000, 0.2)] }])).toMatchObject({
      firings: [],
      passed: [{ reason: 'it fits, but no solution was sure enough', missing: [] }],
    })
  })

  test('perhaps, where it asks for what nobody stored', () => {
    const runbook = aRunbook({ conditions: [{ fact: 'hostCpuBusyShare', above: 0.9 }] })
    expect(tryRunbook(runbook, [{ incident: ended(''), samples: [] }])).toMatchObject({
      firings: [],
      passed: [{ reason: 'hostCpuBusyShare is not known', missing: ['hostCpuBusyShare'] }],
    })
    const elsewhere = aRunbook({ ...runbook, trigger: { causes: ['unhealthy'] } })
    expect(tryRunbook(elsewhere, [{ incident: ended(''), samples: [] }]).passed).toMatchObject([
      { reason: 'the cause is memory-limit, not unhealthy', missing: [] },
    ])
  })

  test('perhaps, where nothing was evaluated', () => {
    const blind = ended('', { snapshot: { ...snapshot, assessment: null } })
    expect(tryRunbook(aRunbook(), [{ incident: blind, samples: [sample(21_000, null)] }]).passed[0]?.missing).toEqual([
      'probability',
    ])
  })

  test('though it is not enabled: to try it is the way to find out', () => {
    expect(tryRunbook(aRunbook({ enabled: false }), [{ incident: ended(''), samples: [] }]).firings).toHaveLength(1)
  })

  test('knowing the kills in other incidents of the container, not in those of another', () => {
    const runbook = aRunbook({ conditions: [{ fact: 'oomKillsLastHour', atLeast: 2 }] })
    const killed = (openedAt: number, containerKey: string) => ({
      incident: ended('', { openedAt, containerKey, history: [line(openedAt, 'incident.opened', OOM)] }),
      samples: [],
    })
    const { firings, incidents } = tryRunbook(runbook, [killed(60_000, 'a'), killed(20_000, 'a'), killed(40_000, 'b')])
    expect(incidents).toBe(3)
    expect(firings.map(({ at }) => at)).toEqual([60_000])
  })
})
