import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from './plan.ts'
import type { VictimFacts } from './victim-facts.ts'

const LISTEN = '0A'
/** A connection that the victim closes is opened again after so long. */
const AGAIN_MS = 500
/** So many begin at once: fewer than the shortest usual backlog, which would make the kernel try again after seconds. */
const AT_ONCE = 8
const BATCH_WITHIN_MS = 1_000

/** The ports on which a network namespace listens for others, from its /proc/net/tcp. */
export function listeningPorts(tcp: string): number[] {
  const ports = tcp.split('\n').flatMap((line) => {
    const [, address, port, state] = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) /.exec(line) ?? []
    // The last byte comes first: 127.0.0.1 ends in 7F.
    return state === LISTEN && !address?.endsWith('7F') && port !== undefined ? [Number.parseInt(port, 16)] : []
  })
  return [...new Set(ports)].sort((a, b) => a - b)
}

function portsOf(victim: VictimFacts): number[] {
  const files = victim.pid === null ? [] : ['tcp', 'tcp6']
  return files.flatMap((file) => {
    try {
      return listeningPorts(readFileSync(`/proc/${victim.pid}/net/${file}`, 'latin1'))
    } catch {
      return []
    }
  })
}

/** Many connections from this process to the port that the victim listens on; they end with this process. */
export function planConnectionFlood(victim: VictimFacts, connections: number): Plan {
  const host = victim.address
  const port = portsOf(victim)[0]
  if (host === null || port === undefined)
    return { ok: false, reason: `${victim.name} listens on no TCP port that can be reached from here` }
  return {
    ok: true,
    undo: [],
    detail: `at ${host}:${port}`,
    async start() {
      const open = new Set<Socket>()
      let ended = false
      const hold = (): Promise<void> =>
        new Promise((resolve) => {
          if (ended) return resolve()
          const socket = connect({ host, port }, resolve)
          open.add(socket)
          socket.on('error', () => {})
          socket.resume()
          socket.on('close', () => {
            resolve()
            open.delete(socket)
            if (!ended) setTimeout(hold, AGAIN_MS).unref()
          })
        })
      for (let begun = 0; begun < connections; begun += AT_ONCE) {
        const batch = Array.from({ length: Math.min(AT_ONCE, connections - begun) }, hold)
        await Promise.race([Promise.all(batch), sleep(BATCH_WITHIN_MS, undefined, { ref: false })])
      }
      return {
        end() {
          ended = true
          for (const socket of open) socket.resetAndDestroy()
        },
      }
    },
  }
}
