import { describe, expect, test } from 'vitest'
import type { Assessment } from '../contracts/assessment.ts'
import { Incident, type Mode } from '../contracts/incident.ts'
import { Runbook } from '../contracts/runbook.ts'
import {
  advance,
  type Effect,
  MAX_REFUSALS,
  newWatch,
  type Situation,
  type Stimulus,
  type Turn,
  type Watch,
} from './incident-machine.ts'
import {
  AROUND,
  aContainer,
  aHost,
  anAssessment,
  aSample,
  countingIds,
  MEMORY_EVIDENCE,
  SETTINGS,
  someSurroundings,
} from './incident-stand-in.ts'
import { SUSTAIN_MS } from './watch-clocks.ts'

const SECOND = 1_000
const CRITICAL = anAssessment(0.9)
const CALM = anAssessment(0.01)

/** A container's story, told stimulus by stimulus; time moves only where it is told. */
function story(mode: Mode, begin: Partial<Situation> = {}) {
  let watch: Watch = newWatch('shop/api/1')
  let situation: Situation = {
    at: 100 * SECOND,
    container: aContainer(),
    mode,
    protectedBecause: null,
    sample: aSample(),
    assessment: CALM,
    host: aHost({ troubled: 0 }),
    ...AROUND,
    ...begin,
  }
  const newId = countingIds()
  const effects: Effect[] = []
  const closed: Incident[] = []

  const tell = (stimulus: Stimulus, different: Partial<Situation> = {}) => {
    situation = { ...situation, ...different }
    // Each look is at a reading of its own.
    const { assessment, at } = situation
    return tellOf(stimulus, { assessment: assessment && { ...assessment, at } })
  }

  const tellOf = (stimulus: Stimulus, different: Partial<Situation>) => {
    situation = { ...situation, ...different }
    const step = advance(watch, stimulus, { situation, settings: SETTINGS, newId })
    watch = step.watch
    effects.push(...step.effects)
    for (const effect of step.effects) {
      Incident.parse(effect.incident)
      if (effect.type === 'record' && effect.event === 'incident.resolved') closed.push(effect.incident)
    }
    return step
  }

  return {
    tell,
    /** Tells of a reading as it is given. */
    tellOf,
    /** One look a second for so many seconds. */
    look(seconds: number, assessment: Assessment = situation.assessment ?? CALM, different: Partial<Situation> = {}) {
      for (let second = 0; second < seconds; second++)
        tell({ type: 'assessed' }, { at: situation.at + SECOND, assessment, ...different })
    },
    turn: (kind: Turn['kind'], different: Partial<Situation> = {}) =>
      tell({ type: 'turned', turn: { kind, text: `it turned ${kind}` } }, different),
    done: (outcome: 'executed' | 'failed' | 'refused', actionId = watch.incident?.actions.at(-1)?.id ?? '') =>
      tell({ type: 'action-done', actionId, outcome, reason: `it was ${outcome}`, askedAt: situation.at }),
    answer: (
      word: 'approve' | 'reject',
      different: Partial<Situation> = {},
      actionId = watch.incident?.actions.at(-1)?.id ?? '',
    ) => tell({ type: 'operator', actionId, word, by: 'operator', reason: '' }, different),
    wait: (ms: number) => {
      situation = { ...situation, at: situation.at + ms }
    },
    get watch() {
      return watch
    },
    get incident() {
      return watch.incident
    },
    get at() {
      return situation.at
    },
    /** What was written down, oldest first. */
    get events() {
      return effects.flatMap((effect) => (effect.type === 'record' ? [effect.event] : []))
    },
    get reasons() {
      return effects.flatMap((effect) => (effect.type === 'record' ? [effect.reason] : []))
    },
    get executed() {
      return effects.filter((effect) => effect.type === 'execute')
    },
    get diagnosed() {
      return effects.filter((effect) => effect.type === 'diagnose')
    },
    closed,
  }
}

