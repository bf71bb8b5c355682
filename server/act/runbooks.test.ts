import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cause, type Light } from '../contracts/assessment.ts'
import type { Facts } from '../contracts/runbook.ts'
import { chooseRunbook } from '../decide/runbook-match.ts'
import { someFacts } from '../decide/runbook-stand-in.ts'
import { parseRunbook } from './runbook-file.ts'
import { loadRunbooks, SHIPPED_RUNBOOKS } from './runbooks.ts'

const text = (name: string, title = 'A title') =>
  `name: ${name}\ntitle: ${title}\ntrigger: { causes: [unknown] }\nsolutions: [{ action: note }]\nescalate: look\n`

describe('a folder', () => {
  let folder: string
  let own: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dockerpulse-runbooks-'))
    own = join(folder, 'own')
    mkdirSync(own)
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content)

  test('of good and bad files gives the good ones, and says of each bad one why', () => {
    write('b.yml', text('b'))
    write('a.yaml', text('a'))
    write('typo.yml', text('typo').replace('escalate', 'escalte'))
    write('notes.txt', 'not ours')
    write('large.yml', `${text('large')}#${'x'.repeat(65 * 1024)}`)
    write('latin.yml', Buffer.from([0x6e, 0xe9, 0x0a]))
    write('twice.yml', text('b'))
    mkdirSync(join(folder, 'folder.yml'))
    symlinkSync(join(folder, 'nowhere'), join(folder, 'broken-link.yml'))
    symlinkSync(join(folder, 'loop.yml'), join(folder, 'loop.yml'))
    execFileSync('mkfifo', [join(folder, 'pipe.yml')])
    const { runbooks, problems } = loadRunbooks([folder])
    expect(runbooks.map(({ name }) => name)).toEqual(['a', 'b'])
    const said = Object.fromEntries(problems.map(({ file, text: what }) => [file.slice(folder.length + 1), what]))
    expect(said).toEqual({
      'broken-link.yml': expect.stringContaining('it cannot be read: ENOENT'),
      'folder.yml': 'it cannot be read: it is not a file',
      'large.yml': 'it cannot be read: it is larger than 64 KiB',
      'latin.yml': 'it cannot be read: it is not UTF-8 text',
      'loop.yml': expect.stringContaining('it cannot be read: ELOOP'),
      'pipe.yml': 'it cannot be read: it is not a file',
      'twice.yml': expect.stringContaining('b.yml is called b already: this one is left out'),
      'typo.yml': expect.stringMatching(/unknown key "escalte": did you mean escalate\?|escalate is missing/),
    })
  })

  test('may hold links to files elsewhere', () => {
    write('real.txt', text('linked'))
    symlinkSync(join(folder, 'real.txt'), join(own, 'linked.yml'))
    expect(loadRunbooks([own])).toMatchObject({ runbooks: [{ name: 'linked' }], problems: [] })
  })

  test('of the user takes the place of a shipped one of the same name', () => {
    write('a.yml', text('a', 'shipped'))
    write('b.yml', text('b', 'shipped'))
    writeFileSync(join(own, 'mine.yml'), text('a', 'mine'))
    const { runbooks, problems } = loadRunbooks([folder, own])
    expect(runbooks.map(({ name, title }) => [name, title])).toEqual([
      ['a', 'mine'],
      ['b', 'shipped'],
    ])
    expect(problems).toEqual([])
  })

  test.each([
    ['by the name in it', 'mine.yml', text('a').replace('note', 'nothing')],
    ['by its own name where it cannot be read', 'a.yml', 'name: [a'],
  ])('of the user with a broken replacement, known %s, leaves neither', (_, file, content) => {
    write('a.yml', text('a', 'shipped'))
    write('b.yml', text('b'))
    writeFileSync(join(own, file), content)
    const { runbooks, problems } = loadRunbooks([folder, own])
    expect(runbooks.map(({ name }) => name)).toEqual(['b'])
    expect(problems.at(-1)).toMatchObject({ file: join(own, file), text: expect.stringContaining('neither counts') })
  })

  test('that is not there is said, and the others count', () => {
    write('a.yml', text('a'))
    const { runbooks, problems } = loadRunbooks([folder, join(folder, 'missing')])
    expect(runbooks).toHaveLength(1)
    expect(problems).toEqual([
      { file: join(folder, 'missing'), line: 1, column: 1, text: expect.stringContaining('ENOENT') },
    ])
  })
})

test('the example of the page is in order', () => {
  const page = readFileSync(new URL('../../docs/runbooks.md', import.meta.url), 'utf8')
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  expect(parseRunbook('docs/runbooks.md', example)).toMatchObject({ name: 'cache-leak', problems: [] })
})

