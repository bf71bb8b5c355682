import { z } from 'zod'

const Share = z.number().min(0).max(1)

/** How forecasts ten rows ahead did. Errors are relative (1 is as good as the reference, below is better). */
const ForecastFigures = z.object({
  series: z.number(),
  forecasts: z.number(),
  maeToLast: z.number(),
  /** 95 % interval by bootstrap over series, as of the next one. */
  maeToLastInterval: z.tuple([z.number(), z.number()]),
  rmseToLast: z.number(),
  rmseToLastInterval: z.tuple([z.number(), z.number()]),
  maeToRegression: z.number(),
  rmseToRegression: z.number(),
  /** Share of the series whose mean absolute error is at most the last value's. */
  notWorseThanLast: Share,
  /** Shares of forecasts whose truth lay in the interval: of all of a group's, and of groups their mean. */
  inside80: Share,
  inside95: Share,
})
export type ForecastFigures = z.infer<typeof ForecastFigures>

const Score = z.object({ brier: z.number(), ece: z.number() })

/** How the probabilities of exceeding the threshold ten rows later did; all forecasts count alike. */
const ExceedanceFigures = Score.extend({
  series: z.number(),
  forecasts: z.number(),
  /** Share of the rows that did exceed it. */
  happened: Share,
  /** The same of the share of the last 60 rows that lie above the threshold. */
  reference: Score,
  /** Of each bin with forecasts: their mean probability, and how often it happened. */
  bins: z.array(z.object({ forecasts: z.number(), probability: Share, happened: Share })),
})
export type ExceedanceFigures = z.infer<typeof ExceedanceFigures>

const NabFigures = z.object({
  /** The best score over all thresholds, and that threshold; `null` where silence is best. */
  sweep: z.number(),
  sweepThreshold: z.number().nullable(),
  /** At the threshold that is shipped. */
  shipped: z.number(),
})

/** How anomaly scores did in one folder with labels. */
const AnomalyFigures = z.object({
  folder: z.string(),
  files: z.number(),
  anomalies: z.number(),
  /** `null` where the labels are no windows. */
  nab: z.object({ standard: NabFigures, lowFalsePositives: NabFigures, lowFalseNegatives: NabFigures }).nullable(),
  /** Mean over the files with anomalies; `null` where there are none. */
  vusPr: z.number().nullable(),
})
export type AnomalyFigures = z.infer<typeof AnomalyFigures>

/** All that a backtest measures; `null` where the data has nothing to measure it on. */
export const BacktestFigures = z.object({
  data: z.object({ series: z.number(), rows: z.number(), groups: z.array(z.string()) }),
  skipped: z.array(z.object({ file: z.string(), reason: z.string() })),
  forecast: z
    .object({
      overall: ForecastFigures,
      groups: z.array(ForecastFigures.extend({ group: z.string(), leftOut: z.number() })),
    })
    .nullable(),
  exceedance: z
    .object({
      overall: ExceedanceFigures,
      /** Only the series on which both happened. */
      varying: ExceedanceFigures.nullable(),
      groups: z.array(ExceedanceFigures.extend({ group: z.string() })),
    })
    .nullable(),
  anomaly: z.object({ alarmFrom: z.number(), folders: z.array(AnomalyFigures) }),
  /** The scorer against published results. */
  published: z.array(z.object({ folder: z.string(), compared: z.number(), largestDifference: z.number() })),
  speed: z.object({ forecastsPerSecond: z.number(), anomalyScoresPerSecond: z.number(), seconds: z.number() }),
})
export type BacktestFigures = z.infer<typeof BacktestFigures>

/** Figures as they are kept in models/backtest.json, with when and of what they are. */
export const KeptBacktest = BacktestFigures.extend({
  at: z.string(),
  /** The commit measured; `changed` when the tree held more than it. */
  commit: z.string().nullable(),
  changed: z.boolean(),
})
export type KeptBacktest = z.infer<typeof KeptBacktest>
