import { expect, test } from 'vitest'
import type { Undo } from './act/executor.ts'
import type { Action, Deed, Incident } from './contracts/incident.ts'
import { aContainer, anAction, anIncident } from './decide/incident-stand-in.ts'
import { createLeaseKeeper } from './lease-keeper.ts'
import { createLeases } from './leases.ts'

const NOW = 100_000
const SUFFERER = 'a'.repeat(64)
const NEIGHBOUR = 'b'.repeat(64)
const neighbour = { id: NEIGHBOUR, name: 'b', startedAt: 1, imageId: 'x', stopGraceSeconds: 10 }

/** A keeper of one lease that is over, on an engine that has these containers. */
async function keep(deed: Deed, there: readonly string[]) {
  const action: Action = anAction({ kind: deed.kind, deed, state: 'verified', leaseUntil: NOW - 1, takenBackAt: null })
  const incident: Incident = anIncident({ containerId: SUFFERER, actions: [action] })
  const undone: Undo[] = []
  const noted: string[] = []
  const leases = createLeases()
  leases.note(incident)
  await createLeaseKeeper({
    clock: { now: () => NOW, sleep: async () => {} },
    executor: {
      async takeBack(undo) {
        undone.push(undo)
        return { outcome: 'executed', reason: 'done', askedAt: NOW }
      },
    },
    leases,
    containers: () => new Map(there.map((id) => [id, aContainer({ id })])),
    engineAnswers: () => true,
    usedBytesOf: () => null,
    note: (event, _lease, _reason, result) => noted.push(`${event} ${result}`),
    isUnwritten: () => false,
    takenBack: ({ incident: one }) => one,
  }).takeBackDue()
  return { undone: undone.map(({ deed: { kind } }) => kind), noted, isOver: leases.due(Number.MAX_VALUE) === undefined }
}

test('a neighbour goes on after its lease, also where the one that it was paused for was replaced meanwhile', async () => {
  const paused: Deed = { kind: 'pause-neighbour', neighbour }
  const done = { undone: ['pause-neighbour'], noted: ['lease.ended intended', 'lease.ended executed'], isOver: true }
  expect(await keep(paused, [SUFFERER, NEIGHBOUR])).toEqual(done)
  expect(await keep(paused, [NEIGHBOUR])).toEqual(done)
})

test('of what is gone nothing is taken back, and that is written down', async () => {
  const gone = { undone: [], noted: ['lease.ended gone'], isOver: true }
  expect(await keep({ kind: 'pause-neighbour', neighbour }, [SUFFERER])).toEqual(gone)
  expect(await keep({ kind: 'isolate', networks: ['shop'] }, [NEIGHBOUR])).toEqual(gone)
})
