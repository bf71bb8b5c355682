import { expect, test } from 'vitest'
import type { Container } from '../contracts/telemetry.ts'
import { aContainer, aSample } from './incident-stand-in.ts'
import { dependentsOf, neededBy, surroundingsOf } from './surroundings.ts'

const named = (service: string, dependsOn = '', different: Partial<Container> = {}): Container =>
  aContainer({
    id: Buffer.from(service).toString('hex').padEnd(64, '0'),
    key: `shop/${service}/1`,
    name: `shop-${service}-1`,
    composeService: service,
    labels: { 'com.docker.compose.depends_on': dependsOn },
    ...different,
  })

const db = named('db')
const api = named('api', 'db:service_healthy:false,cache:service_started:true')
const web = named('web', 'api:service_started:false')
const cache = named('cache')
const other = named('db', '', { id: 'f'.repeat(64), composeProject: 'blog', name: 'blog-db-1', key: 'blog/db/1' })
const SHOP = [web, cache, other, api, db]

const names = (containers: readonly Container[]) => containers.map(({ composeService }) => composeService)
const world = { mayTouch: () => true, sampleOf: () => null, hostCores: 2, host: null }

test('who depends on it comes nearest first, also through others, of its own project alone', () => {
  expect(names(dependentsOf(db, SHOP))).toEqual(['api', 'web'])
  expect(dependentsOf(other, SHOP)).toEqual([])
  expect(dependentsOf(web, SHOP)).toEqual([])
  expect(names(neededBy(api, SHOP)).sort()).toEqual(['cache', 'db'])
})

test('a circle of dependents ends, and one that does not run needs no care', () => {
  const a = named('a', 'b')
  const b = named('b', 'a')
  expect(names(dependentsOf(a, [a, b]))).toEqual(['b'])
  expect(dependentsOf(a, [a, { ...b, state: 'exited' }])).toEqual([])
})

test('one that lives in its network depends on it, by id or by name', () => {
  for (const networkMode of [`container:${db.id}`, 'container:shop-db-1']) {
    const lodger = named('lodger', '', { networkMode })
    expect(names(dependentsOf(db, [db, lodger]))).toEqual(['lodger'])
    expect(surroundingsOf(db, [db, lodger], world)).toMatchObject({ sharesNetwork: true })
  }
  expect(surroundingsOf(db, SHOP, world)).toMatchObject({ sharesNetwork: false })
})

test('dependents that may not be touched make an ordered restart impossible', () => {
  expect(surroundingsOf(db, SHOP, { ...world, mayTouch: (one) => one !== web }).dependents).toBeNull()
  expect(surroundingsOf(db, SHOP, world).dependents?.map(({ name }) => name)).toEqual(['shop-api-1', 'shop-web-1'])
})

test('a noisy neighbour takes half of the host’s cores, may be touched, and is no dependent', () => {
  const sampleOf = (id: string) => aSample({ cpuCores: id === cache.id ? 1.2 : 0.1 })
  const neighbour = (different: object) => surroundingsOf(db, SHOP, { ...world, sampleOf, ...different }).neighbour
  expect(neighbour({})?.name).toBe('shop-cache-1')
  expect(neighbour({ hostCores: 4 })).toBeNull()
  expect(neighbour({ hostCores: null })).toBeNull()
  expect(neighbour({ mayTouch: () => false })).toBeNull()
  expect(neighbour({ sampleOf: (id: string) => aSample({ cpuCores: id === api.id ? 1.5 : 0 }) })).toBeNull()
})
