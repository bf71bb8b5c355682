import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Container } from './contracts/telemetry.ts'
import { aContainer, anAssessment, aSample } from './decide/incident-stand-in.ts'
import { changesBetween, maskedContainer, maskedLog, maskedProcesses, neighboursOf, visible } from './evidence.ts'
import type { Tracked } from './guard.ts'

describe('log lines', () => {
  test('are masked, in their order', () => {
    expect(maskedLog(['connecting with password=hunter2', 'java.lang.OutOfMemoryError: heap'])).toEqual([
      'connecting with password=<secret>',
      'java.lang.OutOfMemoryError: heap',
    ])
  })

  test('of a private key say that there was one', () => {
    const key = ['-----BEGIN RSA PRIVATE KEY-----', 'ab/cd/ef', 'gh/ij', '-----END RSA PRIVATE KEY-----']
    expect(maskedLog(['before', ...key, 'after'])).toEqual(['before', '<secret>', 'after'])
    expect(maskedLog(['x -----BEGIN PRIVATE KEY----- ab/cd -----END PRIVATE KEY-----', 'after'])).toEqual([
      '<secret>',
      'after',
    ])
  })

  test('are the newest that fit into 64 KiB, whatever comes', () => {
    const lines = Array.from({ length: 5000 }, () => '"é'.repeat(400))
    const kept = maskedLog([...lines, 'the last one'])
    expect(kept.at(-1)).toBe('the last one')
    expect(kept.length).toBeGreaterThan(50)
    expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThanOrEqual(64 * 1024 + 2)
  })

  test('have nothing invisible in them', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }), (lines) => {
        for (const line of maskedLog(lines)) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }),
    )
  })
})

describe('processes', () => {
  test('keep their figures; their command lines are masked', () => {
    const table = maskedProcesses({
      titles: ['UID', 'PID', '%CPU', 'TIME', 'CMD'],
      processes: [
        ['root', '4711', '12.5', '00:01:02', 'redis-server --requirepass opensesame'],
        ['root', '4712', '0.0', '00:00:00', 'psql postgres://shop:opensesame@db/shop'],
        ['root', '4713', '0.0', '00:00:00', '271828182845'],
      ],
    })
    expect(table.processes[0]).toEqual(['root', '4711', '12.5', '00:01:02', 'redis-server --requirepass=<secret>'])
    expect(JSON.stringify(table)).not.toMatch(/opensesame|271828/)
  })

  test('are the first that fit', () => {
    const row = ['1', 'x'.repeat(5000)]
    const { processes } = maskedProcesses({ titles: ['PID', 'CMD'], processes: Array(10_000).fill(row) })
    expect(Buffer.byteLength(JSON.stringify(processes))).toBeLessThanOrEqual(40 * 1024 + 2)
    expect(processes.length).toBeGreaterThan(100)
  })
})

describe('the container', () => {
  test('has its labels masked, by their values and by their names', () => {
    const { labels } = maskedContainer(
      aContainer({ labels: { 'api.token': 'mellon', users: 'eva:opensesame@x.example', team: 'shop' } }),
    )
    expect(labels).toMatchObject({ 'api.token': '<secret>', team: 'shop' })
    expect(JSON.stringify(labels)).not.toMatch(/mellon|opensesame/)
  })

  test('is nothing but what the contract names: no environment, whatever the engine says', () => {
    const inspected = { ...aContainer(), env: ['DB_PASSWORD=opensesame'], Config: { Env: ['A=opensesame'] } }
    expect(JSON.stringify(maskedContainer(inspected))).not.toContain('opensesame')
    expect(Object.keys(Container.shape).filter((field) => /env/i.test(field))).toEqual([])
  })

  test('has as many labels as fit', () => {
    const labels = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`label-${n}`, 'x'.repeat(500)]))
    expect(JSON.stringify(maskedContainer(aContainer({ labels }))).length).toBeLessThan(20 * 1024)
  })
})

describe('what changed since it ran well', () => {
  test('is named field by field, with times to be read', () => {
    const good = aContainer({ labels: { team: 'shop', token: 'old' } })
    const now = aContainer({
      image: 'shop/api:1.5',
      startedAt: 5_000,
      memoryLimitBytes: null,
      oomKilled: true,
      labels: { token: 'new', tier: 'web' },
    })
    expect(changesBetween(good, now)).toEqual([
      { field: 'image', before: 'shop/api:1.4', after: 'shop/api:1.5' },
      { field: 'startedAt', before: '1970-01-01T00:00:02.000Z', after: '1970-01-01T00:00:05.000Z' },
      { field: 'oomKilled', before: false, after: true },
      { field: 'memoryLimitBytes', before: 128 * 1024 ** 2, after: null },
      { field: 'labels.team', before: 'shop', after: null },
      { field: 'labels.tier', before: null, after: 'web' },
      { field: 'labels.token', before: '<secret>', after: '<secret>' },
    ])
  })

  test('is nothing where nothing changed', () => expect(changesBetween(aContainer(), aContainer())).toEqual([]))
})

describe('neighbours', () => {
  const one = (name: string, project: string | null, cpuCores: number, workingSetBytes = 0): Tracked => ({
    container: aContainer({ id: name.padEnd(64, '0'), name, composeProject: project }),
    mode: 'shadow',
    protectedBecause: null,
    sample: aSample({ cpuCores, workingSetBytes }),
    assessment: anAssessment(0.1),
    freshness: 'live',
    openIncidentId: null,
  })

  test('are those of the project first, then the busiest, and never the container itself', () => {
    const self = one('self', 'shop', 9)
    const host = [self, one('idle', null, 0), one('busy', null, 3), one('fat', null, 0, 2e9), one('db', 'shop', 0.1)]
    expect(neighboursOf(self.container.id, 'shop', host).map(({ name, relation }) => [name, relation])).toEqual([
      ['db', 'project'],
      ['fat', 'busy'],
      ['busy', 'busy'],
      ['idle', 'busy'],
    ])
  })

  test('of nobody’s project are the busiest alone', () => {
    expect(neighboursOf('x', null, [one('a', null, 1), one('b', 'shop', 2)]).map(({ relation }) => relation)).toEqual([
      'busy',
      'busy',
    ])
  })

  test('are eight, of a thousand', () => {
    const host = Array.from({ length: 1000 }, (_, n) => one(`${n}-`, 'shop', n))
    expect(neighboursOf('x', 'shop', host).map(({ name }) => name)).toEqual(
      [999, 998, 997, 996, 995, 994, 993, 992].map((n) => `${n}-`),
    )
  })
})

test('a name stays what it is, without what hides or turns it', () => {
  expect(visible('safe\u202egnp.exe\u0000')).toBe('safe gnp.exe ')
})
