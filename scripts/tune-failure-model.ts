import { Command } from 'commander'
import { compare, mean, settings, tryTuning } from '../chaos/calibrate/tune.ts'
import { AppError, messageOf } from '../server/errors.ts'
import { endProgress, showProgress } from './backtest/progress.ts'
import { PENALTY, readRuns } from './read-runs.ts'

const program = new Command('tune-failure-model')
  .description(
    'Tries other values of the constants by which a climb of memory is judged, on the recorded runs to fit alone, with each family of programs left out of the fit in turn. Another value is better only where it gains more than two standard errors of log loss over the families, without more false alarms or failures missed.',
  )
  .requiredOption('--runs <folder>', 'what "npm run record" wrote (*.jsonl.gz)')
  .option('--json', 'print the figures as JSON')
  .parse()
const { runs: folder, json } = program.opts<{ runs: string; json?: boolean }>()

function report(): void {
  const runs = readRuns(folder).filter(({ header }) => header.use === 'fit')
  const wanted = settings()
  const tried = wanted.map(({ constant, value, tuning }, done) => {
    showProgress(done, wanted.length, constant ?? 'as shipped')
    return { constant, value, ...tryTuning(runs, tuning, PENALTY) }
  })
  endProgress()
  const shipped = tried[0]!
  const compared = tried.map((one) => ({ ...one, ...compare(one, shipped) }))
  if (json) return void process.stdout.write(`${JSON.stringify(compared)}\n`)
  const groups = Object.values(shipped.lossOfGroup)
  process.stdout.write(
    `${runs.length} runs, ${groups.length} groups left out in turn; log loss as shipped ${mean(groups).toFixed(4)}\n` +
      `${''.padEnd(42)}log loss (standard error)  false/h  leaks  failures\n`,
  )
  for (const one of compared) {
    const { constant, value, difference, standardError, isBetter } = one
    const name = constant === null ? 'as shipped' : `${constant.padEnd(15)} ${JSON.stringify(value)}`
    const change =
      constant === null ? '' : `${difference < 0 ? '' : '+'}${difference.toFixed(4)} (${standardError.toFixed(4)})`
    process.stdout.write(
      `  ${name.padEnd(40)}${change.padStart(25)}  ${one.falsePerDeceptiveHour.toFixed(2).padStart(7)}  ${String(one.leaksForeseen).padStart(5)}  ${String(one.failuresForeseen).padStart(8)}${isBetter ? '   better' : ''}\n`,
    )
  }
  const better = compared.filter(({ isBetter }) => isBetter).length
  process.stdout.write(
    better === 0
      ? 'Nothing tried is better than what is shipped.\n'
      : `${better} of ${compared.length - 1} are better than what is shipped.\n`,
  )
}

try {
  report()
} catch (error) {
  endProgress()
  process.stderr.write(`${error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error))}\n`)
  process.exitCode = 1
}
