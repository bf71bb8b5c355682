import type { ContainerView } from './api.ts'
import { markOf } from './board.ts'
import type { Messages, Terms } from './messages.ts'

/** The word that goes with a container's mark: its light, or why it has none. */
export function lightWord(container: ContainerView, terms: Terms, words: Messages): string {
  if (markOf(container) !== 'none') return terms.light[container.light]
  if (container.state !== 'running') return terms.state[container.state]
  return container.freshness === 'stale' ? words.stale : words.notEvaluated
}
