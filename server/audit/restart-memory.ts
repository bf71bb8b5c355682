import type { AuditEntry } from '../contracts/audit.ts'

/** One restart that the program asked for itself, `at` in epoch milliseconds. */
export type OwnRestart = { containerKey: string; at: number }

/**
 * Gathers, entry by entry, the restarts that the program intended since `sinceMs` and did not refuse itself, so that
 * cool-downs and limits outlive a restart of the service. The log knows them all, also one whose incident did not reach
 * the database any more.
 */
export function createRestartMemory(sinceMs: number): { take(entry: AuditEntry): void; all(): OwnRestart[] } {
  const intended = new Map<string, OwnRestart>()
  return {
    take({ event, actionId, container, at }) {
      if (actionId === null || container === null) return
      const atMs = Date.parse(at)
      if (event === 'action.intended' && atMs >= sinceMs)
        intended.set(actionId, { containerKey: container.key, at: atMs })
      if (event === 'action.refused') intended.delete(actionId)
    },
    all: () => [...intended.values()],
  }
}