/** A story in mode auto in which the restart was just done. */
function restarted() {
  const told = story('auto')
  told.look(2, CRITICAL)
  told.done('executed')
  return told
}

/** A story in mode approve in which a proposal waits. */
function proposed() {
  const told = story('approve')
  told.look(2, CRITICAL)
  return told
}

describe('an incident opens', () => {
  test('where two readings in a row are critical, and somebody is to explain it', () => {
    const told = story('shadow')
    told.look(1, CRITICAL)
    expect(told.incident).toBeNull()
    told.look(1)
    expect(told.incident).toMatchObject({ cause: 'memory-limit', light: 'critical', probability: 0.9, mode: 'shadow' })
    expect(told.events[0]).toBe('incident.opened')
    expect(told.reasons[0]).toBe(MEMORY_EVIDENCE.text)
    expect(told.diagnosed).toHaveLength(1)
  })

  test('with what was seen, and keeps it', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    const { snapshot } = told.incident!
    expect(snapshot).toMatchObject({
      at: told.at,
      image: 'shop/api:1.4',
      startedAt: 2_000,
      sample: aSample(),
      assessment: { ...CRITICAL, at: told.at },
    })
    told.look(2, anAssessment(0.99))
    expect(told.incident!.snapshot).toBe(snapshot)
    expect(told.incident!.probability).toBe(0.99)
  })

  test('not for one odd second, nor for many with a calm one between them', () => {
    const told = story('auto')
    for (let times = 0; times < 20; times++) {
      told.look(1, CRITICAL)
      told.look(1, CALM)
    }
    expect(told.events).toEqual([])
  })

  test('not for one reading that nothing follows, however long it stands', () => {
    const told = story('auto')
    const assessment = { ...CRITICAL, at: 101 * SECOND }
    for (let second = 0; second < 30; second++) {
      told.wait(SECOND)
      told.tellOf({ type: 'assessed' }, { assessment })
    }
    expect(told.events).toEqual([])
  })

  test('with the time of the reading that crossed the threshold, unless something stood in the way', () => {
    const told = story('auto')
    told.look(2, CRITICAL)
    expect(told.executed).toMatchObject([{ action: { crossedAt: told.at - SECOND } }])
    told.done('executed')
    expect(told.incident?.actions).toMatchObject([{ askedAt: told.at }])
    const busy = story('auto', { host: aHost({ actionInFlight: true }) })
    busy.look(5, CRITICAL)
    busy.look(1, CRITICAL, { host: aHost() })
    expect(busy.executed).toMatchObject([{ action: { crossedAt: null } }])
  })

  test('a second later where it turned unhealthy: the turn is the first reading', () => {
    const told = story('auto', { assessment: CRITICAL })
    told.turn('unhealthy')
    told.wait(SUSTAIN_MS)
    told.tell({ type: 'assessed' })
    expect(told.executed).toHaveLength(1)
  })

  test('not for what could not be evaluated, however long', () => {
    const told = story('auto')
    told.look(100, { ...CRITICAL, probability: null })
    expect(told.events).toEqual([])
  })

  test('at the threshold where that is set below the critical light', () => {
    const watchAt = (probability: number) => {
      let watch = newWatch('shop/api/1')
      const newId = countingIds()
      for (const at of [0, 1_000, 2_000, 3_000]) {
        const situation: Situation = {
          at,
          container: aContainer(),
          mode: 'auto',
          protectedBecause: null,
          sample: null,
          assessment: anAssessment(probability, { at }),
          host: aHost({ troubled: 0 }),
          ...AROUND,
        }
        watch = advance(
          watch,
          { type: 'assessed' },
          { situation, settings: { ...SETTINGS, threshold: 0.6 }, newId },
        ).watch
      }
      return watch
    }
    expect(watchAt(0.65).incident?.phase).toBe('acting')
    expect(watchAt(0.55).incident).toBeNull()
  })

  test.each([
    ['oom', 'memory-limit'],
    ['crash-loop', 'crash-loop'],
    ['unhealthy', 'unhealthy'],
  ] as const)('at once where it turned %s', (kind, cause) => {
    const told = story('shadow')
    told.turn(kind)
    expect(told.incident).toMatchObject({ cause, phase: 'diagnosing' })
    told.turn(kind)
    expect(told.events).toEqual(['incident.opened', 'incident.updated'])
  })

  test('not for a single crash, a start, a completion or a stop on request', () => {
    const told = story('auto')
    for (const kind of ['crash', 'started', 'completed', 'planned-stop', 'recovered'] as const) told.turn(kind)
    expect(told.events).toEqual([])
  })
})

