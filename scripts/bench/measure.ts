import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** One figure of a suite: what was measured, beside its reference from the same run where there is one. */
export type Figure = { name: string; value: number; unit: string; reference?: { name: string; value: number } }

export const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The value below which `share` (0..1) of the others lie; the nearest one that was measured. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const median = (values: readonly number[]): number => percentile(values, 0.5)

/** The kernel counts CPU time of processes in these (USER_HZ). */
const TICKS_PER_SECOND = 100

/** CPU seconds that a process has used, user and system, with those of its ended children. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND
}

/** Memory of a process in MB (10^6 bytes): now (`VmRSS`), or at its highest (`VmHWM`). */
export function memoryMegabytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return (Number(line?.[1] ?? 0) * 1024) / 1e6
}

export type RunningService = AsyncDisposable & { readonly url: string; readonly pid: number; stop(): Promise<number> }

/** The service itself below npm and its shell. */
function deepestChild(parent: number): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim()
  return children === '' ? parent : deepestChild(Number(children.split(' ')[0]))
}

/** `npm start` as users run it, on data of its own, in mode observe and without a model. */
export async function startService(env: Record<string, string>): Promise<RunningService> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'dockerpulse-bench-'))
  const child: ChildProcess = spawn('npm', ['start', '--silent'], {
    cwd: ROOT,
    detached: true,
    env: {
      ...process.env,
      DOCKERPULSE_DATA: dataFolder,
      DOCKERPULSE_PORT: '0',
      DOCKERPULSE_MODE: 'observe',
      DOCKERPULSE_LOG_LEVEL: 'warn',
      OLLAMA_HOST: '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      const address = /http:\/\/[^ ]+/.exec(String(chunk))?.[0]
      if (address) resolve(address)
    })
    void ended.then(() => reject(new Error('the service did not start')))
  })
  const pid = deepestChild(child.pid!)
  const stop = async () => {
    const at = performance.now()
    if (child.exitCode === null) process.kill(pid, 'SIGTERM')
    await ended
    return performance.now() - at
  }
  return {
    url,
    pid,
    stop,
    async [Symbol.asyncDispose]() {
      await stop()
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
}

/** A number of the service's own `/metrics`. */
export async function metricOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
}
