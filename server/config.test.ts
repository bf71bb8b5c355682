import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseConfig, readEnv } from './config.ts'
import { ConfigError } from './errors.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'

const TOKEN = 'a-token-of-enough-characters'
const configOf = (env: Record<string, string>) => parseConfig(readEnv(env))

function errorOf(env: Record<string, string>): string {
  try {
    configOf(env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message
  }
  throw new Error('it was accepted')
}

const DEFAULTS = {
  host: '127.0.0.1',
  port: 7070,
  allowedHosts: [],
  token: null,
  viewerToken: null,
  dataFolder: './data',
  mode: 'shadow',
  threshold: 0.85,
  cooldownMs: 300_000,
  maxRestartsPerHour: 3,
  budgetShare: 0.1,
  quietHours: null,
  minJudged: 5,
  minPrecisionLower: 0.8,
  runbookFolder: null,
  retention: 'raw=24h,10s=14d,1min=90d,1h=2y',
  source: 'auto',
  cgroupRoot: '/sys/fs/cgroup',
  procRoot: '/proc',
  cpuBudgetShare: 0.02,
  databaseMemoryMegabytes: 128,
  logLevel: 'info',
  docker: { dockerHost: undefined, certPath: undefined, tlsVerify: undefined },
  ollama: { host: 'http://127.0.0.1:11434', model: 'gpt-oss:20b' },
}

test('with nothing set it watches the local engine, acts on nothing, and is reached from here alone', () => {
  expect(configOf({})).toEqual(DEFAULTS)
})

test('a value that is empty is one that is not set', () => {
  const empty = { DOCKERPULSE_PORT: '', DOCKERPULSE_TOKEN: '', DOCKERPULSE_MODE: '', DOCKER_HOST: '', OLLAMA_MODEL: '' }
  expect(configOf(empty)).toEqual(DEFAULTS)
})

test('a viewer token without another one for operators, or the same, is refused', () => {
  expect(errorOf({ DOCKERPULSE_VIEWER_TOKEN: TOKEN })).toMatch(/set DOCKERPULSE_TOKEN, too/)
  expect(errorOf({ DOCKERPULSE_TOKEN: TOKEN, DOCKERPULSE_VIEWER_TOKEN: TOKEN })).toMatch(/viewers would be operators/)
})

test.each([
  [{ DOCKERPULSE_HOST: '::1' }, { host: '::1' }],
  [{ DOCKERPULSE_PORT: '0' }, { port: 0 }],
  [{ DOCKERPULSE_PORT: '65535' }, { port: 65_535 }],
  [{ DOCKERPULSE_ALLOWED_HOSTS: ' Pulse.example , ,b:7070' }, { allowedHosts: ['pulse.example', 'b:7070'] }],
  [{ DOCKERPULSE_TOKEN: TOKEN }, { token: TOKEN }],
  [
    { DOCKERPULSE_TOKEN: TOKEN, DOCKERPULSE_VIEWER_TOKEN: `${TOKEN} too` },
    { token: TOKEN, viewerToken: `${TOKEN} too` },
  ],
  [{ DOCKERPULSE_DATA: '/var/lib/dockerpulse' }, { dataFolder: '/var/lib/dockerpulse' }],
  [{ DOCKERPULSE_MODE: 'auto' }, { mode: 'auto' }],
  [{ DOCKERPULSE_THRESHOLD: '1' }, { threshold: 1 }],
  [{ DOCKERPULSE_COOLDOWN_SECONDS: '10' }, { cooldownMs: 10_000 }],
  [{ DOCKERPULSE_MAX_RESTARTS_PER_HOUR: '0' }, { maxRestartsPerHour: 0 }],
  [{ DOCKERPULSE_BUDGET_SHARE: '0.5' }, { budgetShare: 0.5 }],
  [{ DOCKERPULSE_QUIET_HOURS: '22:30-06:00' }, { quietHours: { fromMinute: 1350, toMinute: 360 } }],
  [{ DOCKERPULSE_EARNED_MIN_JUDGED: '10' }, { minJudged: 10 }],
  [{ DOCKERPULSE_EARNED_PRECISION: '0.9' }, { minPrecisionLower: 0.9 }],
  [{ DOCKERPULSE_RUNBOOKS: '/etc/runbooks' }, { runbookFolder: '/etc/runbooks' }],
  [{ DOCKERPULSE_RETENTION: 'raw=48h' }, { retention: 'raw=48h' }],
  [{ DOCKERPULSE_SOURCE: 'docker' }, { source: 'docker' }],
  [{ DOCKERPULSE_CPU_BUDGET: '0.05' }, { cpuBudgetShare: 0.05 }],
  [{ DOCKERPULSE_DATABASE_MEMORY_MB: '64' }, { databaseMemoryMegabytes: 64 }],
  [{ DOCKERPULSE_LOG_LEVEL: 'debug' }, { logLevel: 'debug' }],
  [{ OLLAMA_MODEL: 'tiny' }, { ollama: { host: 'http://127.0.0.1:11434', model: 'tiny' } }],
  [
    { DOCKER_HOST: 'tcp://proxy:2375', DOCKER_CERT_PATH: '/certs', DOCKER_TLS_VERIFY: '1' },
    { docker: { dockerHost: 'tcp://proxy:2375', certPath: '/certs', tlsVerify: true } },
  ],
  [{ DOCKER_TLS_VERIFY: 'false' }, { docker: { dockerHost: undefined, certPath: undefined, tlsVerify: false } }],
])('%j is understood', (env, expected) => {
  expect(configOf(env as Record<string, string>)).toEqual({ ...DEFAULTS, ...expected })
})

test.each([
  ['DOCKERPULSE_PORT', 'http'],
  ['DOCKERPULSE_PORT', '-1'],
  ['DOCKERPULSE_PORT', '65536'],
  ['DOCKERPULSE_PORT', '70.5'],
  ['DOCKERPULSE_PORT', ' '],
  ['DOCKERPULSE_MODE', 'AUTO'],
  ['DOCKERPULSE_MODE', 'yolo'],
  ['DOCKERPULSE_THRESHOLD', '0.49'],
  ['DOCKERPULSE_THRESHOLD', '85'],
  ['DOCKERPULSE_THRESHOLD', 'NaN'],
  ['DOCKERPULSE_COOLDOWN_SECONDS', '0'],
  ['DOCKERPULSE_COOLDOWN_SECONDS', 'Infinity'],
  ['DOCKERPULSE_MAX_RESTARTS_PER_HOUR', '1.5'],
  ['DOCKERPULSE_MAX_RESTARTS_PER_HOUR', '-1'],
  ['DOCKERPULSE_DATABASE_MEMORY_MB', '63'],
  ['DOCKERPULSE_DATABASE_MEMORY_MB', '128MB'],
  ['DOCKERPULSE_LOG_LEVEL', 'verbose'],
  ['DOCKER_TLS_VERIFY', 'yes'],
  ['OLLAMA_HOST', 'ftp://model'],
  ['OLLAMA_HOST', 'http://'],
])('%s=%s is refused by name and value', (name, value) => {
  expect(errorOf({ [name]: value })).toContain(`${name}=${value}: `)
})

test('all that is wrong is said at once', () => {
  const lines = errorOf({ DOCKERPULSE_PORT: 'http', DOCKERPULSE_MODE: 'yolo' }).split('\n')
  expect(lines.map((line) => line.split('=')[0])).toEqual(['DOCKERPULSE_PORT', 'DOCKERPULSE_MODE'])
})

test('a name that does not exist is refused, for it is a typing error', () => {
  expect(errorOf({ DOCKERPULSE_MODUS: 'auto' })).toContain('DOCKERPULSE_MODUS is not a setting of DockerPulse')
  expect(configOf({ DOCKERPULSE_TEST_REQUIRE: 'all', DOCKER_CONFIG: 'x', PATH: '/bin' })).toEqual(DEFAULTS)
})

describe('a secret', () => {
  test('that is too short is refused without being shown', () => {
    const message = errorOf({ DOCKERPULSE_TOKEN: 'short-secret' })
    expect(message).toBe('DOCKERPULSE_TOKEN=[secret]: must have at least 16 characters')
    expect(errorOf({ DOCKERPULSE_VIEWER_TOKEN: 'short-secret' })).toBe(
      'DOCKERPULSE_VIEWER_TOKEN=[secret]: must have at least 16 characters',
    )
  })

  test('may come from a file, without its last newline', () => {
    const path = join(temporaryFolder(), 'token')
    writeFileSync(path, `${TOKEN}\n`)
    expect(configOf({ DOCKERPULSE_TOKEN_FILE: path }).token).toBe(TOKEN)
  })

  test('from an empty file is no token, and refused', () => {
    const path = join(temporaryFolder(), 'token')
    writeFileSync(path, '\n')
    expect(errorOf({ DOCKERPULSE_TOKEN_FILE: path })).toContain('DOCKERPULSE_TOKEN=[secret]')
  })

  test('from a file that cannot be read is refused by name', () => {
    expect(errorOf({ DOCKERPULSE_TOKEN_FILE: '/nowhere/token' })).toMatch(
      /^DOCKERPULSE_TOKEN_FILE: ENOENT.*\/nowhere\/token/,
    )
  })

  test('is what makes a file of a variable: others have none', () => {
    expect(errorOf({ DOCKERPULSE_PORT_FILE: '/port' })).toContain('DOCKERPULSE_PORT_FILE is not a setting')
  })
})

describe('an address beyond loopback', () => {
  test.each(['0.0.0.0', '::', '192.0.2.7', 'pulse.example', '127.0.0.1.example', ' 127.0.0.1'])(
    'needs a token: %s',
    (host) => {
      expect(errorOf({ DOCKERPULSE_HOST: host })).toMatch(/is reachable by others: set DOCKERPULSE_TOKEN/)
      expect(configOf({ DOCKERPULSE_HOST: host, DOCKERPULSE_TOKEN: TOKEN }).host).toBe(host)
    },
  )

  test.each(['127.0.0.1', '::1', 'localhost'])('is not %s', (host) => {
    expect(configOf({ DOCKERPULSE_HOST: host }).token).toBeNull()
  })
})

test.each([
  ['localhost', 'http://localhost:11434'],
  ['model:8080', 'http://model:8080'],
  ['0.0.0.0', 'http://127.0.0.1:11434'],
  ['0.0.0.0:8080', 'http://127.0.0.1:8080'],
  ['http://model', 'http://model'],
  ['http://model:11434/', 'http://model:11434'],
  ['https://model.example', 'https://model.example'],
  ['http://user:password@model:11434/path', 'http://model:11434'],
  ['[::1]', 'http://[::1]:11434'],
  ['[::1]:8080', 'http://[::1]:8080'],
])('OLLAMA_HOST=%s is %s', (text, host) => {
  expect(configOf({ OLLAMA_HOST: text }).ollama?.host).toBe(host)
})

test('OLLAMA_HOST set to nothing means no model', () => {
  expect(configOf({ OLLAMA_HOST: '' }).ollama).toBeNull()
})

test('nothing of it can be changed afterwards', () => {
  const config = configOf({ DOCKERPULSE_ALLOWED_HOSTS: 'a' })
  const parts = [config, config.allowedHosts, config.docker, config.ollama!]
  for (const part of parts) {
    expect(Object.isFrozen(part)).toBe(true)
    expect(() => Object.assign(part, { 0: 'b', mode: 'auto' })).toThrow(TypeError)
  }
})

test('the environment itself is not changed', () => {
  const env = { DOCKERPULSE_TOKEN: '', DOCKER_HOST: 'tcp://a' }
  readEnv(env)
  expect(env).toEqual({ DOCKERPULSE_TOKEN: '', DOCKER_HOST: 'tcp://a' })
})
