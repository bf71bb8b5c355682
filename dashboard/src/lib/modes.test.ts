import { expect, it } from 'vitest'
import { modeOf, outranks, scopesOf, setFor } from './modes.ts'
import { autonomy, containerView } from './testing.ts'

const container = containerView({ key: 'shop/api/1', composeProject: 'shop' })
const settings = autonomy().settings

it('says where a container has its mode from, the nearest first', () => {
  let known = autonomy()
  expect(modeOf(container, known)).toEqual({ mode: 'shadow', from: 'configuration' })
  known = { ...known, settings: { ...settings, host: 'approve' } }
  expect(modeOf(container, known)).toEqual({ mode: 'approve', from: 'host' })
  known = { ...known, settings: { ...known.settings, projects: { shop: 'earned' } } }
  expect(modeOf(container, known)).toEqual({ mode: 'earned', from: 'project' })
  known = { ...known, labelled: { 'shop/api/1': 'observe' } }
  expect(modeOf(container, known)).toEqual({ mode: 'observe', from: 'label' })
  known = { ...known, settings: { ...known.settings, containers: { 'shop/api/1': 'auto' } } }
  expect(modeOf(container, known)).toEqual({ mode: 'auto', from: 'container' })
})

it('knows which settings do not reach a container', () => {
  const labelled = autonomy({ labelled: { 'shop/api/1': 'observe' } })
  expect(outranks(container, 'host', labelled)).toBe('label')
  expect(outranks(container, 'project', labelled)).toBe('label')
  expect(outranks(container, 'container', labelled)).toBeNull()
  expect(outranks(container, 'host', autonomy())).toBeNull()
})

it('offers a project only where there is one', () => {
  expect(scopesOf(container).map(({ scope, name }) => [scope, name])).toEqual([
    ['container', 'shop/api/1'],
    ['project', 'shop'],
    ['host', ''],
  ])
  expect(scopesOf(containerView({ composeProject: null })).map(({ scope }) => scope)).toEqual(['container', 'host'])
})

it('takes nothing for a setting that every object has', () => {
  const odd = containerView({ key: 'constructor', composeProject: 'toString' })
  expect(modeOf(odd, autonomy()).from).toBe('configuration')
  expect(setFor({ scope: 'project', name: '__proto__' }, autonomy())).toBeNull()
})
