export const percent = (share: number | null) => (share === null ? '–' : `${(100 * share).toFixed(1)} %`)
export const ratio = (value: number) => value.toFixed(3)

/** A Markdown table; the first row is its header, the first column stands left, the others right. */
export const table = (rows: readonly (readonly (string | number)[])[]): string => {
  const [header, ...rest] = rows as [readonly (string | number)[], ...(readonly (string | number)[])[]]
  const line = (row: readonly (string | number)[]) => `| ${row.join(' | ')} |`
  return [line(header), line(header.map((_, index) => (index === 0 ? '---' : '---:'))), ...rest.map(line)].join('\n')
}