describe('mode shadow', () => {
  test('writes down once what it would have done, and touches nothing', () => {
    const told = story('shadow')
    told.look(60, CRITICAL)
    expect(told.events).toEqual(['incident.opened', 'action.recorded'])
    expect(told.incident?.actions).toMatchObject([
      { state: 'recorded', forced: false, probability: 0.9, stopGraceSeconds: 4 },
    ])
    expect(told.executed).toEqual([])
  })

  test('closes the incident after thirty calm seconds', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    told.look(30, CALM)
    expect(told.incident).not.toBeNull()
    told.look(1)
    expect(told.incident).toBeNull()
    expect(told.closed).toMatchObject([{ phase: 'resolved', closedAt: told.at }])
    expect(told.reasons.at(-1)).toBe('the risk passed by itself')
  })

  test('does not take a silence for calm', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    told.look(300, anAssessment(null))
    expect(told.incident?.phase).toBe('proposed')
  })
})

test('mode observe sees an incident and decides nothing', () => {
  const told = story('observe')
  told.look(60, CRITICAL)
  expect(told.incident?.actions).toEqual([])
  expect(told.reasons.slice(1)).toEqual(['no action: mode observe: seen, nothing decided'])
})

test('a protected container has its incident, with the reason why nothing is done', () => {
  const told = story('auto', { protectedBecause: 'its label dockerpulse.ignore forbids it' })
  told.look(60, CRITICAL)
  expect(told.executed).toEqual([])
  expect(told.reasons.slice(1)).toEqual(['no action: its label dockerpulse.ignore forbids it'])
})

describe('mode approve', () => {
  test('proposes once, and does what is approved with the situation of that moment as its plan', () => {
    const told = proposed()
    told.look(10)
    expect(told.events).toEqual(['incident.opened', 'action.proposed'])
    expect(told.incident?.phase).toBe('awaiting-approval')
    told.answer('approve', { container: aContainer({ startedAt: 77_000 }) })
    expect(told.events.slice(2)).toEqual(['action.approved', 'action.intended'])
    expect(told.executed).toMatchObject([
      {
        action: { state: 'executing', by: 'operator', forced: false },
        plan: { plannedAt: told.at, containerId: 'a'.repeat(64), startedAt: 77_000 },
      },
    ])
  })

  test('writes the approval down as the operator’s', () => {
    const approval = proposed().answer('approve').effects[0]
    expect(approval).toMatchObject({
      event: 'action.approved',
      action: { by: 'operator' },
      reason: expect.stringMatching(/^approved by operator; confidence 90 %/),
    })
  })

  test('keeps when it was proposed beside when it was begun', () => {
    const told = proposed()
    const proposedAt = told.at
    told.wait(40 * SECOND)
    told.answer('approve')
    expect(told.incident?.actions).toMatchObject([{ at: proposedAt, startedAt: proposedAt + 40 * SECOND }])
  })

  test('never asks again after a no', () => {
    const told = proposed()
    told.answer('reject')
    told.look(120)
    expect(told.events.filter((event) => event === 'action.proposed')).toHaveLength(1)
    expect(told.incident?.actions).toMatchObject([{ state: 'rejected', by: 'operator' }])
    expect(told.executed).toEqual([])
  })

  test('lets a proposal expire after five minutes, and a person must look', () => {
    const told = proposed()
    told.look(299)
    expect(told.incident?.phase).toBe('awaiting-approval')
    told.look(1)
    expect(told.incident).toMatchObject({ phase: 'escalated', actions: [{ state: 'expired' }] })
    told.look(100)
    expect(told.incident?.actions).toHaveLength(1)
  })

  test('withdraws the proposal where the risk passes', () => {
    const told = proposed()
    told.look(31, CALM)
    expect(told.closed).toMatchObject([{ actions: [{ state: 'expired' }] }])
    expect(told.answer('approve', {}, told.closed[0]?.actions[0]?.id).refusal).toBe('its incident is closed')
  })
})

