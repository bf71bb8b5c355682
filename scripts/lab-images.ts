import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { AppError } from '../server/errors.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const LAB = join(ROOT, 'chaos/lab')
const NODE = join(ROOT, 'node_modules/node/bin/node')
/** Emptied at the begin, too: a run that was ended leaves half a gigabyte. */
const SCRATCH = join(ROOT, 'node_modules/.cache/lab-images')
const SUITE = 'bookworm'

/** What the services of the profile demo run; Node comes from the package that the program itself runs on. */
const PACKAGES =
  'postgresql-15 redis-server nginx-light rabbitmq-server gunicorn python3-flask python3-pika python3-psycopg2 python3-redis busybox-static'
/** Documentation, and PostgreSQL's just-in-time compiler: a third of the size. */
const LEFT_OUT = [
  '/usr/share/man/*',
  '/usr/share/doc/*',
  '/usr/share/locale/*',
  '/usr/share/i18n/*',
  '/usr/lib/*/libLLVM*',
  '/usr/lib/*/libz3*',
  '/usr/lib/postgresql/*/lib/llvmjit*',
  '/usr/lib/postgresql/*/lib/bitcode/*',
]
const HOOKS = [
  '--essential-hook=mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"',
  '--customize-hook=ln -s busybox "$1/bin/wget"',
  `--customize-hook=copy-in ${NODE} /usr/local/bin`,
]

/** The pulled images of docker-compose.yml that have a stand-in, and the variable that names it. */
const STAND_INS = {
  nginx: 'LAB_NGINX_IMAGE',
  redis: 'LAB_REDIS_IMAGE',
  postgres: 'LAB_POSTGRES_IMAGE',
  rabbitmq: 'LAB_RABBITMQ_IMAGE',
  python: 'LAB_PYTHON_IMAGE',
  node: 'LAB_NODE_IMAGE',
  'socket-proxy': 'SOCKET_PROXY_IMAGE',
}
/** The lab's own services, built from their Dockerfiles upon stand-ins. */
const OWN = {
  'shop-api': ['LAB_SHOP_API_IMAGE', 'PYTHON_IMAGE=dockerpulse-lab/python:1', 'INSTALL=true'],
  'order-worker': ['LAB_ORDER_WORKER_IMAGE', 'NODE_IMAGE=dockerpulse-lab/node:1'],
  load: ['LAB_LOAD_IMAGE', 'NODE_IMAGE=dockerpulse-lab/node:1'],
}

const program = new Command('lab-images')
  .description(
    "Builds stand-ins for the images of docker-compose.yml's profile demo from Debian packages, for machines without a registry, and writes an environment file that names them. What is there already is kept.",
  )
  .option('--force', 'build the base again, with the newest packages')
  .option('--out <file>', 'the environment file', '.env.lab')
  .option('--mirror <url>', "Debian's mirror", 'http://deb.debian.org/debian')
  .addHelpText(
    'after',
    '\nNeeds root, mmdebstrap (apt-get install mmdebstrap) and a Docker engine (DOCKER_HOST, else the default socket).\nSeen: 60 to 90 s on two cores, 460 MB.',
  )
  .parse()
const { force, out, mirror } = program.opts<{ force?: boolean; out: string; mirror: string }>()

const say = (text: string) => process.stderr.write(`${text}\n`)

function run(command: string, args: string[], env: NodeJS.ProcessEnv = {}): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  })
  if (error !== undefined)
    throw new AppError(
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? `${command} is missing: apt-get install ${command === 'docker' ? 'docker.io' : command}`
        : `${command}: ${error.message}`,
    )
  if (status !== 0) {
    const last = `${stdout}${stderr}`.trim().split('\n').slice(-8).join('\n')
    throw new AppError(`${command} failed:\n${last}`)
  }
  return stdout.trim()
}

const dockerHost = process.env.DOCKER_HOST
const docker = (...args: string[]) =>
  run('docker', dockerHost ? ['-H', dockerHost, ...args] : args, { DOCKER_BUILDKIT: '0' })

function exists(image: string): boolean {
  return docker('images', '--quiet', image) !== ''
}

/** One file system for all: what they share lies in the page cache once. Named by what went into it. */
function ensureBase(): string {
  const version = createHash('sha256')
    .update(JSON.stringify([SUITE, PACKAGES, LEFT_OUT, HOOKS.slice(0, 2), readNodeVersion()]))
    .digest('hex')
    .slice(0, 8)
  const base = `dockerpulse-lab/base:${version}`
  if (!force && exists(base)) {
    say(`${base} is there`)
    return base
  }
  if (process.getuid?.() !== 0) throw new AppError('building a Debian file system needs root')
  rmSync(SCRATCH, { recursive: true, force: true })
  mkdirSync(SCRATCH, { recursive: true })
  try {
    const archive = join(SCRATCH, 'base.tar')
    say(`Installing ${PACKAGES.split(' ').length} packages of Debian ${SUITE} and Node (about a minute)…`)
    run('mmdebstrap', [
      '--variant=minbase',
      `--include=${PACKAGES.replaceAll(' ', ',')}`,
      ...LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`),
      ...HOOKS,
      SUITE,
      archive,
      mirror,
    ])
    say(`Importing ${Math.round(statSync(archive).size / 1e6)} MB as ${base}…`)
    docker('import', archive, base)
  } finally {
    rmSync(SCRATCH, { recursive: true, force: true })
  }
  return base
}

function readNodeVersion(): string {
  if (!existsSync(NODE)) throw new AppError(`${relative(ROOT, NODE)} is missing: npm ci`)
  return (JSON.parse(readFileSync(join(ROOT, 'node_modules/node/package.json'), 'utf8')) as { version: string }).version
}

/** A token that is there stays: a running DockerPulse still knows it. */
function tokenOf(file: string): string {
  const kept = existsSync(file) ? /^DOCKERPULSE_TOKEN=(.{16,})$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined
  return kept ?? randomBytes(24).toString('hex')
}

try {
  const begin = performance.now()
  docker('version', '--format', '{{.Server.Version}}')
  const base = ensureBase()
  const lines: string[] = []
  for (const [name, variable] of Object.entries(STAND_INS)) {
    const image = `dockerpulse-lab/${name}:1`
    say(`Building ${image}`)
    docker('build', '--quiet', '--target', name, '--build-arg', `BASE=${base}`, '--tag', image, join(LAB, 'stand-ins'))
    lines.push(`${variable}=${image}`)
  }
  for (const [name, [variable, ...args]] of Object.entries(OWN)) {
    const image = `dockerpulse-lab/${name}:1`
    say(`Building ${image}`)
    const buildArgs = args.flatMap((argument) => ['--build-arg', argument])
    // "RUN true" needs no network, and a test machine may have none to give.
    docker('build', '--quiet', '--network', 'none', ...buildArgs, '--tag', image, join(LAB, name))
    lines.push(`${variable}=${image}`)
  }
  const file = resolve(out)
  const content = ['# Written by npm run lab-images.', ...lines, `DOCKERPULSE_TOKEN=${tokenOf(file)}`, ''].join('\n')
  writeFileSync(file, content, { mode: 0o600 })
  const near = relative(process.cwd(), file)
  const shown = near.startsWith('..') ? file : near
  say(`Done in ${Math.round((performance.now() - begin) / 1000)} s; ${shown} names the images. The shop under load:\n`)
  process.stdout.write(`docker-compose --env-file ${shown} --profile demo up --detach load order-worker\n`)
} catch (error) {
  process.stderr.write(`${error instanceof AppError ? error.message : ((error as Error).stack ?? String(error))}\n`)
  process.exitCode = 1
}
