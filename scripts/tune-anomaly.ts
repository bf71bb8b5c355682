import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import {
  ANOMALY_ALARM_FROM,
  type AnomalyTuning,
  anomalyScore,
  createAnomalyDetector,
  SHIPPED_TUNING,
} from '../server/analyse/anomaly.ts'
import { type LabelledSeries, readNabCorpus } from './backtest/nab-corpus.ts'
import { NAB_PROFILES, nabScore, nabSweep, type ScoredFile } from './backtest/nab-score.ts'

/** What is tried: the paces, the bars, and how long an alarm keeps the series quiet. */
const PACES = [
  [5, 20],
  [10, 30],
  [20, 60],
] as const
const ALARM_LEVELS = [1.8, 2, 2.2, 2.5]
const ALARM_CHANGES = [2, 2.2, 2.5]
const QUIET_STEPS = [50, 100, 200]

const program = new Command('tune-anomaly')
  .description('Tries settings of the anomaly detector on a labelled corpus, with each category left out in turn.')
  .requiredOption('--data <folder>', 'a folder with nab/<category>/<file>.csv and nab/labels.json')
  .option('--json', 'print the figures as JSON')
  .parse()
const { data, json } = program.opts<{ data: string; json?: boolean }>()

type Trial = { tuning: AnomalyTuning; files: ScoredFile[] }
type Row = { category: string; tuning: AnomalyTuning; files: number; windows: number; atShipped: number }

function scored({ values, windows }: LabelledSeries, tuning: AnomalyTuning): ScoredFile {
  const detector = createAnomalyDetector(tuning)
  return { scores: Float32Array.from(values, (value) => anomalyScore(detector, value)), windows }
}

const standardScore = (files: readonly ScoredFile[]) => nabScore(files, ANOMALY_ALARM_FROM, NAB_PROFILES.standard)

function settings(): AnomalyTuning[] {
  return PACES.flatMap(([quickSteps, slowSteps]) =>
    ALARM_LEVELS.flatMap((alarmLevel) =>
      ALARM_CHANGES.flatMap((alarmChange) =>
        QUIET_STEPS.map((quietSteps) => ({
          ...SHIPPED_TUNING,
          quickSteps,
          slowSteps,
          alarmLevel,
          alarmChange,
          quietSteps,
        })),
      ),
    ),
  )
}

/** The trial that does best at the shipped threshold on the files that are kept. */
function bestOf(trials: readonly Trial[], kept: (file: number) => boolean): Trial {
  const scoreOf = ({ files }: Trial) => standardScore(files.filter((_, file) => kept(file)))
  return trials.reduce((best, trial) => (scoreOf(trial) > scoreOf(best) ? trial : best))
}

const text = (tuning: AnomalyTuning) =>
  `means ${tuning.quickSteps}/${tuning.slowSteps}, bars ${tuning.alarmLevel}/${tuning.alarmChange}, quiet ${tuning.quietSteps}`

function report(corpus: readonly LabelledSeries[]): void {
  const trials = settings().map((tuning) => ({ tuning, files: corpus.map((series) => scored(series, tuning)) }))
  const leftOut: ScoredFile[] = []
  const rows: Row[] = [...new Set(corpus.map(({ category }) => category))].map((category) => {
    const best = bestOf(trials, (file) => corpus[file]!.category !== category)
    const files = best.files.filter((_, file) => corpus[file]!.category === category)
    leftOut.push(...files)
    const windows = files.reduce((sum, file) => sum + file.windows.length, 0)
    return { category, tuning: best.tuning, files: files.length, windows, atShipped: standardScore(files) }
  })
  const shipped = corpus.map((series) => scored(series, SHIPPED_TUNING))
  const all = bestOf(trials, () => true)
  const figures = {
    shipped: { tuning: SHIPPED_TUNING, atShipped: standardScore(shipped), sweep: sweepScore(shipped) },
    bestOnAll: { tuning: all.tuning, atShipped: standardScore(all.files), sweep: sweepScore(all.files) },
    leftOut: { atShipped: standardScore(leftOut), sweep: sweepScore(leftOut), categories: rows },
  }
  if (json) return void process.stdout.write(`${JSON.stringify(figures)}\n`)
  const line = (name: string, { atShipped, sweep }: { atShipped: number; sweep: number }) =>
    `${name.padEnd(24)} at ${ANOMALY_ALARM_FROM}: ${atShipped.toFixed(1).padStart(5)}   sweep: ${sweep.toFixed(1).padStart(5)}\n`
  process.stdout.write(`NAB standard profile, ${trials.length} settings, ${corpus.length} series\n`)
  process.stdout.write(line('shipped', figures.shipped) + line('best of all settings', figures.bestOnAll))
  process.stdout.write(line('categories left out', figures.leftOut))
  for (const { category, tuning, files, windows, atShipped } of rows) {
    const score = windows === 0 ? '  no windows' : `at ${ANOMALY_ALARM_FROM}: ${atShipped.toFixed(1).padStart(5)}`
    process.stdout.write(`  ${category.padEnd(22)} ${score}   (${files} series; chosen without it: ${text(tuning)})\n`)
  }
}

const sweepScore = (files: readonly ScoredFile[]) => nabSweep(files, NAB_PROFILES.standard).score

const folder = join(data, 'nab')
if (!existsSync(join(folder, 'labels.json'))) {
  process.stderr.write(`There is no nab/labels.json in ${data}.\n`)
  process.exitCode = 2
} else report(readNabCorpus(folder))
