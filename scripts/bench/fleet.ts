import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const CHILD = fileURLToPath(new URL('./fleet.child.ts', import.meta.url))

export type Fleet = {
  dockerHost: string
  /** Lets the passing containers come and go; told after each hundred how many have gone. */
  turnOver(onGone: (count: number) => void): Promise<void>
}

/** A simulated engine in a process of its own while `job` runs: `staying` containers, and `passing` that come and go. */
export async function withFleet<T>(
  { staying, passing = 0 }: { staying: number; passing?: number },
  job: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-fleet-'))
  const socketPath = join(folder, 'engine.sock')
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    [CHILD, socketPath, String(staying), String(passing)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = new Promise<never>((_, reject) =>
    child.once('exit', () => reject(new Error('the simulated engine ended'))),
  )
  ended.catch(() => {})
  try {
    await Promise.race([ended, new Promise((resolve) => child.stdout.once('data', resolve))])
    const turnOver = (onGone: (count: number) => void) =>
      new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk) => {
          const gone = Number(String(chunk).trim().split('\n').at(-1))
          onGone(gone)
          if (gone >= passing) resolve()
        })
        child.stdin.write('begin\n')
      })
    return await job({
      dockerHost: `unix://${socketPath}`,
      turnOver: (onGone) => Promise.race([ended, turnOver(onGone)]),
    })
  } finally {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}
