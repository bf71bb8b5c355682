import { z } from 'zod'
import type { IncidentView } from '../../server/contracts/api.ts'
import type { ChaosFault } from '../scenario.ts'

/** Automatic actions that were needed and helped, and those that were not needed or did not help. */
export const JudgedActions = z.object({ right: z.number(), wrong: z.number() })
export type JudgedActions = z.infer<typeof JudgedActions>

/** A fault as it was done: to whom, and from when until when at the latest. Epoch milliseconds. */
export type DoneFault = { containerName: string; fault: ChaosFault; fromMs: number; untilMs: number }

/** These need no action: the engine mends a kill itself, and a page cache is harmless. */
const HARMLESS: ReadonlySet<ChaosFault['kind']> = new Set(['kill', 'page-cache'])
/** A restart ends every other fault, so that a second one has no reason. */
const OUTLIVES_RESTART: ReadonlySet<ChaosFault['kind']> = new Set(['crash-loop', 'connection-flood'])
/** What a fault did is seen, and dealt with, for so long after its end. */
const AFTERMATH_MS = 15_000

/**
 * Judges automatic actions against what was really done to the containers, not by what the guard thinks of itself: right
 * are those that met a fault at work and helped; wrong those that did not help, and those on a container to which nothing
 * was done, or whose fault an earlier restart had ended. What was not over at the end counts neither way.
 */
export function judgeActions(incidents: readonly IncidentView[], faults: readonly DoneFault[]): JudgedActions {
  const judged: JudgedActions = { right: 0, wrong: 0 }
  const ended = new Set<DoneFault>()
  const actions = incidents
    .flatMap(({ containerName, actions: own }) => own.map((action) => ({ containerName, ...action })))
    .filter(({ forced, startedAt }) => forced && startedAt !== null)
    .sort((a, b) => Date.parse(a.startedAt!) - Date.parse(b.startedAt!))
  for (const { containerName, kind, state, startedAt } of actions) {
    const atMs = Date.parse(startedAt!)
    const met = faults.find(
      (one) =>
        one.containerName === containerName &&
        !HARMLESS.has(one.fault.kind) &&
        !ended.has(one) &&
        atMs >= one.fromMs &&
        atMs <= one.untilMs + AFTERMATH_MS,
    )
    if (met === undefined || state === 'ineffective') judged.wrong += 1
    else if (state === 'verified') judged.right += 1
    if (met !== undefined && kind.startsWith('restart') && !OUTLIVES_RESTART.has(met.fault.kind)) ended.add(met)
  }
  return judged
}
