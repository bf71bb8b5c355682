import type { Recording } from '../contracts/black-box.ts'
import { idOf, uuidOf } from './stand-ins.ts'

/** A small recording of an incident, for tests. */
export function aRecording(incident: number, different: Partial<Recording> = {}): Recording {
  return {
    incidentId: uuidOf(incident),
    at: '2026-03-01T12:00:00.000Z',
    moment: 'opened',
    actionId: null,
    containerId: idOf(1),
    containerName: 'shop-web-1',
    samples: [],
    logTail: ['java.lang.OutOfMemoryError'],
    processes: { titles: ['PID', 'CMD'], processes: [['1', 'java -jar shop.jar']] },
    container: null,
    changedSinceGood: [{ field: 'image', before: 'web:1', after: 'web:2' }],
    events: [],
    host: null,
    missing: ['host: its files cannot be seen'],
    ...different,
  }
}
