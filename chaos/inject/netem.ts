import { execFileSync, spawnSync } from 'node:child_process'
import type { Plan, PlanContext } from './plan.ts'

const DEVICE = 'eth0'
const USE_PROXY = 'put the TCP proxy (chaos/inject/tcp-proxy.ts) between the two services instead'

/** Why the kernel cannot make a network bad, asked in an empty network of its own, or `null`. */
export function netemObjection(): string | null {
  const tried = spawnSync('unshare', ['-n', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms'], {
    encoding: 'utf8',
  })
  if (tried.error !== undefined) return `tc cannot be run (apt-get install iproute2), or ${USE_PROXY}`
  return tried.status === 0 ? null : `this kernel has no netem (${tried.stderr.trim()}): ${USE_PROXY}`
}

/** A rule of netem on the victim's way out, in its own network namespace. */
export function planNetem({ victim }: PlanContext, rule: string[]): Plan {
  const reason = victim.address === null ? `${victim.name} has no network` : netemObjection()
  if (reason !== null) return { ok: false, reason }
  return {
    ok: true,
    undo: [{ kind: 'netem', containerId: victim.id, device: DEVICE }],
    async start() {
      const inNetwork = ['-t', String(victim.pid), '-n', 'tc', 'qdisc', 'add', 'dev', DEVICE, 'root', 'netem']
      execFileSync('nsenter', [...inNetwork, ...rule])
      return {}
    },
  }
}
