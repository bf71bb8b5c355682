import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { findEngineProcesses } from './engine-processes.ts'

/** The kernel accounts CPU time of processes in these, whatever its own timer does (USER_HZ, fixed by its interface). */
const TICKS_PER_SECOND = 100

/** Processes come and go rarely; a scan of `/proc` is not for every look. */
const SCAN_EVERY_MS = 60_000

export type Cost = { ownShareOfHost: number; engineShareOfHost: number | null }

export type CostMeter = {
  /** CPU used since the last call, as shares of the whole host (0..1). The engine's is `null` where it cannot be seen. */
  measure(): Cost
}

function cpuSecondsOf(procRoot: string, pid: number): number | null {
  try {
    const fields = readFileSync(join(procRoot, String(pid), 'stat'), 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return null
  }
}

/**
 * Measures what the program itself and the daemons of the engine that it asks use. What that engine does for others counts
 * too, so its share is an upper bound of what watching causes.
 */
export function createCostMeter(options: {
  procRoot: string
  /** Of the engine that is asked; `undefined` where it is asked otherwise. */
  socketPath: string | undefined
  hostCores: () => number
  now: () => number
}): CostMeter {
  const { procRoot, socketPath, hostCores, now } = options
  let pids: number[] = []
  let scannedAtMs = Number.NEGATIVE_INFINITY
  let last = { atMs: now(), own: process.cpuUsage(), engine: new Map<number, number>() }

  const readEngine = (): Map<number, number> => {
    if (now() - scannedAtMs >= SCAN_EVERY_MS) {
      scannedAtMs = now()
      try {
        pids = findEngineProcesses(procRoot, socketPath)
      } catch {
        pids = []
      }
    }
    return new Map(
      pids.flatMap((pid): [number, number][] => {
        const seconds = cpuSecondsOf(procRoot, pid)
        return seconds === null ? [] : [[pid, seconds]]
      }),
    )
  }

  return {
    measure() {
      const current = { atMs: now(), own: process.cpuUsage(), engine: readEngine() }
      const hostSeconds = ((current.atMs - last.atMs) / 1000) * hostCores()
      const ownSeconds = (current.own.user - last.own.user + current.own.system - last.own.system) / 1e6
      let engineSeconds = 0
      for (const [pid, seconds] of current.engine) {
        const before = last.engine.get(pid)
        if (before !== undefined && seconds > before) engineSeconds += seconds - before
      }
      last = current
      if (hostSeconds <= 0) return { ownShareOfHost: 0, engineShareOfHost: null }
      return {
        ownShareOfHost: ownSeconds / hostSeconds,
        engineShareOfHost: current.engine.size === 0 ? null : engineSeconds / hostSeconds,
      }
    },
  }
}
