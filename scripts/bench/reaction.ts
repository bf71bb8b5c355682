import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { IncidentView } from '../../server/contracts/api.ts'
import { type Figure, median, percentile, say, startService, wait } from './measure.ts'

const CHILD = fileURLToPath(new URL('./reaction.child.ts', import.meta.url))
/** Windows of samples fill first. */
const FIRST_SECONDS = 45
/** Thirty a minute, so that with 200 containers there is no storm, and one action is over before the next. */
const EVERY_SECONDS = 2
/** The last one leaks for a while before the limit is near. */
const LAST_SECONDS = 60
const MOST_INCIDENTS = 500

type Call = { id: string; atMs: number }

/** What the engine says it was told to do, from its own event stream: `kill` begins a restart, `update` a new limit. */
function hearCalls(socketPath: string): { calls: Call[]; end(): void } {
  const calls: Call[] = []
  const asked = request({ socketPath, path: '/events' }, (response) => {
    const lines = createInterface({ input: response })
    lines.on('error', () => {})
    lines.on('line', (line) => {
      const { Action, Actor, timeNano } = JSON.parse(line) as {
        Action: string
        Actor: { ID: string }
        timeNano: number
      }
      if (Action === 'kill' || Action === 'update') calls.push({ id: Actor.ID, atMs: timeNano / 1e6 })
    })
  })
  asked.on('error', () => {})
  asked.end()
  return { calls, end: () => asked.destroy() }
}

/**
 * From the reading that first crossed the threshold to the engine's receipt of the call: many containers in trouble, one
 * after the other, through the whole service with its audit log and database. What a rail held up (one action at a time,
 * a cool-down) is counted apart: there the waiting is meant.
 */
export async function reaction({ containers }: { containers: number }): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-reaction-'))
  const socketPath = join(folder, 'engine.sock')
  const engine = spawn(
    process.execPath,
    [CHILD, socketPath, String(containers), String(FIRST_SECONDS), String(EVERY_SECONDS)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  try {
    await new Promise((resolve) => engine.stdout.once('data', resolve))
    const { calls, end } = hearCalls(socketPath)
    await using service = await startService({
      DOCKER_HOST: `unix://${socketPath}`,
      DOCKERPULSE_MODE: 'auto',
      DOCKERPULSE_BUDGET_SHARE: '1',
      DOCKERPULSE_CPU_BUDGET: '1',
    })
    const seconds = FIRST_SECONDS + containers * EVERY_SECONDS + LAST_SECONDS
    say(`${containers} containers get into trouble within ${seconds} s…`)
    await wait(seconds * 1000)
    end()
    const response = await fetch(`${service.url}/api/incidents?limit=${MOST_INCIDENTS}`)
    return figuresOf((await response.json()) as IncidentView[], calls)
  } finally {
    engine.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

function figuresOf(incidents: readonly IncidentView[], calls: readonly Call[]): Figure[] {
  const taken: { reactionMs: number; toDecisionMs: number }[] = []
  let heldUp = 0
  for (const { containerId, actions } of incidents) {
    const first = actions.find(({ forced, askedAt }) => forced && askedAt !== null)
    if (first === undefined) continue
    if (first.crossedAt === null) {
      heldUp += 1
      continue
    }
    const crossedAtMs = Date.parse(first.crossedAt)
    const call = calls.find(({ id, atMs }) => id === containerId && atMs >= crossedAtMs)
    if (call === undefined) throw new Error(`the engine heard of no call for ${containerId}`)
    taken.push({ reactionMs: call.atMs - crossedAtMs, toDecisionMs: Date.parse(first.startedAt!) - crossedAtMs })
  }
  const reactionsMs = taken.map(({ reactionMs }) => reactionMs)
  const decisionsMs = taken.map(({ toDecisionMs }) => toDecisionMs)
  const what = 'from the reading that crossed the threshold to the call at the engine'
  return [
    { name: `${what}, p50`, value: median(reactionsMs), unit: 'ms' },
    { name: `${what}, p99`, value: percentile(reactionsMs, 0.99), unit: 'ms' },
    { name: `${what}, longest`, value: Math.max(...reactionsMs), unit: 'ms' },
    { name: 'of these until the decision, p50', value: median(decisionsMs), unit: 'ms' },
    { name: 'of these until the decision, p99', value: percentile(decisionsMs, 0.99), unit: 'ms' },
    { name: 'actions measured', value: reactionsMs.length, unit: '' },
    { name: 'actions that a rail held up, not among them', value: heldUp, unit: '' },
    { name: 'incidents', value: incidents.length, unit: '' },
  ]
}
