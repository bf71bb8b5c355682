import { execFileSync } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { AppError, messageOf } from '../server/errors.ts'
import type { BacktestFigures, KeptBacktest } from './backtest/figures.ts'
import { endProgress, showProgress } from './backtest/progress.ts'
import { resultText } from './backtest/result-tables.ts'
import { runBacktest } from './backtest/run-backtest.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const KEPT = join(ROOT, 'models/backtest.json')

const program = new Command('backtest')
  .description(
    `Runs the forecasts, intervals, probabilities and anomaly scores of production over recorded series, once and from the
past only, and scores them.

The data are CSV files with the header timestamp,value: forecast/<group>/<series>.csv are scored as forecasts; folders
with a labels.json (windows as in nab/, or anomalous_timestamps) as anomalies; a folder of published scores (with
expected.json) checks the scorer. A row is one step in the file's order, whatever its timestamp: repeated or unordered
timestamps and gaps in time change nothing. A bad or missing value carries the last one forward.`,
  )
  .requiredOption('--data <folder>', 'where the series are')
  .option('--out <folder>', 'write what was said for every row there, one CSV a series (…__value.csv)')
  .option('--json', 'print the figures as JSON')
  .option('--keep', 'write the figures to models/backtest.json')
  .parse()
const options = program.opts<{ data: string; out?: string; json?: boolean; keep?: boolean }>()

const say = (text: string): void => {
  endProgress()
  process.stderr.write(`${text}\n`)
}

/** The commit of the tree, and whether the tree holds more than it. */
function commitOfTree(): Pick<KeptBacktest, 'commit' | 'changed'> {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return { commit: git('rev-parse', 'HEAD'), changed: git('status', '--porcelain', '--', 'server', 'scripts') !== '' }
  } catch {
    return { commit: null, changed: false }
  }
}

function keep(figures: BacktestFigures): void {
  const kept: KeptBacktest = { at: new Date().toISOString(), ...commitOfTree(), ...figures }
  writeFileSync(KEPT, `${JSON.stringify(kept, null, 2)}\n`)
  say(`Kept in ${KEPT}`)
}

function run(): void {
  const folder = resolve(options.data)
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new AppError(`there is no folder ${folder}`)
  const out = options.out === undefined ? null : resolve(options.out)
  if (out !== null && !relative(folder, out).startsWith('..'))
    throw new AppError('--out must lie outside --data, or the next run would take it for data')
  const figures = runBacktest({ folder, out, say, progress: showProgress })
  endProgress()
  if (options.keep) keep(figures)
  process.stdout.write(options.json ? `${JSON.stringify(figures)}\n` : resultText(figures))
  if (figures.skipped.length > 0) say(`${figures.skipped.length} files skipped`)
  if (figures.forecast === null && figures.anomaly.folders.length === 0) throw new AppError('nothing could be scored')
}

try {
  run()
} catch (error) {
  say(error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error)))
  process.exitCode = 1
}
