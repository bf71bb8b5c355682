import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../server/main.ts', import.meta.url))

export type ServiceProcess = { child: ChildProcess; url: string; exit: Promise<number | null> }

/** Runs `server/main.ts` as a process of its own; resolves once it says where it is. */
export function startServiceProcess(env: Record<string, string>): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      DOCKERPULSE_PORT: '0',
      DOCKERPULSE_LOG_LEVEL: 'silent',
      OLLAMA_HOST: '',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return new Promise((resolve, reject) => {
    let printed = ''
    child.stdout!.on('data', (chunk) => {
      const url = /http:\/\/\S+/.exec(String(chunk))?.[0]
      if (url) resolve({ child, url, exit })
    })
    child.stderr!.on('data', (chunk) => {
      printed += chunk
    })
    void exit.then((code) => reject(new Error(`ended with ${code}: ${printed.trim()}`)))
  })
}
