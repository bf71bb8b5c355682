import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { openRealEngine } from '../chaos/real-engine.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
/** The kernel counts CPU time in these. */
const TICKS_PER_SECOND = 100

const program = new Command('bench')
  .description('What the program costs. Suites: idle (watching idle containers of a real engine).')
  .argument('[suite]', 'which one', 'idle')
  .option('--containers <n>', 'idle containers to watch', Number, 60)
  .option('--seconds <n>', 'how long to measure', Number, 60)
  .option('--json', 'print the figures as JSON')
  .parse()
const { containers, seconds, json } = program.opts<{ containers: number; seconds: number; json?: boolean }>()

const say = (text: string) => process.stderr.write(`${text}\n`)

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function memoryMegabytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Math.round(Number(line?.[1] ?? 0) / 1024)
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function startService(dockerHost: string, dataFolder: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn('npm', ['start', '--silent'], {
    cwd: ROOT,
    detached: true,
    env: {
      ...process.env,
      DOCKER_HOST: dockerHost,
      DOCKERPULSE_DATA: dataFolder,
      DOCKERPULSE_PORT: '0',
      DOCKERPULSE_MODE: 'observe',
      DOCKERPULSE_LOG_LEVEL: 'warn',
      OLLAMA_HOST: '',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      const address = /http:\/\/[^ ]+/.exec(String(chunk))?.[0]
      if (address) resolve(address)
    })
    child.once('exit', () => reject(new Error('the service did not start')))
  })
  return { child, url }
}

/** The service itself below npm and its shell. */
function servicePid(parent: number): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim()
  return children === '' ? parent : servicePid(Number(children.split(' ')[0]))
}

async function idle(): Promise<Record<string, number>> {
  const engine = await openRealEngine()
  if (engine === null) throw new Error('needs a Docker engine: start one, or set DOCKER_HOST')
  await using real = engine
  say(`Starting ${containers} idle containers…`)
  for (let started = 0; started < containers; started += 10) {
    const some = Math.min(10, containers - started)
    await Promise.all(
      Array.from({ length: some }, () => real.run({ command: ['sleep', '100000'], memoryBytes: 64 * 1024 ** 2 })),
    )
  }
  const dataFolder = mkdtempSync(join(tmpdir(), 'dockerpulse-bench-'))
  const { child } = await startService(real.dockerHost, dataFolder)
  try {
    const pid = servicePid(child.pid!)
    await wait(20_000)
    say(`Measuring for ${seconds} s…`)
    const before = cpuSeconds(pid)
    const startedAt = performance.now()
    await wait(seconds * 1000)
    const elapsedSeconds = (performance.now() - startedAt) / 1000
    const cpuShareOfCore = (cpuSeconds(pid) - before) / elapsedSeconds
    const residentMegabytes = memoryMegabytes(pid, 'VmRSS')
    const peakMegabytes = memoryMegabytes(pid, 'VmHWM')
    const stopAt = performance.now()
    process.kill(pid, 'SIGTERM')
    await new Promise((resolve) => child.once('exit', resolve))
    return {
      containers,
      cpuShareOfCore,
      residentMegabytes,
      peakMegabytes,
      stopMs: Math.round(performance.now() - stopAt),
    }
  } finally {
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL')
    rmSync(dataFolder, { recursive: true, force: true })
  }
}

if (program.args[0] !== undefined && program.args[0] !== 'idle')
  program.error(`there is no suite "${program.args[0]}"; there is: idle`)
try {
  const figures = await idle()
  if (json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  else {
    process.stdout.write(
      `Watching ${figures.containers} idle containers at 1 Hz:\n` +
        `  CPU              ${(figures.cpuShareOfCore! * 100).toFixed(1)} % of a core\n` +
        `  resident memory  ${figures.residentMegabytes} MB (peak ${figures.peakMegabytes} MB)\n` +
        `  stop on SIGTERM  ${figures.stopMs} ms\n`,
    )
  }
} catch (error) {
  say((error as Error).message)
  process.exitCode = 1
}