describe('the shipped runbooks', () => {
  const { runbooks, problems } = loadRunbooks([SHIPPED_RUNBOOKS])
  const calm = someFacts({
    probability: 0.9,
    state: 'running',
    health: 'none',
    cpuShareOfLimit: 0.3,
    memoryShareOfLimit: 0.5,
    oomKillsLastHour: 0,
    crashesLastHour: 0,
    restartCount: 0,
  })

  test('are ten, all in order, each in a file of its name', () => {
    expect(problems).toEqual([])
    expect(runbooks.map(({ name }) => name)).toEqual([
      'cpu-saturation',
      'crash-loop',
      'disk-pressure',
      'engine-trouble',
      'hang',
      'memory-leak',
      'noisy-neighbour',
      'oom-loop',
      'pid-exhaustion',
      'unhealthy',
    ])
  })

  test.each<[string, Partial<Facts>, Light]>([
    ['memory-leak', { cause: 'memory-limit', memoryShareOfLimit: 0.9, timeToLimitSeconds: 20 }, 'critical'],
    ['memory-leak', { cause: 'memory-limit', oomKillsLastHour: 1 }, 'critical'],
    ['oom-loop', { cause: 'memory-limit', oomKillsLastHour: 3 }, 'critical'],
    ['oom-loop', { cause: 'crash-loop', oomKillsLastHour: 3, crashesLastHour: 3, state: 'restarting' }, 'critical'],
    ['cpu-saturation', { cause: 'cpu-saturation', cpuShareOfLimit: 1, throttledShare: 0.9 }, 'critical'],
    ['cpu-saturation', { cause: 'cpu-saturation', cpuShareOfLimit: 1, hostCpuBusyShare: 0.95 }, 'critical'],
    ['crash-loop', { cause: 'crash-loop', crashesLastHour: 4, state: 'restarting' }, 'critical'],
    ['crash-loop', { cause: 'crash-loop', crashesLastHour: 2, oomKillsLastHour: null }, 'medium'],
    ['unhealthy', { cause: 'unhealthy', health: 'unhealthy' }, 'critical'],
    ['unhealthy', { cause: 'unhealthy', health: 'unhealthy', cpuShareOfLimit: null }, 'critical'],
    ['hang', { cause: 'unhealthy', health: 'unhealthy', cpuShareOfLimit: 0.001 }, 'critical'],
    [
      'noisy-neighbour',
      { cause: 'unhealthy', health: 'unhealthy', hostCpuBusyShare: 0.97, neighbourCpuShareOfHost: 0.8 },
      'critical',
    ],
    ['pid-exhaustion', { cause: 'unhealthy', health: 'unhealthy', pidsShareOfLimit: 0.98 }, 'critical'],
    ['pid-exhaustion', { cause: 'unknown', pidsShareOfLimit: 0.98, hostCpuBusyShare: 0.97 }, 'critical'],
    ['disk-pressure', { cause: 'unhealthy', health: 'unhealthy', hostDiskFreeShare: 0.01 }, 'critical'],
    ['disk-pressure', { cause: 'crash-loop', hostDiskFreeShare: 0.01, crashesLastHour: 3 }, 'medium'],
    ['engine-trouble', { cause: 'crash-loop', state: 'dead' }, 'critical'],
  ])('hold %s for %j', (name, facts, light) => {
    expect(chooseRunbook(runbooks, { ...calm, ...facts }, light).runbook?.name).toBe(name)
  })

  test.each(Cause.options)('do nothing on a low light, nor where nothing but %s is known', (cause) => {
    expect(chooseRunbook(runbooks, { ...calm, cause }, 'low').runbook).toBeNull()
    const { runbook } = chooseRunbook(runbooks, someFacts({ cause }), 'critical')
    expect(runbook?.solutions.every(({ action }) => action === 'note') ?? true).toBe(true)
  })

  test('never isolate or stop by themselves, and touch nothing below the operator’s threshold', () => {
    const steps = runbooks.flatMap(({ solutions }) => solutions)
    expect(steps.filter(({ action }) => action === 'isolate' || action === 'stop')).toEqual([])
    for (const { action, confidence = 0.85 } of steps)
      if (action !== 'note') expect(confidence).toBeGreaterThanOrEqual(0.85)
  })

  test.each(['crash-loop', 'disk-pressure', 'engine-trouble'])('%s only takes a note', (name) => {
    expect(runbooks.find((one) => one.name === name)?.solutions.map(({ action }) => action)).toEqual(['note'])
  })
})
