import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../server/errors.ts'
import { DRILL_SETTINGS } from './drill-settings.ts'

const MAIN = fileURLToPath(new URL('../../server/main.ts', import.meta.url))

/** A service in a process of its own; disposing it ends it. */
export type ServiceUnderTest = AsyncDisposable & { readonly url: string; isRunning(): boolean }

/**
 * The service as a process of its own, on data of its own that is thrown away, and without a model. In mode observe: it
 * touches only what the drill has labelled, never a container of somebody else on the same engine.
 */
export async function openServiceUnderTest(env: Record<string, string>): Promise<ServiceUnderTest> {
  const dataFolder = mkdtempSync(join(tmpdir(), 'dockerpulse-drill-'))
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    env: {
      DOCKERPULSE_DATA: dataFolder,
      DOCKERPULSE_PORT: '0',
      DOCKERPULSE_MODE: 'observe',
      ...DRILL_SETTINGS,
      DOCKERPULSE_LOG_LEVEL: 'silent',
      OLLAMA_HOST: '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout!.on('data', (chunk) => {
      const address = /http:\/\/\S+/.exec(String(chunk))?.[0]
      if (address) resolve(address)
    })
    child.stderr!.on('data', (chunk) => {
      said += chunk
    })
    void ended.then(() => reject(new AppError(`the service under test ended: ${said.trim()}`)))
  })
  return {
    url,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      await ended
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
}