describe('an approval is refused', () => {
  const refusalOf = (different: Partial<Situation>) => {
    const told = proposed()
    const { refusal } = told.answer('approve', different)
    expect(told.executed).toEqual([])
    return refusal
  }

  test('where the container is another one now', () => {
    expect(refusalOf({ container: aContainer({ id: 'b'.repeat(64) }) })).toBe(
      'the situation has changed: the container is another one now',
    )
  })

  test('where it is another one that has already started under the same name', () => {
    const told = proposed()
    const replaced = { container: aContainer({ id: 'b'.repeat(64), startedAt: 99_000 }) }
    const first = told.incident!.actions[0]!.id
    told.turn('started', replaced)
    expect(told.incident).toMatchObject({
      containerId: 'b'.repeat(64),
      phase: 'detected',
      actions: [{ state: 'refused' }],
    })
    expect(told.answer('approve', replaced, first).refusal).toBe(
      'it is refused: only a proposed action can be answered',
    )
    expect(told.executed).toEqual([])
  })

  test('where it was made for the container that took the first one’s place, and that one is back', () => {
    const other = aContainer({ id: 'b'.repeat(64) })
    const told = story('approve')
    told.turn('oom')
    told.look(2, CRITICAL, { container: other })
    expect(told.incident).toMatchObject({ containerId: other.id, phase: 'awaiting-approval' })
    expect(told.answer('approve', { container: aContainer() }).refusal).toContain('another one now')
  })

  test('where it does not run', () => {
    expect(refusalOf({ container: aContainer({ state: 'exited' }) })).toBe(
      'the situation has changed: the container is exited',
    )
  })

  test('where it is protected, the mode touches nothing, or another action runs on the host', () => {
    expect(refusalOf({ protectedBecause: 'it is DockerPulse itself' })).toBe('it is DockerPulse itself')
    expect(refusalOf({ mode: 'shadow' })).toBe('mode shadow: nothing is touched')
    expect(refusalOf({ mode: 'observe' })).toBe('mode observe: nothing is touched')
    expect(refusalOf({ host: aHost({ actionInFlight: true, containers: 2, troubled: 2 }) })).toContain(
      'another action is running',
    )
  })

  test('where the proposal has expired', () => {
    const told = proposed()
    told.wait(300 * SECOND)
    expect(told.answer('approve').refusal).toBe('the proposal has expired')
  })

  test('the second time', () => {
    const told = proposed()
    told.answer('approve')
    expect(told.answer('approve').refusal).toBe('it is executing: only a proposed action can be answered')
    expect(told.executed).toHaveLength(1)
  })

  test('where nobody proposed it', () => {
    expect(proposed().answer('approve', {}, 'somebody-elses').refusal).toBe('its incident is closed')
    expect(story('approve').answer('approve', {}, 'x').refusal).toBe('its incident is closed')
  })
})

