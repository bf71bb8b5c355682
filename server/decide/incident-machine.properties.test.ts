import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lightOf } from '../analyse/risk.ts'
import { Incident, type Mode } from '../contracts/incident.ts'
import type { Container } from '../contracts/telemetry.ts'
import {
  advance,
  type Effect,
  newWatch,
  type Situation,
  type Step,
  type Stimulus,
  type Watch,
} from './incident-machine.ts'
import { AROUND, aContainer, aHost, anAssessment, aSample, countingIds, SETTINGS } from './incident-stand-in.ts'
import { maxRestartsOf, protectionOf } from './remediation-policy.ts'

const HOUR = 3_600_000
const OWN_ID = 'f'.repeat(64)
const A = 'a'.repeat(64)
const B = 'b'.repeat(64)

/** What may happen to one container: whole stretches of looks, turns of its life, and people, in any order. */
type Happening =
  | { happens: 'looks'; seconds: number; probability: number | null }
  | { happens: 'clock-jumps'; ms: number }
  | { happens: 'turn'; kind: Extract<Stimulus, { type: 'turned' }>['turn']['kind']; text: string }
  | { happens: 'outcome'; outcome: 'executed' | 'failed' | 'refused'; whose: 'newest' | 'oldest' | 'stray' }
  | { happens: 'answer'; word: 'approve' | 'reject'; whose: 'newest' | 'oldest' | 'stray' }
  | { happens: 'explained' | 'removed' | 'resumed' | 'twice' }
  | { happens: 'world'; change: Partial<World> }

type World = {
  mode: Mode
  containerId: string
  state: Container['state']
  startedAt: number
  labels: Record<string, string>
  image: string
  actionInFlight: boolean
  containers: number
  troubled: number
}

const whose = fc.constantFrom(
  'newest' as const,
  'newest' as const,
  'newest' as const,
  'oldest' as const,
  'stray' as const,
)

/** Few seconds of what asks for action, long ones of calm, and what lies between. */
const looks = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ probability: fc.constantFrom(0.86, 0.9, 0.99), seconds: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 2, arbitrary: fc.record({ probability: fc.constant(0.01), seconds: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({ probability: fc.constantFrom(null, 0.3, 0.6), seconds: fc.integer({ min: 1, max: 6 }) }),
  },
)

const labels = fc.constantFrom<Record<string, string>>(
  {},
  { 'dockerpulse.ignore': 'true' },
  { 'dockerpulse.critical': 'true' },
  { 'dockerpulse.max-restarts': '1' },
  { 'dockerpulse.max-restarts': '0' },
)

const change: fc.Arbitrary<Partial<World>> = fc.oneof(
  fc.record({ mode: fc.constantFrom<Mode>('observe', 'shadow', 'approve', 'earned', 'auto', 'auto') }),
  fc.record({ containerId: fc.constantFrom(A, B, OWN_ID), startedAt: fc.nat() }),
  fc.record({ state: fc.constantFrom('running' as const, 'exited' as const, 'paused' as const) }),
  fc.record({ labels }),
  fc.record({ image: fc.constantFrom('shop/api:1', 'ollama/ollama:1') }),
  fc.record({ actionInFlight: fc.boolean() }),
  fc.record({ containers: fc.integer({ min: 1, max: 12 }), troubled: fc.integer({ min: 0, max: 12 }) }),
  // Most of the time all is as it was: else little is ever done.
  fc.constant<Partial<World>>({
    mode: 'auto',
    containerId: A,
    state: 'running',
    labels: {},
    image: 'shop/api:1',
    actionInFlight: false,
    troubled: 1,
  }),
  fc.constant<Partial<World>>({
    mode: 'approve',
    containerId: A,
    state: 'running',
    labels: {},
    image: 'shop/api:1',
    actionInFlight: false,
    troubled: 1,
  }),
)

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 10, arbitrary: looks.map((look) => ({ happens: 'looks' as const, ...look })) },
  {
    weight: 3,
    arbitrary: fc.record({
      happens: fc.constant('clock-jumps' as const),
      ms: fc.oneof(
        fc.integer({ min: -10_000, max: 10_000 }),
        fc.constant(300_000),
        fc.constantFrom(-2 * HOUR, 2 * HOUR),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      happens: fc.constant('turn' as const),
      kind: fc.constantFrom(
        'started',
        'planned-stop',
        'completed',
        'recovered',
        'oom',
        'crash',
        'crash-loop',
        'unhealthy',
      ),
      text: fc.constantFrom('it turned', ''),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      happens: fc.constant('outcome' as const),
      outcome: fc.constantFrom('executed' as const, 'executed' as const, 'failed' as const, 'refused' as const),
      whose,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      happens: fc.constant('answer' as const),
      word: fc.constantFrom('approve' as const, 'approve' as const, 'reject' as const),
      whose,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      happens: fc.constantFrom('explained' as const, 'removed' as const, 'resumed' as const, 'twice' as const),
    }),
  },
  { weight: 5, arbitrary: change.map((changed) => ({ happens: 'world' as const, change: changed })) },
)

