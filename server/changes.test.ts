import { expect, test } from 'vitest'
import { createChanges } from './changes.ts'
import { aContainerView } from './http/service-stand-in.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const forecast = { horizonMs: 10_000, value: 0.5, lower: 0.4, upper: 0.6, lower80: 0.45, upper80: 0.55 }

test('a container is told whole the first time, then only what changed of it', () => {
  const changes = createChanges()
  const first = aContainerView({ id: A, cpuCores: 0.5 })
  expect(changes.take([first])).toEqual([first])
  expect(changes.take([aContainerView({ id: A, cpuCores: 0.6 })])).toEqual([{ id: A, cpuCores: 0.6 }])
  expect(changes.take([aContainerView({ id: A, cpuCores: 0.6 })])).toEqual([])
})

test('a forecast or a reason that was made anew and says the same is no change', () => {
  const changes = createChanges()
  const view = (value: number) => aContainerView({ id: A, cpuCoresForecast: { ...forecast, value }, evidence: [] })
  changes.take([view(0.5)])
  expect(changes.take([view(0.5)])).toEqual([])
  expect(changes.take([view(0.7)])).toEqual([{ id: A, cpuCoresForecast: { ...forecast, value: 0.7 } }])
  expect(changes.take([aContainerView({ id: A, cpuCoresForecast: null, evidence: [] })])).toEqual([
    { id: A, cpuCoresForecast: null },
  ])
})

test('one that is gone is named once; one that comes again is told whole', () => {
  const changes = createChanges()
  const [a, b] = [aContainerView({ id: A }), aContainerView({ id: B })]
  changes.take([a, b])
  expect(changes.forgetOthers(new Map([[B, b]]))).toEqual([A])
  expect(changes.forgetOthers(new Map([[B, b]]))).toEqual([])
  expect(changes.take([b, a])).toEqual([a])
  expect(changes.told()).toEqual([b, a])
})

test('those that are not taken are as they were', () => {
  const changes = createChanges()
  const [a, b] = [aContainerView({ id: A }), aContainerView({ id: B })]
  changes.take([a, b])
  expect(changes.take([aContainerView({ id: B, cpuCores: 0.7 })])).toEqual([{ id: B, cpuCores: 0.7 }])
  expect(changes.told()).toEqual([a, aContainerView({ id: B, cpuCores: 0.7 })])
})
