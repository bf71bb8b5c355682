import type { ActionView, IncidentView } from '../server/contracts/api.ts'
import type { AuditEntry } from '../server/contracts/audit.ts'
import { FIRST_LINES_KEPT } from '../server/contracts/incident.ts'
import { type BlackBoxEvidence, blackBoxSection } from './black-box-section.ts'
import { escapeHtml, facts, table } from './html.ts'

/** What a report says beside the incident: where it comes from, and what proves it. */
export type ReportContext = {
  issuedAt: string
  version: string
  /** Whether the containers are simulated. */
  demo: boolean
  calibration: string
  engine: string
  /** The audit entries of this incident, in order. */
  entries: readonly AuditEntry[]
  blackBox: BlackBoxEvidence
  /** Signed checkpoint over the log at the moment of issue, and the key to check it with. */
  checkpoint: string
  verifier: string
}

const percent = (share: number | null) => (share === null ? 'not evaluated' : `${(share * 100).toFixed(1)} %`)
const bytes = (value: number | null) => (value === null ? 'none' : `${(value / 1024 ** 2).toFixed(1)} MiB`)

/** The mark of an action that went ahead without asking anybody. */
function seal(action: ActionView, entries: readonly AuditEntry[]): string {
  const intent = entries.find(({ event, actionId }) => event === 'action.intended' && actionId === action.id)
  return `<aside class="seal"><strong>Forced ${escapeHtml(action.kind)}</strong>
<span>without asking, by ${escapeHtml(action.by)}</span>
<span>${escapeHtml(action.at)}</span>
<span>confidence ${percent(action.probability)}, threshold ${percent(action.threshold)}</span>
<span>result: ${escapeHtml(action.state)}</span>
<span>${intent === undefined ? 'intent not in the audit log' : `audit entry ${intent.index}`}</span></aside>`
}

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;color:#1b2430;max-width:60rem;margin:2rem auto;padding:0 1.5rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #c8d0da;padding-bottom:.25rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #e3e8ee}
th{font-weight:600;color:#51606f}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;margin:.5rem 0}dt{color:#51606f}dd{margin:0;overflow-wrap:anywhere}
pre{background:#f3f5f8;padding:.8rem;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem}code{font-size:.85em}
.seal{float:right;border:3px double #b3261e;color:#b3261e;padding:.6rem 1rem;margin:0 0 1rem 1rem;display:grid;font-size:.85rem;max-width:18rem}
.seal strong{text-transform:uppercase;letter-spacing:.05em;font-size:1rem}.time{white-space:nowrap}.long{overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}`

/**
 * The audit report of an incident as one HTML page that needs nothing else: identity, what was seen, why it was decided,
 * what was done and what came of it, and the entries and checkpoint that prove it. Times are UTC with milliseconds.
 */
export function renderIncidentReport(incident: IncidentView, context: ReportContext): string {
  const { snapshot } = incident
  const { assessment } = snapshot
  const forced = incident.actions.filter((action) => action.forced && action.state !== 'refused')
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Incident ${escapeHtml(incident.id)}</title><style>${STYLE}</style></head><body>
<header><h1>Incident report: ${escapeHtml(incident.containerName)}</h1>
<p>${escapeHtml(incident.cause)} · ${incident.closedAt === null ? 'open' : 'closed'} · ${escapeHtml(incident.phase)}</p></header>
${forced.map((action) => seal(action, context.entries)).join('\n')}
${facts([
  ['Incident', incident.id],
  ['Container', incident.containerName],
  ['Container id', incident.containerId],
  ['Identity across re-creation', incident.containerKey],
  ['Compose project', incident.composeProject ?? 'none'],
  ['Opened', incident.openedAt],
  ['Closed', incident.closedAt ?? 'still open'],
  ['Highest probability', percent(incident.probability)],
  ['Mode when opened', incident.mode],
  ['Engine', context.demo ? `${context.engine} (demo: its containers are simulated)` : context.engine],
  ['DockerPulse', context.version],
  ['Calibration', context.calibration],
  ['Report issued', context.issuedAt],
])}
<h2>Explanation</h2>
<p>${escapeHtml(incident.explanation?.text ?? 'None was written.')}</p>
<p><small>By ${escapeHtml(incident.explanation?.source ?? 'nobody')}${incident.explanation === null ? '' : `, ${escapeHtml(incident.explanation.at)}`}. An explanation changes no probability and no decision.</small></p>
<h2>Evidence at the highest probability</h2>
${table(
  ['Sign', 'What was seen', 'Value 0..1', 'Log-odds'],
  incident.evidence.map(({ feature, text, value, contribution }) => [
    feature,
    text,
    value.toFixed(3),
    contribution.toFixed(2),
  ]),
)}
<h2>Snapshot at opening</h2>
${facts([
  ['Taken', snapshot.at],
  ['Image', snapshot.image],
  ['Running since', snapshot.startedAt ?? 'not running'],
  ['Restarts by the engine', snapshot.restartCount],
  ['Health', snapshot.health],
  ['Memory limit', bytes(snapshot.memoryLimitBytes)],
  ['CPU limit', snapshot.cpuLimitCores === null ? 'none' : `${snapshot.cpuLimitCores} cores`],
  [
    'CPU',
    snapshot.sample?.cpuCores === null || snapshot.sample === null
      ? 'unknown'
      : `${snapshot.sample.cpuCores.toFixed(3)} cores`,
  ],
  ['Working set', bytes(snapshot.sample?.workingSetBytes ?? null)],
  ['Memory that cannot be reclaimed', bytes(snapshot.sample?.unreclaimableBytes ?? null)],
  ['Processes', snapshot.sample?.pids ?? 'unknown'],
  ['Probability', percent(assessment?.probability ?? null)],
  [
    'Time to the memory limit',
    assessment?.timeToLimitMs == null ? 'not in sight' : `${(assessment.timeToLimitMs / 1000).toFixed(1)} s`,
  ],
  [
    'Memory in 10 s',
    assessment?.memoryBytesForecast == null
      ? 'no forecast'
      : `${bytes(assessment.memoryBytesForecast.value)} (likely ${bytes(assessment.memoryBytesForecast.lower)} to ${bytes(assessment.memoryBytesForecast.upper)})`,
  ],
  ['CPU z-score', assessment?.cpuZScore?.toFixed(2) ?? 'too few samples'],
  ['Memory z-score', assessment?.memoryZScore?.toFixed(2) ?? 'too few samples'],
])}
<h2>Actions</h2>
${table(
  ['Time', 'Action', 'State', 'By', 'Confidence', 'Grace', 'Reason'],
  incident.actions.map((action) => [
    action.at,
    action.kind,
    action.state,
    action.by,
    percent(action.probability),
    `${action.stopGraceSeconds} s`,
    action.reason,
  ]),
)}
<h2>History</h2>
${table(
  ['Time', 'Event', 'What happened'],
  incident.history.flatMap(({ at, event, text }, index) => [
    ...(index === FIRST_LINES_KEPT && incident.historyOmitted > 0
      ? [['', '', `${incident.historyOmitted} more are among the entries below`]]
      : []),
    [at, event, text],
  ]),
)}
${blackBoxSection(incident.id, context.blackBox, context.entries)}
<h2>Proof</h2>
<p>Every line of the history stands in an append-only audit log: each entry carries the SHA-256 of the one before, and the
checkpoint below signs the Merkle root over all of them. Keep a checkpoint elsewhere: a later one must extend it.
<code>npm run verify -- --chain</code> checks the log offline.</p>
${table(
  ['Entry', 'Time', 'Event', 'Decision', 'Reason', 'Result', 'SHA-256 of the evidence'],
  context.entries.map(({ index, at, event, decision, reason, result, evidenceHashes }) => [
    index,
    at,
    event,
    decision,
    reason,
    result,
    evidenceHashes.join(' '),
  ]),
)}
<h3>Checkpoint</h3><pre>${escapeHtml(context.checkpoint)}</pre>
<h3>Key</h3><pre>${escapeHtml(context.verifier)}</pre>
</body></html>
`
}
