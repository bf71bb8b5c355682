import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { findCompose, ROOT, readComposeFile } from './compose-file.ts'
import { summarise, totalOf } from './load/summary.ts'
import { frame, method, splitFrames } from './order-worker/amqp-frames.ts'

const { services, networks } = readComposeFile()
const all = Object.entries(services)
const targets = all.filter(([, { profiles }]) => profiles.includes('demo') || profiles.includes('oracle'))
const ID = 'a'.repeat(64)

const compose = findCompose()
if (compose === null && process.env.DOCKERPULSE_TEST_REQUIRE === 'all')
  throw new Error('docker-compose is missing: apt-get install docker-compose')

describe.skipIf(compose === null)('docker-compose', () => {
  const config = (profiles: string[], env: Record<string, string>) =>
    spawnSync(
      compose![0]!,
      [
        ...compose!.slice(1),
        ...['--env-file', `${ROOT}.env.example`, '--file', `${ROOT}docker-compose.yml`],
        ...profiles.flatMap((profile) => ['--profile', profile]),
        ...['config', '--quiet'],
      ],
      { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } },
    )
  const token = { DOCKERPULSE_TOKEN: 'sixteen-characters' }

  test.each([[[]], [['demo']], [['demo', 'oracle']], [['llm']], [['demo', 'oracle', 'llm']]])(
    'takes the file with profiles %j',
    (profiles) => {
      expect(config(profiles, token)).toMatchObject({ status: 0, stderr: '' })
    },
  )

  test('asks for a token, for the program listens on all addresses of its container', () => {
    const { status, stderr } = config([], {})
    expect(status).not.toBe(0)
    expect(stderr).toContain('openssl rand -hex 24')
  })
})

describe('every service', () => {
  test('the demo has the services of a production-like stack, and oracle is apart', () => {
    expect(targets.map(([name]) => name).sort()).toEqual(
      ['load', 'nginx', 'oracle', 'order-worker', 'postgres', 'rabbitmq', 'redis', 'shop-api'].sort(),
    )
    expect(services.oracle?.profiles).toEqual(['oracle'])
    expect(services.ollama?.profiles).toEqual(['llm'])
  })

  test.each(all)('%s: image by a variable and with a pinned tag', (name, { image }) => {
    expect(image).toMatch(/:\d+\.\d+/)
    expect(image).not.toContain('latest')
    const text = readFileSync(`${ROOT}docker-compose.yml`, 'utf8')
    expect(text).toMatch(new RegExp(`\n  ${name}:\n(    .*\n)*?    image: \\$\\{[A-Z_]+_IMAGE:-`))
  })

  test.each(all)('%s: limits, log rotation, a restart policy and a health check without curl', (_, service) => {
    expect(service.mem_limit).toMatch(/^\d+[mg]$/)
    expect(service.cpus).toBeGreaterThan(0)
    expect(service.pids_limit).toBeGreaterThan(0)
    expect(service.logging).toEqual({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } })
    expect(service.restart).toBe('unless-stopped')
    expect(service.healthcheck.test.join(' ')).not.toContain('curl')
  })

  test.each(all)('%s: no rights beyond its work', (_, service) => {
    expect(service).toMatchObject({ privileged: false, cap_add: [], security_opt: ['no-new-privileges:true'] })
    expect(service.network_mode ?? service.pid).toBeUndefined()
    for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  })

  test.each(targets)('%s: may be broken on purpose, and swap does not blur its memory limit', (_, service) => {
    expect(service.labels).toMatchObject({ 'dockerpulse.chaos': 'allowed' })
    expect(service.memswap_limit).toBe(service.mem_limit)
  })

  test.each(targets)('%s: says in its label what it needs, for compose 1.29 does not', (_, service) => {
    const said = service.labels['dockerpulse.depends-on']?.split(', ') ?? []
    expect(said.sort()).toEqual(Object.keys(service.depends_on).sort())
  })

  test('the program, its proxy and its model may not be broken, and are never healed', () => {
    for (const name of ['dockerpulse', 'socket-proxy', 'ollama'])
      expect(services[name]?.labels).toEqual({ 'dockerpulse.ignore': 'true' })
  })
})