describe('mode auto', () => {
  test('writes its intent down, then acts once, and not again while acting', () => {
    const told = story('auto')
    told.look(60, CRITICAL)
    expect(told.events).toEqual(['incident.opened', 'action.intended'])
    expect(told.executed).toMatchObject([{ action: { forced: true, by: 'dockerpulse', state: 'executing' } }])
    expect(told.incident?.phase).toBe('acting')
  })

  test('nor while verifying', () => {
    const told = restarted()
    told.look(119, CRITICAL)
    expect(told.incident?.phase).toBe('verifying')
    expect(told.executed).toHaveLength(1)
  })

  test('calls the restart verified after twenty calm seconds', () => {
    const told = restarted()
    told.look(20, CALM)
    expect(told.incident?.phase).toBe('verifying')
    told.look(1)
    expect(told.closed).toMatchObject([{ actions: [{ state: 'verified' }] }])
    expect(told.events.slice(2)).toEqual(['action.executed', 'action.verified', 'incident.resolved'])
  })

  test('does not call it calm, nor late, while its health check has not spoken yet; for ten minutes', () => {
    const container = aContainer({ health: 'starting' })
    const told = restarted()
    told.look(300, CALM, { container })
    expect(told.incident?.phase).toBe('verifying')
    told.look(21, CALM, { container: { ...container, health: 'healthy' } })
    expect(told.closed).toMatchObject([{ actions: [{ state: 'verified' }] }])

    const silent = restarted()
    silent.look(601, CALM, { container })
    expect(silent.incident).toMatchObject({ actions: [{ state: 'ineffective' }] })
  })

  test('begins those twenty seconds anew with every crash', () => {
    const told = restarted()
    told.look(19, CALM)
    told.turn('crash')
    told.look(19, CALM)
    expect(told.incident?.phase).toBe('verifying')
  })

  test('calls it ineffective after two minutes without calm; where the ladder is at its end a person must look', () => {
    const told = restarted()
    told.look(600, CRITICAL)
    expect(told.incident).toMatchObject({ phase: 'escalated', actions: [{ state: 'ineffective' }] })
    expect(told.executed).toHaveLength(1)
    told.look(31, CALM)
    expect(told.closed).toHaveLength(1)
  })

  test('escalates where the engine failed', () => {
    const told = story('auto')
    told.look(2, CRITICAL)
    told.done('failed')
    expect(told.incident).toMatchObject({ phase: 'escalated', actions: [{ state: 'failed' }] })
    told.look(60, CRITICAL)
    expect(told.executed).toHaveLength(1)
  })

  test('may plan again after a refusal, when another two readings were critical; a refusal is no restart', () => {
    const told = story('auto')
    told.look(2, CRITICAL)
    told.done('refused')
    expect(told.watch.actionTimesMs).toEqual([])
    told.look(1, CRITICAL)
    expect(told.executed).toHaveLength(1)
    told.look(1)
    expect(told.executed).toHaveLength(2)
  })

  test('but not for ever: the third refusal leaves it to a person', () => {
    const told = story('auto')
    for (let second = 0; second < 100; second++) {
      told.look(1, CRITICAL)
      if (told.incident?.phase === 'acting') told.done('refused')
    }
    expect(told.executed).toHaveLength(MAX_REFUSALS)
    expect(told.incident?.phase).toBe('escalated')
    expect(told.reasons.at(-1)).toContain('a person must look')
  })

  test('does not act on one critical second of an incident that something else opened', () => {
    const told = story('auto')
    told.turn('oom')
    told.look(1, CRITICAL)
    told.look(5, CALM)
    expect(told.executed).toEqual([])
    told.look(2, CRITICAL)
    expect(told.executed).toHaveLength(1)
  })

  test('does not act where an operator had said no to the same incident', () => {
    const told = story('auto', { host: aHost({ containers: 5, troubled: 4 }) })
    told.look(2, CRITICAL)
    told.answer('reject')
    told.look(60, CRITICAL, { host: aHost({ containers: 5, troubled: 1 }) })
    expect(told.executed).toEqual([])
    expect(told.reasons.at(-1)).toBe('no action: an operator rejected what was proposed')
  })

  test('waits for its cool-down, then for an operator when the hour is used up', () => {
    const told = story('auto')
    const starts: number[] = []
    for (let second = 0; second < 1_800; second++) {
      told.look(1, told.incident?.phase === 'verifying' ? CALM : CRITICAL)
      if (told.incident?.phase !== 'acting') continue
      starts.push(told.at)
      told.done('executed')
    }
    expect(starts).toHaveLength(3)
    expect(starts[1]! - starts[0]!).toBeGreaterThanOrEqual(SETTINGS.cooldownMs)
    expect(told.reasons).toContain(
      'restart proposed: quarantine: it was acted upon 3 times in the last hour, 3 are allowed',
    )
  })

  test('calls nobody while its next attempt only waits for its time', () => {
    const runbook = Runbook.parse({
      name: 'twice',
      title: 'Twice',
      trigger: { causes: ['memory-limit'] },
      solutions: [{ action: 'restart', attempts: 2, waitSeconds: 900 }],
      escalate: 'that was all',
    })
    const told = story('auto', { runbook })
    told.look(2, CRITICAL)
    told.done('executed')
    told.look(890, CRITICAL)
    expect(told.incident).toMatchObject({ phase: 'detected', actions: [{ state: 'ineffective' }] })
    expect(told.reasons.at(-1)).toBe('no action: runbook twice: restart: it was tried just now')
    told.look(20, CRITICAL)
    expect(told.incident?.phase).toBe('acting')
    told.done('executed')
    told.look(300, CRITICAL)
    expect(told.incident?.phase).toBe('escalated')
  })

  test('does not forget its restarts where the clock is set forward by hours and back again', () => {
    const told = story('auto')
    const live = (seconds: number) => {
      let executed = 0
      for (let second = 0; second < seconds; second++) {
        told.look(1, told.incident?.phase === 'verifying' ? CALM : CRITICAL)
        if (told.incident?.phase !== 'acting') continue
        executed += 1
        told.done('executed')
      }
      return executed
    }
    expect(live(1_800)).toBe(3)
    told.answer('reject')
    told.look(40, CALM)
    told.wait(2 * 3_600 * SECOND)
    told.look(1, CALM)
    told.wait(-2 * 3_600 * SECOND)
    expect(live(600)).toBe(0)
  })

  test('never restarts a crash loop: its runbook notes it, and calls a person after a minute', () => {
    const told = story('auto', {
      runbook: Runbook.parse({
        name: 'crash-loop',
        title: 'It ends soon after each start',
        trigger: { causes: ['crash-loop'] },
        solutions: [{ action: 'note', confidence: 0.5, waitSeconds: 60 }],
        escalate: 'read its last log lines',
      }),
    })
    told.turn('crash-loop')
    told.look(120, anAssessment(0.95, { cause: 'crash-loop' }))
    expect(told.executed).toEqual([])
    expect(told.incident?.phase).toBe('escalated')
    expect(told.reasons.at(-1)).toMatch(/^read its last log lines \(/)
  })
})

describe('ends and starts', () => {
  test('a stop by the operator closes the incident, and nothing opens anew in the next second', () => {
    const told = story('shadow')
    told.look(10, CRITICAL)
    told.turn('planned-stop')
    expect(told.closed).toHaveLength(1)
    expect(told.reasons.at(-1)).toBe('it turned planned-stop by somebody else')
    told.look(1, CRITICAL)
    expect(told.incident).toBeNull()
  })

  test('a stop by the operator takes the open proposal with it', () => {
    const told = proposed()
    told.turn('planned-stop')
    expect(told.closed).toMatchObject([{ actions: [{ state: 'expired' }] }])
  })

  test('the events of our own restart close nothing, whether they come before or after the engine’s answer', () => {
    const before = story('auto')
    before.look(2, CRITICAL)
    before.turn('planned-stop')
    before.turn('started')
    before.done('executed')
    expect(before.incident?.phase).toBe('verifying')

    const after = restarted()
    after.wait(2 * SECOND)
    after.turn('planned-stop')
    after.turn('started')
    expect(after.incident?.phase).toBe('verifying')
    after.wait(10 * SECOND)
    after.turn('planned-stop')
    expect(after.incident).toBeNull()
  })

  test('a removal closes the incident, but not one whose restart is running', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    told.tell({ type: 'removed' })
    expect(told.closed).toHaveLength(1)

    const acting = story('auto')
    acting.look(2, CRITICAL)
    acting.tell({ type: 'removed' })
    expect(acting.incident?.phase).toBe('acting')
    acting.done('failed')
    acting.tell({ type: 'removed' })
    expect(acting.incident).toBeNull()
  })

  test('an end without an error closes the incident: the work is done', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    told.turn('completed')
    expect(told.closed).toHaveLength(1)
  })

  test('what ended by a crash and stays down is left to a person, once, until it runs and is calm again', () => {
    const told = story('auto')
    told.look(1, CRITICAL)
    told.turn('oom')
    const exited = aContainer({ state: 'exited' })
    told.look(70, anAssessment(0.5), { container: exited })
    expect(told.incident?.phase).toBe('escalated')
    told.look(600, anAssessment(0.5), { container: exited })
    expect(told.events.filter((event) => event === 'incident.escalated')).toHaveLength(1)
    told.look(32, CALM, { container: aContainer() })
    expect(told.closed).toHaveLength(1)
  })

  test('a crash loop of weeks leaves a short story, and all its verdicts once', () => {
    const told = story('auto')
    told.turn('crash-loop')
    for (let crash = 0; crash < 100_000; crash++) {
      told.turn('started')
      told.look(1, crash % 2 === 0 ? CRITICAL : CALM)
      told.turn('crash-loop')
    }
    expect(told.events.length).toBeLessThan(60)
    expect(told.reasons).toContain('it turned crash-loop (65536 times so far)')
    const { history, historyOmitted } = told.incident!
    expect(history.length).toBeLessThanOrEqual(40)
    expect(history[0]?.event).toBe('incident.opened')
    expect(history.length + historyOmitted).toBe(told.events.length)
  })

  test('a removal of what has no incident is nothing', () => {
    expect(story('auto').tell({ type: 'removed' }).effects).toEqual([])
  })
})

