import type { Judgement } from '../contracts/autonomy.ts'
import type { Action, Ending, Incident } from '../contracts/incident.ts'

const DONE: ReadonlySet<Action['state']> = new Set(['executed', 'failed', 'verified', 'ineffective', 'unknown'])

function outcomeOf(action: Action, incident: Incident, ending: Ending): Pick<Judgement, 'outcome' | 'reason'> {
  switch (action.state) {
    case 'verified':
      return { outcome: 'right', reason: 'it was done, and helped; what would have come without it nobody knows' }
    case 'ineffective':
      return { outcome: 'wrong', reason: 'it was done, and did not help' }
    case 'recorded':
    case 'rejected':
    case 'expired': {
      const failure = incident.failures.find(({ at }) => at >= action.at)
      if (failure !== undefined)
        return {
          outcome: 'right',
          reason: `it was not done, and ${failure.kind} followed ${Math.round((failure.at - action.at) / 1000)} s later`,
        }
      return ending === 'passed'
        ? { outcome: 'wrong', reason: 'it was not done, and the risk passed by itself' }
        : { outcome: 'unknown', reason: 'somebody else ended it before anything was to be seen' }
    }
    default:
      return { outcome: 'unknown', reason: `it is ${action.state}` }
  }
}

/** How long the failure lasted that followed a decision which was not carried out. */
function failureMsOf(action: Action, { failures, closedAt }: Incident): number | null {
  const failure = DONE.has(action.state) ? undefined : failures.find(({ at }) => at >= action.at)
  return failure === undefined || closedAt === null ? null : Math.max(0, closedAt - failure.at)
}

/** What became of each decision of an incident that has ended. */
export function judge(incident: Incident): Judgement[] {
  const ending = incident.ending ?? 'cut-short'
  return incident.actions
    .filter(({ state }) => state !== 'proposed' && state !== 'refused' && state !== 'executing')
    .map((action) => ({
      at: action.at,
      actionId: action.id,
      incidentId: incident.id,
      containerKey: incident.containerKey,
      cause: incident.cause,
      kind: action.kind,
      done: DONE.has(action.state),
      durationMs:
        action.startedAt === null || action.finishedAt === null
          ? null
          : Math.max(0, action.finishedAt - action.startedAt),
      failureMs: failureMsOf(action, incident),
      ...outcomeOf(action, incident, ending),
    }))
}
