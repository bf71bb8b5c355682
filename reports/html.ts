/** Characters that would show something else than the log holds: controls but line ends, and text direction. */
const MISLEADING = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}]/gu

/** Text from containers is hostile: everything that is shown goes through here. */
export function escapeHtml(value: unknown): string {
  const replacements: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return String(value ?? '–')
    .replace(MISLEADING, '\ufffd')
    .replace(/[&<>"']/g, (character) => replacements[character]!)
}

const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/

/** A short word is never broken; a longer text may be, so that it cannot push the page apart. */
const LONG = 24

/** A cell; a time stays on one line. */
function cell(value: unknown): string {
  const text = String(value)
  const kind = TIME.test(text) ? ' class="time"' : text.length > LONG ? ' class="long"' : ''
  return `<td${kind}>${escapeHtml(value)}</td>`
}

/** A table with everything in it escaped. */
export function table(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  if (rows.length === 0) return '<p>None.</p>'
  const head = headings.map((heading) => `<th>${escapeHtml(heading)}</th>`).join('')
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n')
  return `<table><thead><tr>${head}</tr></thead><tbody>\n${body}\n</tbody></table>`
}

/** Names and values with everything in them escaped. */
export function facts(pairs: readonly (readonly [string, unknown])[]): string {
  return `<dl>${pairs.map(([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`).join('')}</dl>`
}
