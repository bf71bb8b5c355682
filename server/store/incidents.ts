import { Incident } from '../contracts/incident.ts'
import type { Database } from './database.ts'

export type IncidentCounts = { open: number; automaticActions: number; verifiedActions: number; wouldHaveActed: number }

export type IncidentStore = {
  save(incident: Incident): Promise<void>
  find(id: string): Promise<Incident | null>
  /** Newest first. */
  list(options: { limit: number; offset: number; open?: boolean }): Promise<Incident[]>
  /** The incident that an action belongs to. */
  findByAction(actionId: string): Promise<Incident | null>
  counts(): Promise<IncidentCounts>
  /** Those with an action whose lease was not ended, newest first; some more may be among them. */
  leased(): Promise<Incident[]>
}

/** More leases than actions of a day can hardly be. */
const MOST_LEASED = 1_000

/** Incidents and their actions. An incident is read and written whole; a document that cannot be read is left out. */
export function createIncidentStore(database: Database): IncidentStore {
  const read = async (where: string, values: Record<string, string | number>): Promise<Incident[]> => {
    const reader = await database.read((connection) =>
      connection.runAndReadAll(`SELECT document FROM incidents ${where}`, values),
    )
    return reader.getRows().flatMap(([document]) => {
      try {
        return [Incident.parse(JSON.parse(String(document)))]
      } catch {
        return []
      }
    })
  }
  return {
    save: (incident) =>
      database.write(async (connection) => {
        await connection.run('DELETE FROM incidents WHERE id = $1', [incident.id])
        await connection.run('INSERT INTO incidents VALUES ($1, $2, $3, $4, $5)', [
          incident.id,
          incident.containerKey,
          BigInt(Math.round(incident.openedAt)),
          incident.closedAt === null ? null : BigInt(Math.round(incident.closedAt)),
          JSON.stringify(incident),
        ])
        await connection.run('DELETE FROM actions WHERE incident_id = $1', [incident.id])
        for (const { id, kind, state, forced, at } of incident.actions) {
          await connection.run('INSERT INTO actions VALUES ($1, $2, $3, $4, $5, $6, $7)', [
            id,
            incident.id,
            incident.containerKey,
            kind,
            state,
            forced,
            BigInt(Math.round(at)),
          ])
        }
      }),
    find: async (id) => (await read('WHERE id = $id', { id }))[0] ?? null,
    list: ({ limit, offset, open }) => {
      const where = open === undefined ? '' : `WHERE closed_at_ms IS ${open ? '' : 'NOT '}NULL`
      return read(`${where} ORDER BY opened_at_ms DESC, id LIMIT $limit OFFSET $offset`, { limit, offset })
    },
    findByAction: async (id) =>
      (await read('WHERE id IN (SELECT incident_id FROM actions WHERE actions.id = $id)', { id }))[0] ?? null,
    leased: () =>
      read(
        `WHERE document LIKE '%"leaseUntil":1%' AND document LIKE '%"takenBackAt":null%'
         ORDER BY opened_at_ms DESC LIMIT $limit`,
        { limit: MOST_LEASED },
      ),
    async counts() {
      const reader = await database.read((connection) =>
        connection.runAndReadAll(
          `SELECT (SELECT count(*) FROM incidents WHERE closed_at_ms IS NULL),
             count(*) FILTER (forced AND state NOT IN ('refused')),
             count(*) FILTER (forced AND state = 'verified'),
             count(*) FILTER (state = 'recorded')
           FROM actions`,
        ),
      )
      const [open, automaticActions, verifiedActions, wouldHaveActed] = reader.getRows()[0]!.map(Number) as [
        number,
        number,
        number,
        number,
      ]
      return { open, automaticActions, verifiedActions, wouldHaveActed }
    },
  }
}
