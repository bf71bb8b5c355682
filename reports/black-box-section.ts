import type { AuditEntry } from '../server/contracts/audit.ts'
import type { Recording, RecordingEntry } from '../server/contracts/black-box.ts'
import { escapeHtml, facts, table } from './html.ts'

/** What the black box kept of an incident; `newest` is the last one that can be read. */
export type BlackBoxEvidence = { recordings: readonly RecordingEntry[]; newest: Recording | null }

/** Whether a recording is what it was: its hash stands in the audit log, or not. */
function proofOf({ sha256, problem }: RecordingEntry, entries: readonly AuditEntry[]): string {
  if (sha256 === null) return problem ?? 'it cannot be read'
  const entry = entries.find(
    ({ event, evidenceHashes }) => event === 'evidence.kept' && evidenceHashes.includes(sha256),
  )
  return entry === undefined
    ? 'in no audit entry: it was changed, or its entry could not be written'
    : `audit entry ${entry.index}`
}

const sizeOf = (bytes: number | null) => (bytes === null ? 'unknown' : `${(bytes / 1024).toFixed(1)} KiB`)

const HOST_SHARES = [
  ['Host CPU', 'cpuBusyShare'],
  ['CPU pressure', 'cpuPressureSomeShare'],
  ['Memory pressure', 'memoryPressureSomeShare'],
  ['I/O pressure', 'ioPressureSomeShare'],
] as const

function content(recording: Recording): string {
  const { moment, at, samples, host, processes, changedSinceGood, events, logTail, missing } = recording
  return `<h3>The newest: ${escapeHtml(moment)}, ${escapeHtml(at)}</h3>
${facts([
  ['Samples kept of', samples.map(({ containerName, at }) => `${containerName} (${at.length})`).join(', ') || 'none'],
  ...HOST_SHARES.map(([name, share]): [string, string] => {
    const value = host?.[share] ?? null
    return [name, value === null ? 'unknown' : `${(value * 100).toFixed(1)} %`]
  }),
  ['Missing', missing.join('; ') || 'nothing'],
])}
<h3>What changed since it last ran well</h3>
${table(
  ['Field', 'Before', 'Now'],
  changedSinceGood.map(({ field, before, after }) => [field, before ?? 'none', after ?? 'none']),
)}
<h3>Processes</h3>
${processes === null ? '<p>Unknown.</p>' : table(processes.titles, processes.processes)}
<h3>Events of the engine in the last 15 minutes</h3>
${table(
  ['Time', 'Container', 'Event'],
  events.map(({ at, name, kind, exitCode }) => [
    new Date(at).toISOString(),
    name,
    exitCode === null ? kind : `${kind}, exit code ${exitCode}`,
  ]),
)}
<h3>End of the log, masked</h3>
${logTail.length === 0 ? '<p>None.</p>' : `<pre>${escapeHtml(logTail.join('\n'))}</pre>`}`
}

/** What was recorded around the container, with the hashes that prove it. */
export function blackBoxSection(
  incidentId: string,
  { recordings, newest }: BlackBoxEvidence,
  entries: readonly AuditEntry[],
): string {
  return `<h2>Black box</h2>
<p>What was to be seen when the incident opened and before each action. A recording is
<code>black-box/${escapeHtml(incidentId)}/&lt;number&gt;-&lt;moment&gt;.json.gz</code> in the data folder: <code>zcat</code> of it
through <code>sha256sum</code> gives the hash.</p>
${table(
  ['Number', 'Moment', 'Time', 'JSON', 'Proof', 'SHA-256'],
  recordings.map((recording) => [
    recording.number,
    recording.moment,
    recording.at ?? 'unknown',
    sizeOf(recording.bytes),
    proofOf(recording, entries),
    recording.sha256 ?? 'unknown',
  ]),
)}
${newest === null ? '' : content(newest)}`
}
