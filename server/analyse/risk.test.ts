import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Calibration } from '../contracts/assessment.ts'
import { type Feature, failureRisk, lightOf } from './risk.ts'

const calibrationOf = (intercept: number, weights: Record<string, number>): Calibration => ({
  version: 'test',
  provenance: { method: 'by hand', data: 'none', fittedAt: null, scores: {} },
  horizonMs: 60_000,
  intercept,
  weights,
})

const feature = (name: string, value: number, cause: Feature['cause'] = null): Feature => ({
  name,
  value,
  text: name,
  cause,
})

describe('the light', () => {
  test('turns medium at 50 % and critical at 85 %', () => {
    expect([0, 0.4999, 0.5, 0.8499, 0.85, 1].map(lightOf)).toEqual([
      'low',
      'low',
      'medium',
      'medium',
      'critical',
      'critical',
    ])
  })

  test('of the unknown is not lit, nor is that of a number that is none', () => {
    expect([null, Number.NaN].map(lightOf)).toEqual(['low', 'low'])
  })
})

describe('the failure model', () => {
  test('is the logistic function of a sum: -6 + 8 * 1 gives 88.1 %', () => {
    const { probability, cause, evidence } = failureRisk(
      [feature('unhealthy', 1, 'unhealthy'), feature('throttling', 0)],
      calibrationOf(-6, { unhealthy: 8, throttling: 1.5 }),
    )
    expect(probability).toBeCloseTo(1 / (1 + Math.exp(-2)), 12)
    expect(cause).toBe('unhealthy')
    expect(evidence).toEqual([{ feature: 'unhealthy', text: 'unhealthy', value: 1, contribution: 8 }])
  })

  test('shows all that counted: contributions and intercept add up to the logit of the probability', () => {
    const features = fc.array(
      fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), value: fc.double({ min: 0, max: 1, noNaN: true }) }),
      { maxLength: 6 },
    )
    const weight = fc.double({ min: -3, max: 3, noNaN: true })
    const weights = fc.record({ a: weight, b: weight, c: weight, d: weight })
    fc.assert(
      fc.property(features, weights, fc.double({ min: -6, max: 3, noNaN: true }), (seen, learnt, intercept) => {
        const calibration = calibrationOf(intercept, learnt)
        const { probability, evidence } = failureRisk(
          seen.map(({ name, value }) => feature(name, value)),
          calibration,
        )
        const shown = evidence.reduce((sum, { contribution }) => sum + contribution, intercept)
        expect(shown).toBeCloseTo(Math.log(probability / (1 - probability)), 6)
        const contributions = evidence.map(({ contribution }) => contribution)
        expect(contributions).toEqual(contributions.toSorted((a, b) => b - a))
      }),
    )
  })

  test('names the failure that most of the evidence points at together', () => {
    const { cause } = failureRisk(
      [
        feature('memory', 1, 'memory-limit'),
        feature('saturation', 0.7, 'cpu-saturation'),
        feature('throttling', 0.7, 'cpu-saturation'),
      ],
      calibrationOf(0, { memory: 1, saturation: 1, throttling: 1 }),
    )
    expect(cause).toBe('cpu-saturation')
  })

  test('names none where only what calms was seen', () => {
    expect(failureRisk([feature('rest', 1, 'unhealthy')], calibrationOf(0, { rest: -2 })).cause).toBeNull()
  })

  test('counts nothing for a feature without a weight, or without a finite value', () => {
    const { probability, evidence } = failureRisk(
      [feature('unheard-of', 1), feature('unhealthy', Number.NaN)],
      calibrationOf(-6, { unhealthy: 8 }),
    )
    expect(probability).toBeCloseTo(1 / (1 + Math.exp(6)), 12)
    expect(evidence).toEqual([])
  })
})
