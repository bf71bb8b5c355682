import type { Figures } from './figures.ts'
import { runsSection } from './runs-section.ts'
import { percent, ratio, table } from './text.ts'

/** A figure that must hold, what was measured, and whether it does. */
type Aim = { name: string; must: string; measured: string; holds: boolean }

function aims({ backtest, runs }: Figures): Aim[] {
  const { forecast, exceedance, anomaly } = backtest
  const groups = forecast?.groups ?? []
  const worst = Math.max(...groups.map(({ maeToLast }) => maeToLast))
  const inside = groups.map(({ inside80 }) => inside80)
  const varying = exceedance?.varying ?? exceedance?.overall
  const nab = anomaly.folders.find(({ nab }) => nab !== null)?.nab?.standard
  const { model } = runs.ways
  const most = (value: number | null | undefined, must: number) => value != null && value <= must
  return [
    {
      name: 'mean absolute error ten steps ahead, relative to the last value',
      must: '≤ 0.70',
      measured: forecast ? ratio(forecast.overall.maeToLast) : '–',
      holds: most(forecast?.overall.maeToLast, 0.7),
    },
    { name: 'the worst group’s', must: '≤ 1.00', measured: ratio(worst), holds: worst <= 1 },
    {
      name: 'root mean square error, same',
      must: '≤ 0.76',
      measured: forecast ? ratio(forecast.overall.rmseToLast) : '–',
      holds: most(forecast?.overall.rmseToLast, 0.76),
    },
    {
      name: 'exceedance, Brier score (series on which it varies)',
      must: '≤ 0.033',
      measured: varying ? varying.brier.toFixed(4) : '–',
      holds: most(varying?.brier, 0.033),
    },
    {
      name: 'exceedance, calibration error (ECE)',
      must: '≤ 0.007',
      measured: varying ? varying.ece.toFixed(4) : '–',
      holds: most(varying?.ece, 0.007),
    },
    {
      name: '80 % interval, share inside, by group',
      must: '0.76 … 0.84',
      measured: `${ratio(Math.min(...inside))} … ${ratio(Math.max(...inside))}`,
      holds: inside.every((share) => share >= 0.76 && share <= 0.84),
    },
    {
      name: 'NAB standard profile, best threshold / as shipped',
      must: '≥ 58 / ≥ 52',
      measured: nab ? `${nab.sweep.toFixed(1)} / ${nab.shipped.toFixed(1)}` : '–',
      holds: nab !== undefined && nab.sweep >= 58 && nab.shipped >= 52,
    },
    {
      name: 'failures foreseen on programs not fitted on (critical 5 s before and still then), leaks / all',
      must: '≥ 90 % / ≥ 75 %',
      measured: `${percent(model.leaks.share)} / ${percent(model.all.share)}`,
      holds: (model.leaks.share ?? 0) >= 0.9 && (model.all.share ?? 0) >= 0.75,
    },
    {
      name: 'false criticals per container-hour, calm / made to deceive',
      must: '≤ 0.05 / ≤ 1.5',
      measured: `${model.falsePerHour.calm.toFixed(2)} / ${model.falsePerHour.deceptive.toFixed(2)}`,
      holds: model.falsePerHour.calm <= 0.05 && model.falsePerHour.deceptive <= 1.5,
    },
    {
      name: 'time to limit on leaks, median relative error 30 s before',
      must: '≤ 25 %',
      measured: percent(runs.timeToLimit.medianRelativeError),
      holds: most(runs.timeToLimit.medianRelativeError, 0.25),
    },
    {
      name: 'failure probability, calibration error / Brier skill over the base rate',
      must: '≤ 0.03 / ≥ 0.5',
      measured: `${ratio(runs.reliability.ece)} / ${ratio(runs.reliability.brierSkill)}`,
      holds: runs.reliability.ece <= 0.03 && runs.reliability.brierSkill >= 0.5,
    },
  ]
}

function weaknesses(figures: Figures): string[] {
  const { backtest } = figures
  return [
    ...aims(figures)
      .filter(({ holds }) => !holds)
      .map(({ name, must, measured }) => `- Short of its aim: ${name} is ${measured}, and must be ${must}.`),
    ...(backtest.forecast?.groups ?? [])
      .filter(({ maeToLast }) => maeToLast > 0.95)
      .map(
        ({ group, maeToLast }) =>
          `- On \`${group}\` forecasts are no better than the last value (${ratio(maeToLast)}).`,
      ),
  ]
}

