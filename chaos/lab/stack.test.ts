import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findCompose, ROOT } from './compose-file.ts'

/** `npm run test:stack` builds the images and sets it: the whole shop is too much for the side of other tests. */
const WANTED = process.env.DOCKERPULSE_TEST_STACK === '1'
const ENV_FILE = `${ROOT}.env.lab`
const PREFIX = 'dockerpulse-test-stack-'
const PROJECT = `${PREFIX}${process.pid}`
const UP_WITHIN_MS = 240_000
const SHIPPED_WITHIN_MS = 30_000
const DEMO = ['load', 'nginx', 'order-worker', 'postgres', 'rabbitmq', 'redis', 'shop-api', 'shop-api']

async function run(command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, LAB_PORT: '0' }
  const { stdout } = await promisify(execFile)(command, args, { cwd: ROOT, env, maxBuffer: 16 * 1024 * 1024 })
  return stdout.trim()
}
const [program, ...before] = findCompose() ?? ['docker-compose']
const composeOf = (project: string, ...args: string[]) =>
  run(program!, ...before, '--project-name', project, '--env-file', ENV_FILE, '--profile', 'demo', ...args)
const compose = (...args: string[]) => composeOf(PROJECT, ...args)
const docker = (...args: string[]) =>
  run('docker', ...(process.env.DOCKER_HOST ? ['-H', process.env.DOCKER_HOST] : []), ...args)

const takeDown = (project: string) => composeOf(project, 'down', '--volumes', '--timeout', '10')

/** Of runs that were killed. */
async function takeDownLeftOvers(): Promise<void> {
  const projects = await docker('ps', '--all', '--format', '{{.Label "com.docker.compose.project"}}')
  for (const project of new Set(projects.split('\n')))
    if (project.startsWith(PREFIX) && !existsSync(`/proc/${project.slice(PREFIX.length)}`)) await takeDown(project)
}

async function eventually<T>(withinMs: number, look: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms`)
    await sleep(500)
  }
}

describe.runIf(WANTED)('the shop of docker-compose.yml from stand-ins', () => {
  let entrance = ''

  const place = async (): Promise<number> => {
    const response = await fetch(`${entrance}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sku: 'sku-7', quantity: 2 }),
    })
    expect(response.status).toBe(201)
    return ((await response.json()) as { id: number }).id
  }
  const stateOf = async (id: number) =>
    ((await (await fetch(`${entrance}/orders/${id}`)).json()) as { state: string }).state
  const shipped = (id: number) =>
    eventually(SHIPPED_WITHIN_MS, async () => ((await stateOf(id)) === 'shipped' ? true : undefined))
  const sqlOf = (query: string) =>
    compose('exec', '-T', 'postgres', 'psql', 'postgresql://shop:shop@127.0.0.1/shop', '-Atc', query)

  beforeAll(async () => {
    if (!existsSync(ENV_FILE)) throw new Error(`${ENV_FILE} is missing: npm run lab-images`)
    await takeDownLeftOvers()
    await compose('up', '--detach', '--no-build', 'load', 'order-worker')
    entrance = `http://${await compose('port', 'nginx', '8080')}`
  }, UP_WITHIN_MS)

  afterAll(async () => {
    await takeDown(PROJECT)
    const label = `label=com.docker.compose.project=${PROJECT}`
    for (const kind of [
      ['ps', '-a'],
      ['network', 'ls'],
      ['volume', 'ls'],
    ])
      expect(await docker(...kind, '--quiet', '--filter', label)).toBe('')
  }, 60_000)

  test('all of it becomes healthy', { timeout: UP_WITHIN_MS }, async () => {
    const healthy = await eventually(UP_WITHIN_MS, async () => {
      const filters = ['--filter', `label=com.docker.compose.project=${PROJECT}`, '--filter', 'health=healthy']
      const names = await docker('ps', ...filters, '--format', '{{.Label "com.docker.compose.service"}}')
      return names.split('\n').length === DEMO.length ? names.split('\n').sort() : undefined
    })
    expect(healthy).toEqual(DEMO)
  })

  test('an order goes through the entrance, the API, the database, the queue and the worker', async () => {
    const id = await place()
    await shipped(id)
    expect(await sqlOf(`select sku, quantity, state from orders where id = ${id}`)).toBe('sku-7|2|shipped')
  })

  test('orders wait in the queue while the worker is away', { timeout: 90_000 }, async () => {
    await compose('stop', 'order-worker')
    const id = await place()
    await sleep(2_000)
    expect(await stateOf(id)).toBe('placed')
    await compose('start', 'order-worker')
    await shipped(id)
  })

  test('products are read from the database once, then from the cache', async () => {
    const sources: (string | null)[] = []
    for (let asked = 0; asked < 3; asked++)
      sources.push((await fetch(`${entrance}/products/sku-50`)).headers.get('x-source'))
    expect(sources.slice(1)).toContain('cache')
  })

  test('the entrance asks both replicas, and shows the worker’s route to nobody', async () => {
    const replicas = new Set<string | null>()
    for (let asked = 0; asked < 30; asked++)
      replicas.add((await fetch(`${entrance}/products/sku-1`)).headers.get('x-served-by'))
    expect(replicas.size).toBe(2)
    expect((await fetch(`${entrance}/orders/1/shipped`, { method: 'POST' })).status).toBe(404)
  })

  test('one replica away costs the load no answer', { timeout: 90_000 }, async () => {
    const [replica] = (await compose('ps', '--quiet', 'shop-api')).split('\n')
    const since = new Date().toISOString()
    await docker('stop', '--time', '5', replica!)
    await sleep(8_000)
    await docker('start', replica!)
    const lines = (await compose('logs', '--no-color', '--no-log-prefix', 'load'))
      .split('\n')
      .flatMap((line) =>
        line.startsWith('{') ? [JSON.parse(line) as { at: string; requests: number; failed: number }] : [],
      )
      .filter(({ at }) => at > since)
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0)
    expect(sum(lines.map(({ requests }) => requests))).toBeGreaterThan(50)
    expect(sum(lines.map(({ failed }) => failed))).toBeLessThanOrEqual(2)
  })
})
