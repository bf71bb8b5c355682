import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { Mode } from './contracts/incident.ts'
import { ConfigError, messageOf } from './errors.ts'

type Env = Record<string, string | undefined>

const Flag = z.enum(['0', '1', 'true', 'false']).transform((word) => word === '1' || word === 'true')

/** A number written out; Number() alone takes a blank for zero. */
const numeric = (range: z.ZodNumber) =>
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'must be a number')
    .transform(Number)
    .pipe(range)

/** Every variable with its default, in the order of the README's table. */
const Variables = z.object({
  DOCKERPULSE_HOST: z.string().default('127.0.0.1'),
  DOCKERPULSE_PORT: numeric(z.number().int().min(0).max(65535)).default(7070),
  DOCKERPULSE_ALLOWED_HOSTS: z.string().default(''),
  DOCKERPULSE_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  DOCKERPULSE_VIEWER_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  DOCKERPULSE_DATA: z.string().min(1).default('./data'),
  DOCKERPULSE_MODE: Mode.default('shadow'),
  DOCKERPULSE_THRESHOLD: numeric(z.number().min(0.5).max(1)).default(0.85),
  DOCKERPULSE_COOLDOWN_SECONDS: numeric(z.number().min(10).max(86_400)).default(300),
  DOCKERPULSE_MAX_RESTARTS_PER_HOUR: numeric(z.number().int().min(0).max(60)).default(3),
  DOCKERPULSE_BUDGET_SHARE: numeric(z.number().min(0).max(1)).default(0.1),
  DOCKERPULSE_QUIET_HOURS: z
    .string()
    .regex(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, 'must be like 22:00-06:00')
    .optional(),
  DOCKERPULSE_EARNED_MIN_JUDGED: numeric(z.number().int().min(1).max(1_000)).default(5),
  DOCKERPULSE_EARNED_PRECISION: numeric(z.number().min(0.5).max(0.999)).default(0.8),
  DOCKERPULSE_RUNBOOKS: z.string().min(1).optional(),
  DOCKERPULSE_RETENTION: z.string().default('raw=24h,10s=14d,1min=90d,1h=2y'),
  DOCKERPULSE_DATABASE_MEMORY_MB: numeric(z.number().int().min(64).max(4096)).default(128),
  DOCKERPULSE_SOURCE: z.enum(['auto', 'cgroup', 'docker']).default('auto'),
  DOCKERPULSE_CGROUP_ROOT: z.string().default('/sys/fs/cgroup'),
  DOCKERPULSE_PROC_ROOT: z.string().default('/proc'),
  DOCKERPULSE_CPU_BUDGET: numeric(z.number().min(0.001).max(1)).default(0.02),
  DOCKERPULSE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  DOCKER_HOST: z.string().optional(),
  DOCKER_CERT_PATH: z.string().optional(),
  DOCKER_TLS_VERIFY: Flag.optional(),
  OLLAMA_HOST: z.string().default('http://127.0.0.1:11434'),
  OLLAMA_MODEL: z.string().default('gpt-oss:20b'),
})

export type Config = Readonly<{
  host: string
  port: number
  allowedHosts: readonly string[]
  token: string | null
  /** Whoever has this one may read everything and change nothing. */
  viewerToken: string | null
  dataFolder: string
  mode: Mode
  threshold: number
  cooldownMs: number
  maxRestartsPerHour: number
  /** Share of the containers that may be acted upon within ten minutes. */
  budgetShare: number
  /** Minutes of the day, on the host's clock, from which and to which a person is asked. */
  quietHours: Readonly<{ fromMinute: number; toMinute: number }> | null
  minJudged: number
  minPrecisionLower: number
  /** The user's own runbooks, beside those that come with the program. */
  runbookFolder: string | null
  /** As `parseTiers` of the store reads it. */
  retention: string
  databaseMemoryMegabytes: number
  logLevel: string
  source: 'auto' | 'cgroup' | 'docker'
  cgroupRoot: string
  procRoot: string
  /** Share of the host's CPU that watching may cost, 0..1. */
  cpuBudgetShare: number
  docker: Readonly<{ dockerHost: string | undefined; certPath: string | undefined; tlsVerify: boolean | undefined }>
  /** `null` where OLLAMA_HOST is set to nothing: the rules explain. */
  ollama: Readonly<{ host: string; model: string }> | null
}>

/** Secrets may be given by file, as container platforms do. */
const SECRETS = ['DOCKERPULSE_TOKEN', 'DOCKERPULSE_VIEWER_TOKEN']

/** Names that begin so belong to the tests. */
const TEST_PREFIX = 'DOCKERPULSE_TEST_'

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost'])

/** The environment with `<VARIABLE>_FILE` resolved and empty values left out. Throws ConfigError for a file that cannot be read. */
export function readEnv(env: Env): Env {
  const read: Env = {}
  for (const [name, value] of Object.entries(env)) if (value !== '' || name === 'OLLAMA_HOST') read[name] = value
  for (const secret of SECRETS) {
    const file = read[`${secret}_FILE`]
    if (file === undefined) continue
    delete read[`${secret}_FILE`]
    try {
      read[secret] = readFileSync(file, 'utf8').trim()
    } catch (error) {
      throw new ConfigError(`${secret}_FILE: ${messageOf(error)}`)
    }
  }
  return read
}

