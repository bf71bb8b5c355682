import type { Grade } from './grade.ts'
import type { Recording } from './recording.ts'
import type { DrillResult } from './result.ts'
import { drawChart } from './result-charts.ts'

function escapeHtml(value: unknown): string {
  const replacements: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return String(value).replace(/[&<>"']/g, (character) => replacements[character]!)
}

const seconds = (value: number | null) => (value === null ? '–' : `${value.toFixed(0)} s`)

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;color:#1b2430;max-width:62rem;margin:2rem auto;padding:0 1.5rem}
h1{margin:0}table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.25rem .9rem .25rem 0;border-bottom:1px solid #e3e8ee}
article{border-top:1px solid #c8d0da;padding:1rem 0}h2{font-size:1.1rem;margin:0}.mark{display:inline-block;width:1.8em;text-align:center;border:1px solid currentColor;border-radius:4px;margin-right:.5em}
.A,.B{color:#2e7d32}.C,.D{color:#8a5a00}.F{color:#b3261e}figure{display:inline-block;margin:.5rem 0}figcaption{font-size:.85rem;color:#51606f}ul{margin:.3rem 0;padding-left:1.2rem}
.key span{margin-right:1rem}.key i{display:inline-block;width:1.2em;height:.2em;vertical-align:middle;margin-right:.3em}`

function article({ grade, recording }: { grade: Grade; recording: Recording }): string {
  const { scenario } = recording
  return `<article id="${escapeHtml(scenario.name)}"><h2><span class="mark ${grade.mark}">${grade.mark}</span>${escapeHtml(scenario.name)}: ${escapeHtml(scenario.about.en)}</h2>
<p>Expected: ${escapeHtml(scenario.expected)}. ${escapeHtml(recording.injected)}.</p>
<figure>${drawChart(recording, 'watched')}<figcaption>the watched victim: nobody may help it</figcaption></figure>
<figure>${drawChart(recording, 'guarded')}<figcaption>the guarded victim</figcaption></figure>
<ul>${grade.reasons.map((reason) => `<li>${escapeHtml(reason)}</li>`).join('')}</ul></article>`
}

/** A drill's result as one HTML page that needs nothing else. */
export function renderDrillPage({
  engine,
  seed,
  version,
  calibration,
  at,
  graded,
  skipped,
  summary,
}: DrillResult): string {
  const { ways } = summary
  const figures = (name: string, value: (way: (typeof ways)['guard']) => unknown) =>
    `<tr><th>${name}</th>${[ways.guard, ways.threshold, ways.predictLinear].map((way) => `<td>${escapeHtml(value(way))}</td>`).join('')}</tr>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Drill of ${escapeHtml(at)}</title><style>${STYLE}</style></head><body>
<h1><span class="mark ${summary.mark}">${summary.mark}</span>Drill: ${summary.points} of 100 points</h1>
<p>${escapeHtml(at)}, ${engine === 'sim' ? 'simulated engine' : 'real Docker engine'}${seed === null ? '' : `, seed ${seed}`}, DockerPulse ${escapeHtml(version)}, calibration ${escapeHtml(calibration)}. ${summary.failuresAvoided} of ${summary.foreseeable} foreseeable failures avoided; ${summary.healed} of ${summary.bit} faults that bit ended by an action, without a person.</p>
<table><thead><tr><th></th><th>DockerPulse</th><th>threshold of 90 %</th><th>predict_linear</th></tr></thead><tbody>
${figures(`foreseen of ${summary.foreseeable}`, ({ foreseen }) => foreseen)}
${figures('lead time, median', ({ medianLeadSeconds }) => seconds(medianLeadSeconds))}
${figures(`false alarms in ${summary.quiet} quiet scenarios`, ({ falseAlarms }) => falseAlarms)}
</tbody></table>
<p class="key"><span><i style="background:#3b76c4"></i>memory, share of the limit</span><span><i style="background:#8a6d3b"></i>CPU, share of the limit</span><span><i style="background:#b3261e"></i>probability of failure</span><span>grey: the fault is at work</span><span><i style="background:#2e7d32"></i>resolved</span></p>
${graded.map(article).join('\n')}
${skipped.length === 0 ? '' : `<h2>Not done</h2><ul>${skipped.map(({ scenario, reason }) => `<li>${escapeHtml(scenario)}: ${escapeHtml(reason)}</li>`).join('')}</ul>`}
</body></html>
`
}