/** The model card as Markdown. All of it comes from the figures that the tools wrote. */
export function modelCard(figures: Figures): string {
  const { backtest, calibration } = figures
  const { provenance, weights, intercept, version } = calibration
  const logErrorsAlone = 1 / (1 + Math.exp(-intercept - (weights.logErrors ?? 0)))
  const day = (iso: string | null) => iso?.slice(0, 10) ?? 'never'
  return `# Model card

Written by \`npm run model-card\` from what \`npm run backtest -- --keep\` measured and from \`models/calibration.json\`. Not
written by hand: to change a figure, measure it again.

## What it predicts

- **Forecasts** of a container's CPU (cores) and working set (bytes) 10 s, 60 s and 15 min ahead, with 80 % and 95 %
  intervals: ten steps ahead at three paces, by the weighted median of experts (last value, medians, means, lines, seasons,
  similar pasts, regressions learnt online), weighted by their recent errors at that horizon.
- **Anomaly scores** from 0 to 1, an alarm from ${backtest.anomaly.alarmFrom} on.
- **The probability that a container fails within ${calibration.horizonMs / 1000} s**: OOM kill, exit with an error, health check turned
  unhealthy, or five minutes' saturation of CPU. Version \`${version}\`.

## Does it hold?

${table([
  ['figure', 'must', 'measured', ''],
  ...aims(figures).map(({ name, must, measured, holds }) => [
    name,
    must,
    measured,
    holds ? 'holds' : '**falls short**',
  ]),
])}

## Forecasts

${backtest.data.series} recorded series, ${backtest.data.rows.toLocaleString('en')} rows, ${backtest.forecast?.overall.forecasts.toLocaleString('en') ?? 0} forecasts, one pass, past only (${day(backtest.at)}). 1 is as good as repeating the last value.

![Errors by group](pictures/error-by-group.svg)

${table([
  [
    'group',
    'series',
    'MAE : last',
    '95 % interval',
    'RMSE : last',
    'MAE : 60-sample line',
    'not worse',
    'in 80 %',
    'in 95 %',
  ],
  ...[
    ...(backtest.forecast?.groups ?? []),
    ...(backtest.forecast ? [{ group: '**all**', ...backtest.forecast.overall }] : []),
  ].map((row) => [
    row.group,
    row.series,
    ratio(row.maeToLast),
    row.maeToLastInterval.map(ratio).join('–'),
    ratio(row.rmseToLast),
    ratio(row.maeToRegression),
    percent(row.notWorseThanLast),
    percent(row.inside80),
    percent(row.inside95),
  ]),
])}

![Reliability](pictures/reliability.svg)

## Anomalies

${table([
  ['data', 'files', 'anomalies', 'VUS-PR', 'NAB standard', 'low false positives', 'low false negatives'],
  ...backtest.anomaly.folders.map(({ folder, files, anomalies, nab, vusPr }) => [
    folder,
    files,
    anomalies,
    vusPr === null ? '–' : ratio(vusPr),
    ...(nab === null
      ? ['–', '–', '–']
      : [nab.standard, nab.lowFalsePositives, nab.lowFalseNegatives].map(
          ({ sweep, shipped }) => `${shipped.toFixed(1)} (best ${sweep.toFixed(1)})`,
        )),
  ]),
])}

NAB at the threshold that is shipped; in brackets at the best one.

## Failure probability

Method: ${provenance.method}. Data: ${provenance.data}. Fitted: ${day(provenance.fittedAt)}.

Log-odds = ${intercept} + the sum of weight × feature, each feature from 0 to 1:

${table([['feature', 'weight'], ...Object.entries(weights).map(([name, weight]) => [name, weight])])}

${runsSection(figures)}

## Where it is bad

${weaknesses(figures).join('\n')}
- A first crash without a sign before it cannot be foreseen, and is not.
- The programs that failed were written for it, on one engine and one host. The scoreboard of the running service
  (\`/api/scoreboard\`) says how it does on yours.
- The families to test were looked at while features were chosen, though nothing was fitted on them; no saturation ran to
  a failure in a recording, so its weight is set by its definition.
- Errors in a log are recognised by their wording, whoever wrote them, and weighed by what these programs did: some failed
  after them, most recovered. The most unusual ones alone mean ${percent(logErrorsAlone)} here, below what is critical; how
  often yours fail after theirs only the scoreboard knows.
- Seconds of one run resemble each other: with each run counted alike the calibration error is
  ${ratio(figures.runs.reliabilityByRun.ece)} and the skill ${ratio(figures.runs.reliabilityByRun.brierSkill)}.

## What it must not be used for

- Judging people, billing, or capacity planning over weeks.
- Acting without the rails of the remediation policy: a probability permits nothing by itself.
- Containers of your own without a look at the scoreboard first.
`
}