function ollamaAddress(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new ConfigError(`OLLAMA_HOST=${text}: expected http://host:port, or nothing for no model`)
  if (url.port === '' && !text.includes('://')) url.port = '11434'
  // What Ollama's own server listens on with 0.0.0.0 is reached through loopback.
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1'
  return url.origin
}

/** `22:00-06:00` as minutes of the day. */
function quietHours(text: string | undefined): Config['quietHours'] {
  if (text === undefined) return null
  const [fromMinute, toMinute] = text.split('-').map((time) => {
    const [hours, minutes] = time.split(':').map(Number) as [number, number]
    return hours * 60 + minutes
  }) as [number, number]
  return Object.freeze({ fromMinute, toMinute })
}

/**
 * The configuration that an environment describes, frozen. Throws ConfigError naming the variable, what it got and what
 * it takes; also for an unknown `DOCKERPULSE_…` name, and for an address beyond loopback without a token.
 */
export function parseConfig(env: Env): Config {
  const known = Object.keys(Variables.shape)
  for (const name of Object.keys(env)) {
    if (name.startsWith('DOCKERPULSE_') && !name.startsWith(TEST_PREFIX) && !known.includes(name))
      throw new ConfigError(`${name} is not a setting of DockerPulse; the README's table lists them all`)
  }
  const parsed = Variables.safeParse(env)
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0])
      return `${name}=${SECRETS.includes(name) ? '[secret]' : env[name]}: ${message}`
    })
    throw new ConfigError(problems.join('\n'))
  }
  const values = parsed.data
  if (!LOOPBACK.has(values.DOCKERPULSE_HOST) && values.DOCKERPULSE_TOKEN === undefined) {
    throw new ConfigError(
      `DOCKERPULSE_HOST=${values.DOCKERPULSE_HOST} is reachable by others: set DOCKERPULSE_TOKEN (16 characters or more, for example from "openssl rand -hex 24"), or leave the host at 127.0.0.1`,
    )
  }
  const viewerToken = values.DOCKERPULSE_VIEWER_TOKEN ?? null
  if (viewerToken !== null && values.DOCKERPULSE_TOKEN === undefined)
    throw new ConfigError(
      'DOCKERPULSE_VIEWER_TOKEN alone would let everybody in as operator: set DOCKERPULSE_TOKEN, too',
    )
  if (viewerToken !== null && viewerToken === values.DOCKERPULSE_TOKEN)
    throw new ConfigError('DOCKERPULSE_VIEWER_TOKEN is the same as DOCKERPULSE_TOKEN: viewers would be operators')
  return Object.freeze({
    host: values.DOCKERPULSE_HOST,
    port: values.DOCKERPULSE_PORT,
    allowedHosts: Object.freeze(
      values.DOCKERPULSE_ALLOWED_HOSTS.split(',')
        .map((host) => host.trim().toLowerCase())
        .filter(Boolean),
    ),
    token: values.DOCKERPULSE_TOKEN ?? null,
    viewerToken,
    dataFolder: values.DOCKERPULSE_DATA,
    mode: values.DOCKERPULSE_MODE,
    threshold: values.DOCKERPULSE_THRESHOLD,
    cooldownMs: values.DOCKERPULSE_COOLDOWN_SECONDS * 1000,
    maxRestartsPerHour: values.DOCKERPULSE_MAX_RESTARTS_PER_HOUR,
    budgetShare: values.DOCKERPULSE_BUDGET_SHARE,
    quietHours: quietHours(values.DOCKERPULSE_QUIET_HOURS),
    minJudged: values.DOCKERPULSE_EARNED_MIN_JUDGED,
    minPrecisionLower: values.DOCKERPULSE_EARNED_PRECISION,
    runbookFolder: values.DOCKERPULSE_RUNBOOKS ?? null,
    retention: values.DOCKERPULSE_RETENTION,
    databaseMemoryMegabytes: values.DOCKERPULSE_DATABASE_MEMORY_MB,
    logLevel: values.DOCKERPULSE_LOG_LEVEL,
    source: values.DOCKERPULSE_SOURCE,
    cgroupRoot: values.DOCKERPULSE_CGROUP_ROOT,
    procRoot: values.DOCKERPULSE_PROC_ROOT,
    cpuBudgetShare: values.DOCKERPULSE_CPU_BUDGET,
    docker: Object.freeze({
      dockerHost: values.DOCKER_HOST,
      certPath: values.DOCKER_CERT_PATH,
      tlsVerify: values.DOCKER_TLS_VERIFY,
    }),
    ollama:
      values.OLLAMA_HOST === ''
        ? null
        : Object.freeze({ host: ollamaAddress(values.OLLAMA_HOST), model: values.OLLAMA_MODEL }),
  })
}