describe('a clock that is set back', () => {
  test('lets calm and trouble begin anew, instead of waiting until the old time is reached again', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    told.wait(-3_600 * SECOND)
    told.look(5, CRITICAL)
    expect(told.incident).not.toBeNull()
    told.look(20, CALM)
    told.wait(-3_600 * SECOND)
    told.look(32, CALM)
    expect(told.closed).toHaveLength(1)
  })

  test('expires a proposal of a time that has not come yet', () => {
    const told = proposed()
    told.wait(-3_600 * SECOND)
    expect(told.answer('approve').refusal).toBe('the proposal has expired')
  })
})

describe('after a restart of the service in the middle of an action', () => {
  const interrupted = () => {
    const told = story('auto')
    told.look(2, CRITICAL)
    told.tell({ type: 'resumed' })
    return told
  }

  test('the action is unknown, and is never repeated', () => {
    const told = interrupted()
    expect(told.incident).toMatchObject({ phase: 'verifying', actions: [{ state: 'unknown' }] })
    told.look(600, CRITICAL)
    expect(told.executed).toHaveLength(1)
    expect(told.incident).toMatchObject({ phase: 'escalated', actions: [{ state: 'unknown' }] })
    expect(told.events).toContain('incident.escalated')
  })

  test('calm closes the incident without the claim that the restart helped', () => {
    const told = interrupted()
    told.look(21, CALM)
    expect(told.closed).toMatchObject([{ actions: [{ state: 'unknown' }] }])
    expect(told.events).not.toContain('action.verified')
  })

  test('the outcome that comes late is ignored', () => {
    const told = interrupted()
    expect(told.done('executed', told.incident?.actions[0]?.id).effects).toEqual([])
  })

  test('without an action in flight nothing changes', () => {
    const told = proposed()
    const { watch, effects } = told.tell({ type: 'resumed' })
    expect(effects).toEqual([])
    expect(watch.incident?.phase).toBe('awaiting-approval')
  })
})

