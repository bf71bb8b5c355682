import { FIRST_LINES_KEPT, type IncidentView } from './api.ts'

type Line = IncidentView['history'][number]

/** The lines before and after those that were left out of an incident's story. */
export function splitStory({ history, historyOmitted }: Pick<IncidentView, 'history' | 'historyOmitted'>): {
  first: Line[]
  newest: Line[]
} {
  const gap = historyOmitted > 0 ? FIRST_LINES_KEPT : history.length
  return { first: history.slice(0, gap), newest: history.slice(gap) }
}
