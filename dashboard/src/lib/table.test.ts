import { describe, expect, it } from 'vitest'
import { toCsv } from './csv.ts'
import { containersCsv, sortContainers } from './table.ts'
import { containerView } from './testing.ts'

describe('the table', () => {
  const containers = [
    containerView({ name: 'b', probability: 0.2 }),
    containerView({ name: 'none', probability: null }),
    containerView({ name: 'a', probability: 0.2 }),
    containerView({ name: 'c', probability: 0.9 }),
  ]
  const sorted = (descending: boolean) =>
    sortContainers(containers, { column: 'probability', descending }).map(({ name }) => name)

  it('sorts both ways, equal ones by name, unknown ones last', () => {
    expect(sorted(true)).toEqual(['c', 'a', 'b', 'none'])
    expect(sorted(false)).toEqual(['a', 'b', 'c', 'none'])
  })

  it('has no light for what does not run, and puts it last', () => {
    const ended = containerView({ name: 'a', state: 'exited', probability: null })
    const sort = { column: 'light', descending: false } as const
    expect(sortContainers([ended, containerView({ name: 'b' })], sort).map(({ name }) => name)).toEqual(['b', 'a'])
    expect(containersCsv([ended]).split('\r\n')[1]).toMatch(/^a{64},,a,shop,exited,,/)
  })

  it('becomes a file with plain figures', () => {
    const [header, row] = containersCsv([containerView({ light: 'critical' })]).split('\r\n')
    expect(header).toMatch(/^id,light,name,project,state,probability,cpuCores,/)
    expect(row).toMatch(/^a{64},critical,shop-api-1,shop,running,0.02,0.25,,104857600,,536870912,,0,shadow,/)
  })
})

describe('a CSV file', () => {
  it('quotes only what needs it', () => {
    expect(
      toCsv(
        ['a', 'b'],
        [
          ['x,y', 'say "hi"'],
          [1.5, null],
        ],
      ),
    ).toBe('a,b\r\n"x,y","say ""hi"""\r\n1.5,\r\n')
  })

  it('is no formula for a spreadsheet', () => {
    expect(toCsv(['a'], [['=HYPERLINK("x")'], ['-1'], [-1]])).toBe('a\r\n"\'=HYPERLINK(""x"")"\r\n\'-1\r\n-1\r\n')
  })
})