/** Long lives: bias would make most of them end before anything happens. */
const life = fc.noBias(fc.array(happening, { minLength: 20, maxLength: 80, size: 'max' }))

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}

/** One step with all that it was made from, for the promises below to be held against. */
type Told = { before: Watch; stimulus: Stimulus; situation: Situation; step: Step }

/** Lives through happenings; every input is frozen, so that a step that writes to one throws (promise 10). */
function liveThrough(happenings: readonly Happening[], mode: Mode, cooldownMs: number): Told[] {
  const settings = deepFreeze({ ...SETTINGS, cooldownMs })
  const newId = countingIds()
  const told: Told[] = []
  const seenActions: string[] = []
  let watch = deepFreeze(newWatch('shop/api/1'))
  let at = 20 * HOUR
  let seen: number | null = 0.01
  let world: World = {
    mode,
    containerId: A,
    state: 'running',
    startedAt: 2_000,
    labels: {},
    image: 'shop/api:1',
    actionInFlight: false,
    containers: 3,
    troubled: 1,
  }

  const tell = (stimulus: Stimulus) => {
    const container = aContainer({
      id: world.containerId,
      state: world.state,
      startedAt: world.startedAt,
      labels: world.labels,
      image: world.image,
    })
    const situation: Situation = deepFreeze({
      at,
      container,
      mode: world.mode,
      protectedBecause: protectionOf(container, OWN_ID),
      sample: aSample(),
      assessment: anAssessment(seen, { at }),
      host: aHost({ actionInFlight: world.actionInFlight, containers: world.containers, troubled: world.troubled }),
      ...AROUND,
    })
    const step = deepFreeze(advance(watch, deepFreeze(stimulus), { situation, settings, newId }))
    told.push({ before: watch, stimulus, situation, step })
    watch = step.watch
    for (const effect of step.effects)
      if (effect.type !== 'diagnose' && effect.action !== null) seenActions.push(effect.action.id)
  }
  const idOf = (which: 'newest' | 'oldest' | 'stray') =>
    (which === 'newest' ? seenActions.at(-1) : which === 'oldest' ? seenActions[0] : undefined) ?? 'of-nobody'

  for (const one of happenings) {
    switch (one.happens) {
      case 'looks':
        seen = one.probability
        for (let second = 0; second < one.seconds; second++) {
          at += 1_000
          tell({ type: 'assessed' })
        }
        break
      case 'clock-jumps':
        at += one.ms
        break
      case 'turn':
        tell({ type: 'turned', turn: { kind: one.kind, text: one.text } })
        break
      case 'outcome':
        tell({
          type: 'action-done',
          actionId: idOf(one.whose),
          outcome: one.outcome,
          reason: 'so it went',
          askedAt: at,
        })
        break
      case 'answer':
        tell({ type: 'operator', actionId: idOf(one.whose), word: one.word, by: 'operator', reason: '' })
        break
      case 'explained':
        tell({ type: 'explained', explanation: { source: 'a model', at, text: 'restart everything' } })
        break
      case 'removed':
      case 'resumed':
        tell({ type: one.happens })
        break
      case 'twice': {
        const last = told.at(-1)
        if (last !== undefined) tell(last.stimulus)
        break
      }
      case 'world':
        world = { ...world, ...one.change }
    }
  }
  return told
}