test('the image starts the program with the flags and the environment of npm start', () => {
  const { config, scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8'))
  const dockerfile = readFileSync(`${ROOT}Dockerfile`, 'utf8')
  const command = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)![1]!)
  expect(command).toEqual(['node', ...config.node_flags.split(' '), 'server/main.ts'])
  const variables = [...scripts.start.matchAll(/\b([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value])
  expect(variables.map(([name]) => name)).toContain('MALLOC_ARENA_MAX')
  for (const [name, value] of variables) {
    const told = value.replace('$npm_package_config_database_memory', config.database_memory)
    const ofImage = told.replace('$npm_package_config_compile_cache', `/app/${config.compile_cache}`)
    expect(dockerfile, name).toContain(`${name}=${ofImage}`)
  }
})

describe('the program and its proxy', () => {
  test('run without capabilities, not as root, on a read-only file system', () => {
    for (const name of ['dockerpulse', 'socket-proxy']) {
      expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
      expect(services[name]?.user).not.toMatch(/^(0|root)(:|$)/)
    }
  })

  test('only the proxy has the socket, and only the program reaches the proxy', () => {
    const withSocket = all.filter(([, { volumes }]) => volumes.some((volume) => volume.includes('docker.sock')))
    expect(withSocket.map(([name]) => name)).toEqual(['socket-proxy'])
    expect(networks.engine?.internal).toBe(true)
    expect(all.filter(([, service]) => service.networks.includes('engine')).map(([name]) => name)).toEqual([
      'dockerpulse',
      'socket-proxy',
    ])
    expect(services['socket-proxy']?.command).toContain('-allowfrom=dockerpulse')
  })

  test("the program sees the host's figures and cannot write them", () => {
    expect(services.dockerpulse?.volumes).toEqual([
      'dockerpulse-data:/data',
      '/sys/fs/cgroup:/host/cgroup:ro',
      '/proc:/host/proc:ro',
    ])
  })

  /** As wollomatic/socket-proxy reads its arguments: one expression for each method, for the whole path. */
  const allows = (request: string, env: Record<string, string> = {}) => {
    const [verb, path] = request.split(' ') as [string, string]
    return readComposeFile(env)
      .services['socket-proxy']!.command.map((argument) => /^-allow([A-Z]+)=(.*)$/.exec(argument))
      .some((rule) => rule !== null && rule[1] === verb && new RegExp(`^(?:${rule[2]})$`).test(path))
  }

  test.each([
    'GET /_ping',
    'GET /v1.41/version',
    'GET /info',
    'GET /events',
    'GET /containers/json',
    `GET /containers/${ID}/json`,
    `GET /containers/${ID}/stats`,
    `GET /v1.51/containers/${ID}/logs`,
    `GET /containers/${ID}/top`,
    `POST /containers/${ID}/restart`,
  ])('the proxy lets through %s', (request) => {
    expect(allows(request)).toBe(true)
  })

  test.each([
    'POST /containers/create',
    `POST /containers/${ID}/exec`,
    `POST /containers/${ID}/kill`,
    `POST /containers/${ID}/stop`,
    'POST /containers/nginx/restart',
    `POST /containers/${ID}/restart/../../create`,
    `PUT /containers/${ID}/archive`,
    `GET /containers/${ID}/archive`,
    `GET /containers/${ID}/export`,
    `GET /containers/${ID}/json/x`,
    `DELETE /containers/${ID}`,
    'GET /images/json',
    'GET /secrets',
    'POST /build',
    `HEAD /containers/${ID}/json`,
  ])('the proxy refuses %s', (request) => {
    expect(allows(request)).toBe(false)
  })

  test('further remedies are allowed one by one', () => {
    const env = { SOCKET_PROXY_ACTIONS: 'restart|update' }
    expect(allows(`POST /containers/${ID}/update`, env)).toBe(true)
    expect(allows(`POST /containers/${ID}/stop`, env)).toBe(false)
  })
})

describe("the lab's own services", () => {
  test('the load says which share was answered, and how fast by nearest rank', () => {
    const outcomes = [10, 20, 30, 40].map((milliseconds) => ({ milliseconds, failure: null as string | null }))
    outcomes.push({ milliseconds: 2_000, failure: 'TimeoutError' })
    const summary = summarise(outcomes)
    expect(summary).toEqual({
      requests: 5,
      failed: 1,
      availability: 0.8,
      p50Ms: 30,
      p95Ms: 2_000,
      failures: { TimeoutError: 1 },
    })
    expect(totalOf([summary, summary])).toMatchObject({ requests: 10, failed: 2, failures: { TimeoutError: 2 } })
    expect(summarise([])).toMatchObject({ availability: null, p50Ms: null })
  })

  test('the worker reads frames of AMQP however they arrive', () => {
    const sent = Buffer.concat([frame(8, 0, Buffer.alloc(0)), method(1, 'basicQosOk')])
    const whole = splitFrames(sent)
    expect(whole.frames.map(({ type, channel }) => [type, channel])).toEqual([
      [8, 0],
      [1, 1],
    ])
    const first = splitFrames(sent.subarray(0, 13))
    expect(first.frames).toHaveLength(1)
    expect(splitFrames(Buffer.concat([first.rest, sent.subarray(13)])).frames).toEqual(whole.frames.slice(1))
    expect(() => splitFrames(Buffer.from('HTTP/1.1 400'))).not.toThrow()
    expect(() => splitFrames(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))).toThrow('not a frame')
  })
})
