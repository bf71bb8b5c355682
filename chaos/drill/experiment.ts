import type { ContainerView, IncidentView } from '../../server/contracts/api.ts'
import type { Injection } from '../injector.ts'
import type { ChaosFault, Scenario } from '../scenario.ts'
import { createFailureSigns } from './failure-signs.ts'
import { type Failure, happeningsOf, type Reading, type Recording, type Role, readingOf } from './recording.ts'
import type { Stage } from './stage.ts'

const ROLES: readonly Role[] = ['guarded', 'watched']
const INCIDENTS = 200
/** Only a runner that is gone or hangs lets it come to this. */
const DEADLINE_MARGIN_SECONDS = 20

/** Faults of the whole host are done once; the others to each victim. */
const isOfHost = ({ kind }: ChaosFault) => kind === 'engine-refuses' || kind === 'noisy-neighbour'

async function get<T>(url: string, path: string): Promise<T> {
  const response = await fetch(`${url}${path}`)
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return (await response.json()) as T
}

/** The newest container of that name: while compose replaces one there are two. */
function viewOf(views: readonly ContainerView[], name: string): ContainerView | undefined {
  const named = views.filter((view) => view.name === name)
  return named.sort((a, b) => Date.parse(b.startedAt ?? '0') - Date.parse(a.startedAt ?? '0'))[0]
}

/**
 * Runs one scenario on a stage and records what the service under test said of it, from outside through its API, beside
 * the world's own signs of failure. The fault is taken back in any case. `onSecond` hears of each second; with
 * `signal` it ends early.
 */
export async function runExperiment(
  scenario: Scenario,
  stage: Stage,
  { signal, onSecond }: { signal?: AbortSignal; onSecond?: (second: number) => void } = {},
): Promise<Recording> {
  const { engine, url, victims } = stage
  const beganAtMs = stage.now()
  const failures: Failure[] = []
  const readings: Record<Role, (Reading | null)[]> = { guarded: [], watched: [] }
  const roleOf = (name: string): Role | null => ROLES.find((role) => victims[role].name === name) ?? null
  const signsOf = (role: Role) =>
    createFailureSigns((sign, atMs) => {
      failures.push({ role, sign, atSeconds: (atMs - beganAtMs) / 1000 })
    })
  const signs = { guarded: signsOf('guarded'), watched: signsOf('watched') }
  const idsOf = { guarded: new Set([victims.guarded.id]), watched: new Set([victims.watched.id]) }

  const stop = new AbortController()
  const listen = async () => {
    for await (const event of engine.events({ sinceMs: beganAtMs, signal: stop.signal }))
      for (const role of ROLES) if (idsOf[role].has(event.containerId)) signs[role].event(event)
  }
  const listening = listen().catch(() => {})

  const deadline = { seconds: scenario.durationSeconds + DEADLINE_MARGIN_SECONDS }
  const injections: Injection[] = []
  const takeBack = async () => {
    for (const injection of injections.splice(0)) await injection.takeBack()
  }
  let injected = ''
  try {
    for (let second = 0; second < scenario.watchSeconds && !signal?.aborted; second++) {
      if (second === scenario.startSeconds) {
        for (const role of isOfHost(scenario.fault) ? (['guarded'] as const) : ROLES)
          injections.push(await stage.injector.inject(scenario.fault, victims[role], deadline))
        injected = injections[0]?.what ?? ''
      }
      if (second === scenario.startSeconds + scenario.durationSeconds) await takeBack()
      await stage.second()
      const views = await get<ContainerView[]>(url, '/api/containers')
      const seen: Record<Role, Reading | null> = { guarded: null, watched: null }
      for (const role of ROLES) {
        const view = viewOf(views, victims[role].name)
        if (view !== undefined) {
          idsOf[role].add(view.id)
          seen[role] = readingOf(view)
        }
        signs[role].cpu(view?.freshness === 'live' ? view.cpuShareOfLimit : null, stage.now())
        readings[role].push(seen[role])
      }
      onSecond?.(second)
    }
  } finally {
    await takeBack()
    stop.abort()
    await listening
  }
  const all = await get<IncidentView[]>(url, `/api/incidents?limit=${INCIDENTS}`)
  const incidents = all.filter(({ containerName }) => !stage.isForeign(containerName))
  return { scenario, injected, readings, failures, happenings: happeningsOf(incidents, roleOf, beganAtMs) }
}
