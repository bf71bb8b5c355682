import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ANOMALY_ALARM_FROM } from '../../server/analyse/anomaly.ts'
import { messageOf } from '../../server/errors.ts'
import { type LabelledScores, scoreAnomalies } from './anomaly-scores.ts'
import type { BacktestFigures } from './figures.ts'
import { scoreForecasts } from './forecast-scores.ts'
import { groupFigures, type ScoredSeries } from './group-figures.ts'
import { type Labels, labelsOf, readLabels } from './labels.ts'
import { checkAgainstPublished } from './nab-published.ts'
import { writeOut } from './out-files.ts'
import { scoreExceedance } from './reliability.ts'
import { runSeries, type SeriesRun } from './run-series.ts'
import { findSeriesFiles, publishedFolders, readSeries, type SeriesRows } from './series-files.ts'

/** The folder whose series are scored as forecasts, its sub-folders being the groups. */
const FORECAST = 'forecast'

type Options = {
  folder: string
  out: string | null
  say: (text: string) => void
  /** Told before each file: how many of how many are done. */
  progress: (done: number, total: number, file: string) => void
}

/** The first folder of a relative path, and the path in it. */
function topFolder(file: string): [folder: string, path: string] {
  const slash = file.indexOf('/')
  return slash < 0 ? ['', file] : [file.slice(0, slash), file.slice(slash + 1)]
}

function scoreSeries(path: string, { values }: SeriesRows, run: SeriesRun): ScoredSeries {
  const forecasts = scoreForecasts(values, run)
  return {
    group: dirname(path),
    scored: forecasts && { forecasts, ...scoreExceedance(values, run) },
  }
}

/** The published scores among the folders, each with how well they are reproduced. */
function checkPublished(folder: string): BacktestFigures['published'] {
  const candidates = readdirSync(folder).map((name) => `${name}/expected.json`)
  return publishedFolders(candidates.filter((path) => existsSync(join(folder, path)))).map((name) => ({
    folder: name,
    ...checkAgainstPublished(join(folder, name)),
  }))
}

/** Runs the production functions over all series below a folder and scores what they said. */
export function runBacktest({ folder, out, say, progress }: Options): BacktestFigures {
  const startedAt = performance.now()
  const files = findSeriesFiles(folder)
  const labels = new Map<string, Labels | null>()
  const labelled = new Map<string, LabelledScores[]>()
  const scored: ScoredSeries[] = []
  const skipped: BacktestFigures['skipped'] = []
  const groups = new Set<string>()
  let [rows, forecastMs, anomalyMs] = [0, 0, 0]
  for (const [index, file] of files.entries()) {
    progress(index, files.length, file)
    try {
      const series = readSeries(readFileSync(join(folder, file), 'utf8'))
      const run = runSeries(series.values)
      if (out !== null) writeOut(out, file, series, run)
      groups.add(dirname(file))
      rows += series.values.length
      forecastMs += run.forecastMs
      anomalyMs += run.anomalyMs
      const [top, path] = topFolder(file)
      if (top === FORECAST) scored.push(scoreSeries(path, series, run))
      if (!labels.has(top)) labels.set(top, readLabels(join(folder, top, 'labels.json')))
      const known = labels.get(top)
      const own = known && labelsOf(known, path, series.timestamps)
      if (own) labelled.set(top, [...(labelled.get(top) ?? []), { scores: run.anomaly, labels: own }])
    } catch (error) {
      skipped.push({ file, reason: messageOf(error) })
      say(`${file}: ${messageOf(error)}; skipped`)
    }
  }
  const published = checkPublished(folder)
  const figures = {
    data: { series: files.length - skipped.length, rows, groups: [...groups].sort() },
    skipped,
    ...groupFigures(scored),
    anomaly: {
      alarmFrom: ANOMALY_ALARM_FROM,
      folders: [...labelled].map(([name, scores]) => scoreAnomalies(name, scores)),
    },
    published,
  }
  return {
    ...figures,
    speed: {
      forecastsPerSecond: forecastMs > 0 ? (1000 * rows) / forecastMs : 0,
      anomalyScoresPerSecond: anomalyMs > 0 ? (1000 * rows) / anomalyMs : 0,
      seconds: (performance.now() - startedAt) / 1000,
    },
  }
}
