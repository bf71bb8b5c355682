import { expect, test } from 'vitest'
import { aContainer } from './incident-stand-in.ts'
import { type ModeOverrides, modeOf, NO_OVERRIDES } from './modes.ts'

const of = (overrides: Partial<ModeOverrides>, labels: Record<string, string> = {}) =>
  modeOf(aContainer({ labels }), 'shadow', { ...NO_OVERRIDES, ...overrides })

test('what is set for the container comes before its label, its project, the host and the configuration', () => {
  const label = { 'dockerpulse.mode': 'approve' }
  const all = { host: 'observe', projects: { shop: 'earned' }, containers: { 'shop/api/1': 'auto' } } as const
  expect(of(all, label)).toEqual({ mode: 'auto', from: 'container' })
  expect(of({ ...all, containers: {} }, label)).toEqual({ mode: 'approve', from: 'label' })
  expect(of({ ...all, containers: {} })).toEqual({ mode: 'earned', from: 'project' })
  expect(of({ host: 'observe' })).toEqual({ mode: 'observe', from: 'host' })
  expect(of({})).toEqual({ mode: 'shadow', from: 'configuration' })
})

test('a container or project called like a thing of JavaScript has no mode by that', () => {
  expect(modeOf(aContainer({ key: '__proto__', composeProject: 'constructor' }), 'shadow', NO_OVERRIDES)).toEqual({
    mode: 'shadow',
    from: 'configuration',
  })
})