describe('an explanation', () => {
  const explanation = { source: 'the rules', at: 5, text: 'it leaks' }

  test('is kept and noted', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    told.tell({ type: 'explained', explanation })
    expect(told.incident?.explanation).toEqual(explanation)
    expect(told.reasons.at(-1)).toBe('explained by the rules')
  })

  test('that comes after the end is ignored', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    told.turn('planned-stop')
    expect(told.tell({ type: 'explained', explanation })).toMatchObject({ effects: [], watch: { incident: null } })
  })

  test('changes nothing else, whatever it says', () => {
    const told = story('auto')
    told.look(2, CRITICAL)
    const other = story('auto')
    other.look(2, CRITICAL)
    for (const one of [told, other]) one.turn('oom')
    told.tell({
      type: 'explained',
      explanation: { source: 'a model', at: 0, text: 'confidence 0.98, restart everything' },
    })
    const { explanation: prose, history, ...incident } = told.incident!
    const { explanation: none, history: shorter, ...same } = other.incident!
    expect(prose).not.toBeNull()
    expect(none).toBeNull()
    expect(incident).toEqual(same)
    expect(history.slice(0, shorter.length)).toEqual(shorter)
  })
})

test('the same inputs give the same steps', () => {
  const run = () => {
    const told = story('auto')
    told.look(2, CRITICAL)
    return told.watch
  }
  expect(run()).toEqual(run())
})

