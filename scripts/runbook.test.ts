import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../server/fixtures/temporary-folder.ts'
import { openDatabase } from '../server/store/database.ts'
import { createIncidentStore } from '../server/store/incidents.ts'
import { action, incident } from '../server/store/stand-ins.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const SHIPPED = 'server/act/runbooks'

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/runbook.ts', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('check says what is in order, and each mistake with its place', () => {
  expect(run('check', SHIPPED)).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^In order: cpu-.*unhealthy\.\n$/),
  })
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'a.yml'), 'name: a\ntitel: A\u001b[2J\n')
  const bad = run('check', folder, join(SHIPPED, 'hang.yml'))
  expect(bad.status).toBe(1)
  expect(bad.stdout).toContain(`${folder}/a.yml:2:1: unknown key "titel": did you mean title?\n`)
  expect(bad.stdout).not.toContain('\u001b')
  const json = JSON.parse(run('check', '--json', folder, join(SHIPPED, 'hang.yml')).stdout)
  expect(json.good).toEqual([{ file: join(SHIPPED, 'hang.yml'), name: 'hang' }])
  expect(json.problems[0]).toMatchObject({ line: 1, column: 1 })
  expect(run('check', join(folder, 'missing.yml')).status).toBe(1)
})

test('list shows the shipped ones and mine in their place', () => {
  const folder = temporaryFolder()
  writeFileSync(
    join(folder, 'mine.yml'),
    'name: hang\ntitle: Mine\nenabled: false\ntrigger: { causes: [unhealthy] }\nsolutions: [{ action: note }]\nescalate: x\n',
  )
  const { status, stdout } = run('list', folder)
  expect(status).toBe(0)
  expect(stdout).toContain(
    'memory-leak: Memory grows towards the limit\n  when  memory-limit, light critical; state is running',
  )
  expect(stdout).toContain('raise-memory-limit × 1.5 for 30 min, then restart')
  expect(stdout).toContain(
    `hang (not enabled): Mine\n  when  unhealthy, light critical\n  then  note\n  from  ${folder}`,
  )
  expect(JSON.parse(run('list', '--json').stdout).runbooks).toHaveLength(10)
})

test('try prints the sum and a line a firing', async () => {
  const data = temporaryFolder()
  const now = Date.now()
  const { snapshot } = incident(0)
  const assessment = {
    ...{ containerId: snapshot.image, at: now, probability: 0.91, light: 'critical' as const, cause: null },
    ...{ timeToLimitMs: null, cpuCoresForecast: null, memoryBytesForecast: null, cpuCoresFarForecasts: [] },
    ...{ memoryBytesFarForecasts: [], cpuZScore: null, memoryZScore: null, cpuAnomalyScore: null },
    ...{
      memoryAnomalyScore: null,
      logErrorsPerMinute: null,
      evidence: [],
      pidsTimeToLimit: null,
      timeToLimitLowerMs: null,
      timeToLimitUpperMs: null,
    },
  }
  const at = (secondsAgo: number) => now - secondsAgo * 1000
  const ended = (number: number, openedAt: number, text: string, changes = {}) =>
    incident(number, {
      openedAt,
      closedAt: openedAt + 60_000,
      ending: 'passed',
      snapshot: { ...snapshot, assessment },
      history: [{ at: openedAt + 60_000, event: 'incident.resolved', text }],
      ...changes,
    })
  {
    await using database = await openDatabase({
      path: join(data, 'dockerpulse.duckdb'),
      memoryLimitMegabytes: 64,
      now: Date.now,
    })
    const store = createIncidentStore(database)
    await store.save(ended(1, at(3000), 'the risk passed by itself'))
    const restarted = { actions: [{ ...action(9, 'verified'), startedAt: at(1995) }] }
    await store.save(ended(2, at(2000), 'the restart helped', restarted))
    await store.save(ended(3, at(40 * 86_400), 'the risk passed by itself'))
  }
  const mine = join(data, 'mine.yml')
  writeFileSync(
    mine,
    'name: mine\ntitle: Mine\ntrigger: { causes: [memory-limit] }\nsolutions: [{ action: restart }]\nescalate: x\n',
  )
  const { status, stdout, stderr } = run('try', mine, '--data', data)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const [sum, ...lines] = stdout.trimEnd().split('\n')
  expect(sum).toBe(
    'mine would have fired 2 times in 2 incidents of the last 7 days, 1 of them wrongly, 1 could not be told.',
  )
  expect(lines).toEqual([
    expect.stringMatching(/^20\S+ \S+Z {2}shop-web-1 {2}restart at 91 % {2}wrong {4}calmed by itself 1 min later$/),
    expect.stringMatching(
      /^20\S+ \S+Z {2}shop-web-1 {2}restart at 91 % {2}unknown {2}was acted on 5 s later: restart, verified$/,
    ),
  ])
  expect(JSON.parse(run('try', mine, '--data', data, '--days', '60', '--json').stdout).firings).toHaveLength(3)
})

test('try ends with a sentence where it cannot', () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'data'))
  const shipped = join(SHIPPED, 'hang.yml')
  expect(run('try', shipped, '--data', folder)).toMatchObject({
    status: 2,
    stderr: `there is no database in ${folder}: give the service's data folder with --data\n`,
  })
  expect(run('try', shipped, '--url', 'http://127.0.0.1:1')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('cannot be reached'),
  })
  expect(run('try', join(folder, 'no.yml')).status).toBe(1)
  expect(run('try', shipped, '--days', 'x').status).not.toBe(0)
})
