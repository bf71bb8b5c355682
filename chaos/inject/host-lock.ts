import { connect, createServer, type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { AppError } from '../../server/errors.ts'

const ANSWER_WITHIN_MS = 1_000
const ASK_AGAIN_MS = 100
/** How long the watchdog of a dead runner may take to clean up before the next runner gives in. */
const CLEANING_WITHIN_MS = 30_000

/** Who has the lock: a runner, or the watchdog that cleans up after one. */
export type Holder = { pid: number; role: 'runner' | 'watchdog' }

/** The only right on this host to do faults. Disposing it gives it back. */
export type HostLock = AsyncDisposable

/** In the kernel's name space for sockets: gone with its process, however that ended, so that no lock is ever stale. */
const addressOf = (name: string) => `\0dockerpulse-chaos-${name}`

function listen(name: string, holder: Holder): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(JSON.stringify(holder))
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null)
      else reject(new AppError(`the host lock cannot be taken (${error.code}): faults are done from Linux only`))
    })
    server.listen(addressOf(name), () => resolve(server.unref()))
  })
}

/** Who holds the lock, or `null` where nobody does or the holder does not answer. */
export function askHolder(name: string): Promise<Holder | null> {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(addressOf(name))
    socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy())
    socket.on('data', (data) => {
      text += data
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      try {
        resolve(JSON.parse(text) as Holder)
      } catch {
        resolve(null)
      }
    })
  })
}

/**
 * Takes the host lock. While the watchdog of a dead runner cleans up it waits; another runner is a reason to refuse,
 * naming its PID.
 */
export async function takeHostLock(name: string, role: Holder['role'] = 'runner'): Promise<HostLock> {
  const deadline = Date.now() + CLEANING_WITHIN_MS
  for (;;) {
    const server = await listen(name, { pid: process.pid, role })
    if (server !== null) {
      return {
        async [Symbol.asyncDispose]() {
          await new Promise((resolve) => server.close(resolve))
        },
      }
    }
    const holder = await askHolder(name)
    if (role === 'watchdog' || holder?.role === 'runner' || Date.now() > deadline) {
      const who = holder === null ? 'a process that does not answer' : `process ${holder.pid} (${holder.role})`
      throw new AppError(`faults are done to this host already by ${who}: wait until it has ended, or end it`)
    }
    await sleep(ASK_AGAIN_MS)
  }
}
