import { bootstrapInterval, geometricMean, mean } from './bootstrap.ts'
import type { BacktestFigures, ExceedanceFigures, ForecastFigures } from './figures.ts'
import { type LogRatios, logRatios, type SeriesScore } from './forecast-scores.ts'
import { brier, expectedCalibrationError, mergeReliability, type Reliability } from './reliability.ts'

/** What was scored of one series; `null` for one that is left out. */
export type ScoredSeries = {
  group: string
  scored: { forecasts: SeriesScore; own: Reliability; reference: Reliability } | null
}

type Scored = NonNullable<ScoredSeries['scored']>

const sumOf = (scores: readonly Scored[], field: 'forecasts' | 'inside80' | 'inside95') =>
  scores.reduce((sum, { forecasts }) => sum + forecasts[field], 0)

/** Geometric means over series with equal weight for each group; shares inside likewise, of all forecasts of a group. */
function forecastFigures(groups: readonly (readonly Scored[])[]): ForecastFigures {
  const ratios = groups.map((scores) => scores.map(({ forecasts }) => logRatios(forecasts)))
  const of = (ratio: keyof LogRatios) => ratios.map((group) => group.map((series) => series[ratio]))
  const inside = (field: 'inside80' | 'inside95') =>
    mean(groups.map((scores) => sumOf(scores, field) / sumOf(scores, 'forecasts')))
  const toLast = of('maeToLast').flat()
  return {
    series: toLast.length,
    forecasts: sumOf(groups.flat(), 'forecasts'),
    maeToLast: geometricMean(of('maeToLast')),
    maeToLastInterval: bootstrapInterval(of('maeToLast')),
    rmseToLast: geometricMean(of('rmseToLast')),
    rmseToLastInterval: bootstrapInterval(of('rmseToLast')),
    maeToRegression: geometricMean(of('maeToRegression')),
    rmseToRegression: geometricMean(of('rmseToRegression')),
    notWorseThanLast: toLast.filter((ratio) => ratio <= 0).length / toLast.length,
    inside80: inside('inside80'),
    inside95: inside('inside95'),
  }
}

function exceedanceFigures(scores: readonly Scored[]): ExceedanceFigures | null {
  const counted = scores.filter(({ own }) => own.count > 0)
  if (counted.length === 0) return null
  const own = mergeReliability(counted.map((score) => score.own))
  const reference = mergeReliability(counted.map((score) => score.reference))
  return {
    series: counted.length,
    forecasts: own.count,
    happened: own.happened / own.count,
    brier: brier(own),
    ece: expectedCalibrationError(own),
    reference: { brier: brier(reference), ece: expectedCalibrationError(reference) },
    bins: own.bins
      .filter(({ count }) => count > 0)
      .map(({ count, probability, happened }) => ({
        forecasts: count,
        probability: probability / count,
        happened: happened / count,
      })),
  }
}

const varies = ({ own }: Scored) => own.happened > 0 && own.happened < own.count

/** The figures of all scored series, by group and overall; `null` where none could be scored. */
export function groupFigures(series: readonly ScoredSeries[]): Pick<BacktestFigures, 'forecast' | 'exceedance'> {
  const byGroup = [...Map.groupBy(series, ({ group }) => group)].map(([group, members]) => ({
    group,
    scores: members.map(({ scored }) => scored).filter((scored) => scored !== null),
    leftOut: members.filter(({ scored }) => scored === null).length,
  }))
  const groups = byGroup.filter(({ scores }) => scores.length > 0)
  if (groups.length === 0) return { forecast: null, exceedance: null }
  const all = groups.flatMap(({ scores }) => scores)
  const exceedance = exceedanceFigures(all)
  return {
    forecast: {
      overall: forecastFigures(groups.map(({ scores }) => scores)),
      groups: groups.map(({ group, leftOut, scores }) => ({ group, leftOut, ...forecastFigures([scores]) })),
    },
    exceedance: exceedance && {
      overall: exceedance,
      varying: exceedanceFigures(all.filter(varies)),
      groups: groups.flatMap(({ group, scores }) => {
        const figures = exceedanceFigures(scores)
        return figures === null ? [] : [{ group, ...figures }]
      }),
    },
  }
}
