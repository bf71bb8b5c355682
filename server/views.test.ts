import { expect, test } from 'vitest'
import { ContainerView, IncidentView, SampleColumns } from './contracts/api.ts'
import { aContainer, anAction, anAssessment, anIncident, aSample } from './decide/incident-stand-in.ts'
import { containerView, incidentView, isoTime, sampleColumns } from './views.ts'

test('times are ISO 8601 with milliseconds', () => {
  expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z')
  expect(isoTime(1_772_366_400_007)).toBe('2026-03-01T12:00:00.007Z')
})

test('a container of which nothing is known yet fits the contract, with unknown as null', () => {
  const view = containerView({
    container: aContainer({ startedAt: null, memoryLimitBytes: null, cpuLimitCores: null }),
    mode: 'shadow',
    protectedBecause: null,
    sample: null,
    assessment: anAssessment(null),
    freshness: 'none',
    openIncidentId: null,
  })
  expect(ContainerView.strict().parse(view)).toEqual(view)
  expect(view).toMatchObject({ probability: null, sampledAt: null, cpuCores: null, startedAt: null, light: 'low' })
})

test('a container shows its own limits, not those of the reading', () => {
  const view = containerView({
    container: aContainer({ memoryLimitBytes: null }),
    mode: 'auto',
    protectedBecause: 'it is DockerPulse itself',
    sample: aSample({ memoryLimitBytes: 7 }),
    assessment: anAssessment(0.9),
    freshness: 'live',
    openIncidentId: null,
  })
  expect(ContainerView.strict().parse(view)).toEqual(view)
  expect(view.memoryLimitBytes).toBeNull()
})

test('an incident fits the contract, open and closed, explained and not', () => {
  for (const incident of [
    anIncident(),
    anIncident({ closedAt: 9, phase: 'resolved', explanation: { source: 'the rules', at: 8, text: 'it leaks' } }),
    anIncident({
      actions: [anAction({ finishedAt: null, state: 'proposed' })],
      snapshot: { ...anIncident().snapshot, startedAt: null },
    }),
  ]) {
    const view = incidentView(incident)
    expect(IncidentView.strict().parse(view)).toEqual(view)
    expect(Date.parse(view.openedAt)).toBe(incident.openedAt)
  }
})

test('columns fit the contract, also where nothing was stored of a column', () => {
  const query = { containerId: 'a'.repeat(64), fromMs: 0, toMs: 2_000, stepMs: 1_000 }
  const history = {
    tier: 'raw' as const,
    stepMs: 1_000,
    seen: { at: [0, 1_000], cpuCores: [0.5, null] },
    ahead: { at: [] },
  }
  const columns = sampleColumns(query, null, history, 10_000)
  expect(SampleColumns.strict().parse(columns)).toEqual(columns)
  expect(columns).toMatchObject({
    cpuCores: [0.5, null],
    workingSetBytes: [],
    memoryLimitBytes: null,
    forecastHorizonMs: 10_000,
  })
})
