import type { BacktestFigures, ForecastFigures } from './figures.ts'

/** Columns padded to their widest cell, the first to the left and the others to the right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ')
  return rows.map((row) => `${line(row).trimEnd()}\n`).join('')
}

export const ratio = (value: number): string => value.toFixed(3)
export const percent = (value: number): string => `${(100 * value).toFixed(1)} %`
const interval = ([from, to]: readonly [number, number]) => `${ratio(from)}–${ratio(to)}`

const forecastCells = (figures: ForecastFigures): string[] => [
  String(figures.series),
  String(figures.forecasts),
  ratio(figures.maeToLast),
  interval(figures.maeToLastInterval),
  ratio(figures.rmseToLast),
  interval(figures.rmseToLastInterval),
  ratio(figures.maeToRegression),
  ratio(figures.rmseToRegression),
  percent(figures.notWorseThanLast),
  percent(figures.inside80),
  percent(figures.inside95),
]

/** Header, a row for each group, and the whole. */
export function forecastRows({ overall, groups }: NonNullable<BacktestFigures['forecast']>): string[][] {
  return [
    [
      'group',
      'series',
      'forecasts',
      'MAE : last',
      '95 % interval',
      'RMSE : last',
      '95 % interval',
      'MAE : line',
      'RMSE : line',
      'not worse',
      'in 80 %',
      'in 95 %',
    ],
    ...groups.map((figures) => [figures.group, ...forecastCells(figures)]),
    ['overall', ...forecastCells(overall)],
  ]
}

/** Header, a row for each group, for the series where it varies, and the whole. */
export function exceedanceRows({ overall, varying, groups }: NonNullable<BacktestFigures['exceedance']>): string[][] {
  const named = [
    ...groups,
    ...(varying ? [{ group: 'where it varies', ...varying }] : []),
    { group: 'overall', ...overall },
  ]
  return [
    ['group', 'series', 'forecasts', 'happened', 'Brier', 'ECE', 'Brier, share of 60', 'ECE, share of 60'],
    ...named.map(({ group, series, forecasts, happened, brier, ece, reference }) => [
      group,
      String(series),
      String(forecasts),
      percent(happened),
      brier.toFixed(4),
      ece.toFixed(4),
      reference.brier.toFixed(4),
      reference.ece.toFixed(4),
    ]),
  ]
}

/** Header and a row for each profile of each folder; scores at the best threshold and at the shipped one. */
export function anomalyRows({ folders }: BacktestFigures['anomaly']): string[][] {
  const rows = folders.flatMap(({ folder, files, anomalies, nab, vusPr }) => {
    const common = [folder, String(files), String(anomalies), vusPr === null ? '–' : ratio(vusPr)]
    if (nab === null) return [[...common, '–', '–', '–', '–']]
    return [
      ['standard', nab.standard] as const,
      ['low false positives', nab.lowFalsePositives] as const,
      ['low false negatives', nab.lowFalseNegatives] as const,
    ].map(([name, { sweep, sweepThreshold, shipped }]) => [
      ...common,
      name,
      sweep.toFixed(1),
      sweepThreshold?.toFixed(4) ?? 'none',
      shipped.toFixed(1),
    ])
  })
  return [['folder', 'files', 'anomalies', 'VUS-PR', 'NAB profile', 'best', 'at', 'as shipped'], ...rows]
}

/** All figures as text for a terminal. */
export function resultText(figures: BacktestFigures): string {
  const { data, skipped, forecast, exceedance, anomaly, published, speed } = figures
  const thousands = (value: number) => Math.round(value).toLocaleString('en')
  const parts = [
    `${data.series} series, ${thousands(data.rows)} rows${skipped.length > 0 ? `, ${skipped.length} files skipped` : ''}\n`,
  ]
  if (forecast !== null)
    parts.push(
      `Forecasts ten steps ahead, errors relative to the last value and to the line through 60 rows\n${textTable(forecastRows(forecast))}`,
    )
  if (exceedance !== null)
    parts.push(
      `Probability of exceeding the 95th percentile of the first 30 %, ten steps ahead\n${textTable(exceedanceRows(exceedance))}`,
    )
  if (anomaly.folders.length > 0)
    parts.push(`Anomalies, alarms from ${anomaly.alarmFrom} on\n${textTable(anomalyRows(anomaly))}`)
  for (const { folder, compared, largestDifference } of published)
    parts.push(`${folder}: ${compared} published NAB scores reproduced to ${largestDifference.toExponential(1)}\n`)
  parts.push(
    `${thousands(speed.forecastsPerSecond)} forecasts and ${thousands(speed.anomalyScoresPerSecond)} anomaly scores per second; ${speed.seconds.toFixed(1)} s in all\n`,
  )
  return parts.join('\n')
}