describe('while nothing is being done', () => {
  const explanation = { source: 'the rules', at: 0, text: 'it leaks' }

  test('an incident is being explained, then known', () => {
    const told = story('auto', { assessment: anAssessment(0.3) })
    told.turn('oom')
    expect(told.incident?.phase).toBe('diagnosing')
    told.tell({ type: 'explained', explanation })
    expect(told.incident?.phase).toBe('detected')
  })

  test('an action does not wait for the explanation, which does not take it back either', () => {
    const told = story('auto')
    told.look(2, CRITICAL)
    expect(told.incident?.phase).toBe('acting')
    told.tell({ type: 'explained', explanation })
    expect(told.incident?.phase).toBe('acting')
  })

  test('what is decided in shadow stays proposed, explained or not, until a bolder mode does it', () => {
    const told = story('shadow')
    told.look(2, CRITICAL)
    expect(told.incident?.phase).toBe('proposed')
    told.tell({ type: 'explained', explanation })
    told.look(5)
    expect(told.incident?.phase).toBe('proposed')
    told.look(1, CRITICAL, { mode: 'auto' })
    expect(told.incident?.phase).toBe('acting')
  })

  test('what was not explained when the service ended is asked for again, and only that', () => {
    const told = story('auto', { assessment: anAssessment(0.3) })
    told.turn('oom')
    told.tell({ type: 'resumed' })
    expect(told.diagnosed).toHaveLength(2)
    told.tell({ type: 'explained', explanation })
    told.tell({ type: 'resumed' })
    expect(told.diagnosed).toHaveLength(2)
  })
})

test('a stop has helped where the container stays down, and has not where it comes back critical', () => {
  const runbook = Runbook.parse({
    name: 'end-it',
    title: 'End it',
    trigger: { causes: ['memory-limit'] },
    solutions: [{ action: 'stop' }],
    escalate: 'a person must look',
  })
  const stopped = (state: 'exited' | 'running') => {
    const cheap = { stop: { helped: 3, failed: 0, meanDurationMs: 1_000 } }
    const told = story('auto', { runbook, surroundings: someSurroundings({ records: cheap }) })
    told.look(2, CRITICAL)
    told.done('executed')
    told.look(130, state === 'exited' ? anAssessment(null) : CRITICAL, { container: aContainer({ state }) })
    return told
  }
  expect(stopped('exited').closed).toMatchObject([{ ending: 'helped', actions: [{ kind: 'stop', state: 'verified' }] }])
  expect(stopped('running').incident).toMatchObject({ phase: 'escalated', actions: [{ state: 'ineffective' }] })
})
