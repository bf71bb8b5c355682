import { expect, it } from 'vitest'
import { grantOf, recordRows } from './earned.ts'
import { autonomyRecord } from './testing.ts'

it('shows what can be granted first, then the longest record, by the names people know', () => {
  const rows = recordRows(
    {
      records: [
        autonomyRecord({ containerKey: 'long', judged: 40 }),
        autonomyRecord({ containerKey: 'gone', judged: 2 }),
        autonomyRecord({ containerKey: 'good', judged: 20, suggestion: 'earned' }),
      ],
    },
    [
      { key: 'long', name: 'shop-db-1' },
      { key: 'good', name: 'shop-api-1' },
    ],
  )
  expect(rows.map(({ name, present }) => [name, present])).toEqual([
    ['shop-api-1', true],
    ['shop-db-1', true],
    ['gone', false],
  ])
})

it('grants what is suggested for that container alone, and says why', () => {
  expect(grantOf(autonomyRecord({ suggestion: 'earned', reason: '20 of 20 decisions were right' }))).toEqual({
    scope: 'container',
    name: 'shop-api-1',
    mode: 'earned',
    reason: 'its record suggests it (restart: 20 of 20 decisions were right)',
  })
  expect(grantOf(autonomyRecord({ reason: 'x'.repeat(900) })).reason).toHaveLength(500)
})
