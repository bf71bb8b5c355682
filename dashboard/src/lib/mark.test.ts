import { describe, expect, it } from 'vitest'
import type { ContainerView } from './api.ts'
import { asOfNow, countMarks, isRunning, markOf, markWord, stateBeside } from './mark.ts'
import { MESSAGES, TERMS } from './messages.ts'
import { containerView } from './testing.ts'

const IDLE = ['created', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const

const said = (different: Partial<ContainerView>) => {
  const container = containerView(different)
  return [
    markOf(container),
    markWord(container, TERMS.en, MESSAGES.en),
    stateBeside(container, TERMS.en),
    markWord(container, TERMS.es, MESSAGES.es),
  ]
}

describe('the mark and its word', () => {
  it('are the light of what runs and could be evaluated', () => {
    expect(said({})).toEqual(['low', 'low', null, 'bajo'])
    expect(said({ light: 'critical', probability: 0.9 })).toEqual(['critical', 'critical', null, 'crítico'])
  })

  it('do not call low what could not be evaluated', () => {
    expect(said({ probability: null, freshness: 'none' })).toEqual(['none', 'not evaluated', null, 'sin evaluar'])
    expect(said({ probability: null, freshness: 'stale' })[1]).toBe('stale')
    expect(said({ probability: null, freshness: 'stale', state: 'unknown' })[0]).toBe('none')
  })

  it.each(IDLE)('are the state of one that is %s, whatever its probability', (state) => {
    const word = TERMS.en.state[state]
    expect(said({ state, probability: null })).toEqual(['not-running', word, null, TERMS.es.state[state]])
    expect(said({ state, probability: 0.3 }).slice(0, 3)).toEqual(['not-running', word, null])
  })

  it('are the light, with the state beside it, of one that does not run and is in trouble', () => {
    expect(said({ state: 'restarting', light: 'critical' })).toEqual(['critical', 'critical', 'restarting', 'crítico'])
    expect(said({ state: 'exited', light: 'medium' }).slice(0, 3)).toEqual(['medium', 'medium', 'stopped'])
  })
})

it('counts as low only what runs and was evaluated', () => {
  const containers = [
    containerView(),
    containerView({ probability: null }),
    containerView({ state: 'exited' }),
    containerView({ state: 'restarting', light: 'critical' }),
  ]
  expect(countMarks(containers)).toEqual({ critical: 1, medium: 0, low: 1, none: 1, 'not-running': 1 })
  expect(containers.filter((container) => !isRunning(container))).toHaveLength(2)
})

describe('as of now', () => {
  const evidence = [{ feature: 'crashes', text: 'ended twice', value: 0.4, contribution: 1.2 }]
  const forecast = { horizonMs: 10_000, value: 1, lower: 0, upper: 2, lower80: 0.45, upper80: 0.55 }
  const before = { evidence, cpuCoresForecast: forecast, cause: 'crash-loop', probability: 0.3 } as const

  it('what runs stays as it is', () => {
    const container = containerView({ ...before, freshness: 'stale' })
    expect(asOfNow(container)).toBe(container)
  })

  it('one that ended has neither figures nor evidence, but its limits and the time of its last sample', () => {
    const container = containerView({ ...before, state: 'exited', freshness: 'stale' })
    expect(asOfNow(container)).toMatchObject({
      probability: null,
      cause: null,
      evidence: [],
      cpuCores: null,
      workingSetBytes: null,
      cpuCoresForecast: null,
      memoryLimitBytes: container.memoryLimitBytes,
      sampledAt: container.sampledAt,
    })
  })

  it('one that ended and is in trouble keeps what its light is made of', () => {
    expect(asOfNow(containerView({ ...before, state: 'restarting', light: 'critical' }))).toMatchObject({
      light: 'critical',
      probability: 0.3,
      cause: 'crash-loop',
      evidence,
      cpuCores: null,
    })
  })
})
