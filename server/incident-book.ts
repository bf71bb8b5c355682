import type { Incident } from './contracts/incident.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'
import type { IncidentCounts, IncidentStore } from './store/incidents.ts'

/** Incidents kept at hand for the page. */
const RECENT = 50

export type IncidentBook = AsyncDisposable & {
  /** Takes an incident's newest state: at hand at once, in the store soon after. */
  note(incident: Incident): void
  /** Newest first. */
  recent(): Incident[]
  find(id: string): Promise<Incident | null>
  findByAction(actionId: string): Promise<Incident | null>
  list: IncidentStore['list']
  /** Tries again to store what could not be stored. */
  retry(): void
  readonly counts: IncidentCounts
}

/**
 * The incidents as they are now: what the guard says is at hand before the disk has it, so that nobody reads an older
 * state than was shown. `onStored` is called when the counts may have changed. Dispose waits for the last write.
 */
export async function openIncidentBook(options: {
  store: IncidentStore
  log: Log
  onStored: () => void
}): Promise<IncidentBook> {
  const { store, log, onStored } = options
  const atHand = new Map(
    (await store.list({ limit: RECENT, offset: 0 })).reverse().map((incident) => [incident.id, incident]),
  )
  let counts = await store.counts()
  /** What the store does not have yet; what could not be stored is tried again with the next one. */
  const unsaved = new Map<string, Incident>()
  let writing: Promise<void> = Promise.resolve()

  const write = async () => {
    for (const incident of [...unsaved.values()]) {
      try {
        await store.save(incident)
        if (unsaved.get(incident.id) === incident) unsaved.delete(incident.id)
      } catch (error) {
        log.error({ incidentId: incident.id, reason: messageOf(error) }, 'incident could not be stored')
      }
    }
    try {
      counts = await store.counts()
      onStored()
    } catch (error) {
      log.error({ reason: messageOf(error) }, 'incidents could not be counted')
    }
  }

  return {
    get counts() {
      return counts
    },
    note(incident) {
      atHand.set(incident.id, incident)
      unsaved.set(incident.id, incident)
      for (const [id, { closedAt }] of atHand) {
        if (atHand.size <= RECENT) break
        if (closedAt !== null) atHand.delete(id)
      }
      writing = writing.then(write)
    },
    recent: () => [...atHand.values()].reverse(),
    find: async (id) => atHand.get(id) ?? unsaved.get(id) ?? store.find(id),
    async findByAction(actionId) {
      const near = [...atHand.values(), ...unsaved.values()].find(({ actions }) =>
        actions.some(({ id }) => id === actionId),
      )
      return near ?? store.findByAction(actionId)
    },
    retry() {
      if (unsaved.size > 0) writing = writing.then(write)
    },
    list: async (query) => {
      await writing
      return store.list(query)
    },
    async [Symbol.asyncDispose]() {
      await writing
    },
  }
}