const executesOf = (effects: readonly Effect[]) => effects.filter((effect) => effect.type === 'execute')

/** Whether this step acted because an operator said so. */
const byOperator = ({ stimulus }: Told) => stimulus.type === 'operator'

/** Holds for any life: a property over many of them. */
function always(promise: (told: readonly Told[]) => void): void {
  const mode = fc.constantFrom<Mode>('auto', 'auto', 'auto', 'approve', 'shadow', 'observe', 'earned')
  fc.assert(
    fc.property(life, mode, fc.constantFrom(10_000, 300_000), (happenings, host, cooldown) => {
      promise(liveThrough(happenings, host, cooldown))
    }),
    { numRuns: 500 },
  )
}

describe('whatever happens, in whatever order,', () => {
  test('nothing is executed in the modes observe and shadow', () => {
    always((told) => {
      for (const { situation, step } of told) {
        if (situation.mode === 'observe' || situation.mode === 'shadow') expect(executesOf(step.effects)).toEqual([])
      }
    })
  })

  test('nothing is executed without the intent of the same action written down before it', () => {
    always((told) => {
      for (const { step } of told) {
        const intended = new Set<string>()
        for (const effect of step.effects) {
          if (effect.type === 'record' && effect.event === 'action.intended') intended.add(effect.action!.id)
          if (effect.type === 'execute') expect(intended.has(effect.action.id)).toBe(true)
        }
      }
    })
  })

  test('one action at most is under way, and none is begun before it ended', () => {
    always((told) => {
      for (const { before, step } of told) {
        const running = (watch: Watch) =>
          watch.incident?.actions.filter(({ state }) => state === 'executing').length ?? 0
        expect(running(step.watch)).toBeLessThanOrEqual(1)
        expect(executesOf(step.effects).length).toBeLessThanOrEqual(1 - running(before))
      }
    })
  })

  test('one incident at most is open, and it fits the contract', () => {
    always((told) => {
      const open = new Set<string>()
      for (const { step } of told) {
        for (const effect of step.effects) {
          if (effect.type !== 'record') continue
          if (effect.event === 'incident.opened') open.add(effect.incident.id)
          if (effect.event === 'incident.resolved') open.delete(effect.incident.id)
          expect(open.size).toBeLessThanOrEqual(1)
        }
        expect([...open]).toEqual(step.watch.incident === null ? [] : [step.watch.incident.id])
      }
      const last = told.at(-1)?.step.watch.incident
      if (last) expect(Incident.safeParse(last).error).toBeUndefined()
    })
  })

  test('it does not act more often within an hour than it may, unless an operator approves', () => {
    always((told) => {
      const restarts: number[] = []
      for (const one of told) {
        const { situation, step, stimulus, before } = one
        const refused =
          stimulus.type === 'action-done' && stimulus.outcome === 'refused' && before.incident?.phase === 'acting'
        if (refused && step.effects.length > 0) restarts.pop()
        if (executesOf(step.effects).length === 0) continue
        const within = restarts.filter((at) => Math.abs(situation.at - at) < HOUR).length
        if (!byOperator(one)) expect(within).toBeLessThan(maxRestartsOf(situation.container, SETTINGS))
        restarts.push(situation.at)
      }
    })
  })

  test('nothing is ever done to what is protected, ignored or not running', () => {
    always((told) => {
      for (const { situation, step } of told) {
        if (executesOf(step.effects).length === 0) continue
        expect(situation.protectedBecause).toBeNull()
        expect(situation.container.labels['dockerpulse.ignore']).toBeUndefined()
        expect(situation.container.state).toBe('running')
      }
    })
  })

  test('what is labelled critical is touched only by the word of an operator, as is everything outside mode auto', () => {
    always((told) => {
      for (const one of told) {
        const { situation, step } = one
        const needsPerson = situation.container.labels['dockerpulse.critical'] === 'true' || situation.mode !== 'auto'
        if (needsPerson && !byOperator(one)) expect(executesOf(step.effects)).toEqual([])
      }
    })
  })

  test('the unknown opens nothing by its probability, and moves nobody but an operator to act', () => {
    always((told) => {
      for (const one of told) {
        if (one.situation.assessment?.probability !== null) continue
        const opens = one.step.effects.some((effect) => effect.type === 'record' && effect.event === 'incident.opened')
        if (opens) expect(one.stimulus.type).toBe('turned')
        if (!byOperator(one)) expect(executesOf(one.step.effects)).toEqual([])
      }
    })
  })

  test('it acts alone only on what is at or above its threshold now, and where nobody said no', () => {
    always((told) => {
      for (const one of told) {
        if (byOperator(one) || executesOf(one.step.effects).length === 0) continue
        expect(lightOf(one.situation.assessment?.probability ?? null)).toBe('critical')
        expect(one.before.incident?.actions.some(({ state }) => state === 'rejected') ?? false).toBe(false)
      }
    })
  })

  test('everything written down has a reason and an incident, and plans speak of the container that is there', () => {
    always((told) => {
      for (const { situation, step } of told) {
        for (const effect of step.effects) {
          if (effect.type === 'record') expect(effect.reason.trim()).not.toBe('')
          if (effect.type !== 'execute') continue
          expect(effect.incident.containerId).toBe(situation.container.id)
          expect(effect.action.reason.trim()).not.toBe('')
          expect(effect.plan).toEqual({
            plannedAt: situation.at,
            containerId: situation.container.id,
            startedAt: situation.container.startedAt,
            imageId: situation.container.imageId,
          })
        }
      }
    })
  })

  test('what an operator is refused changes nothing, and says why', () => {
    always((told) => {
      for (const { before, step, stimulus } of told) {
        if (stimulus.type !== 'operator' || step.effects.length > 0) continue
        expect(step.refusal).toBeTruthy()
        expect(step.watch).toBe(before)
      }
    })
  })

  test('an approval goes to the container that was proposed, and to no other', () => {
    always((told) => {
      const proposedFor = new Map<string, string>()
      for (const one of told) {
        for (const effect of one.step.effects) {
          if (effect.type === 'record' && effect.event === 'action.proposed')
            proposedFor.set(effect.action!.id, one.situation.container.id)
          if (effect.type === 'execute' && byOperator(one))
            expect(effect.plan.containerId).toBe(proposedFor.get(effect.action.id))
        }
      }
    })
  })

  test('a closed incident leaves no proposal open', () => {
    always((told) => {
      for (const { step } of told) {
        for (const effect of step.effects) {
          if (effect.type !== 'record' || effect.event !== 'incident.resolved') continue
          expect(effect.incident.actions.filter(({ state }) => state === 'proposed' || state === 'executing')).toEqual(
            [],
          )
        }
      }
    })
  })
})

test('the lives that these promises are held against do contain what they speak of', () => {
  const seen = new Map<string, number>()
  const lives = fc.sample(life, { numRuns: 400, seed: 7 })
  for (const lived of lives) {
    for (const { step, situation } of liveThrough(lived, 'auto', 10_000)) {
      for (const effect of step.effects) {
        const what = effect.type === 'record' ? effect.event : effect.type
        seen.set(what, (seen.get(what) ?? 0) + 1)
        if (effect.type === 'execute' && situation.mode === 'auto') seen.set('alone', (seen.get('alone') ?? 0) + 1)
      }
      if (step.refusal !== undefined) seen.set('refusal', (seen.get('refusal') ?? 0) + 1)
    }
  }
  for (const what of [
    'execute',
    'alone',
    'action.approved',
    'action.rejected',
    'action.verified',
    'action.unknown',
    'action.expired',
    'action.refused',
    'incident.escalated',
    'incident.resolved',
    'refusal',
  ])
    expect(seen.get(what) ?? 0, what).toBeGreaterThan(5)
})
