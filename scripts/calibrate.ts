import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { BY_DEFINITION, fitCalibrated, leftOut } from '../chaos/calibrate/fit.ts'
import { type Observed, observeRun } from '../chaos/calibrate/observe-run.ts'
import { type RunScores, scoreRuns, type WayScores } from '../chaos/calibrate/score-runs.ts'
import { versionOf } from '../chaos/calibrate/version.ts'
import { Calibration } from '../server/contracts/assessment.ts'
import { AppError, messageOf } from '../server/errors.ts'
import { PENALTY, readRuns } from './read-runs.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const HORIZON_MS = 60_000

const program = new Command('calibrate')
  .description('Fits the failure model on recorded runs and scores it on those of families that it was not fitted on')
  .requiredOption('--runs <folder>', 'what "npm run record" wrote (*.jsonl.gz)')
  .option(
    '--left-out',
    'score each family to fit by a model fitted without it, and end: for choosing features and constants',
  )
  .option('--penalty <n>', 'L2', Number, PENALTY)
  .option('--json', 'print the scores as JSON')
  .option('--write', 'write models/calibration.json and models/runs-scores.json')
  .parse()

const options = program.opts<{ runs: string; json?: boolean; write?: boolean; leftOut?: boolean; penalty: number }>()
const say = (text: string) => process.stderr.write(`${text}\n`)
const percent = (share: number | null) => (share === null ? '–' : `${(100 * share).toFixed(1)} %`)

function printWay(name: string, way: WayScores): void {
  const { leaks, all, first, medianLeadSeconds, falsePerHour } = way
  process.stdout.write(
    `${name.padEnd(16)} leaks ${leaks.foreseen} of ${leaks.of} (${percent(leaks.share)}), all ${all.foreseen} of ${all.of} (${percent(all.share)}), ` +
      `first of a run ${first.foreseen} of ${first.of} (${percent(first.share)}), lead ${medianLeadSeconds?.toFixed(0) ?? '–'} s (median); ` +
      `false per container-hour: calm ${falsePerHour.calm.toFixed(2)}, deceptive ${falsePerHour.deceptive.toFixed(2)}\n`,
  )
}

function print(scores: RunScores): void {
  const { ways, reliability, reliabilityByRun, timeToLimit, containerHours, families } = scores
  for (const { family, kind, runs, failures, foreseen, falseAlarms, containerHours: hours } of families)
    process.stdout.write(
      `  ${family.padEnd(21)} ${kind.padEnd(9)} ${String(runs).padStart(2)} runs, ${hours.toFixed(2)} h: foreseen ${foreseen} of ${failures}, false ${falseAlarms}\n`,
    )
  printWay('DockerPulse', ways.model)
  printWay('threshold 90 %', ways.threshold)
  printWay('predict_linear', ways.predictLinear)
  process.stdout.write(
    `Container-hours: calm ${containerHours.calm.toFixed(2)}, deceptive ${containerHours.deceptive.toFixed(2)}, all ${containerHours.all.toFixed(2)}\n` +
      `ECE ${reliability.ece.toFixed(4)}, Brier ${reliability.brier.toFixed(4)}, skill ${reliability.brierSkill.toFixed(3)} over a base rate of ${percent(reliability.baseRate)}; each run alike: ECE ${reliabilityByRun.ece.toFixed(4)}, skill ${reliabilityByRun.brierSkill.toFixed(3)} over ${percent(reliabilityByRun.baseRate)}\n` +
      `Time to limit 30 s before: median relative error ${percent(timeToLimit.medianRelativeError)} of ${timeToLimit.judged} (${timeToLimit.unknown} without one); the interval held in ${percent(timeToLimit.coverage)} of the last minute\n`,
  )
  for (const { from, to, seconds, meanProbability, observed, share } of reliability.bins)
    process.stdout.write(
      `  ${from.toFixed(1)}–${to.toFixed(1)}  ${String(seconds).padStart(6)} s  ${percent(share).padStart(7)} of the weight  said ${percent(meanProbability).padStart(7)}  came ${percent(observed).padStart(7)}\n`,
    )
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

const figure = (value: number | null) => (value === null || !Number.isFinite(value) ? 0 : Number(value.toPrecision(4)))

function run(): void {
  const names: string[] = []
  const observed: Observed[] = readRuns(options.runs).map((one) => observeRun(one, names))
  const toFit = observed.filter(({ header }) => header.use === 'fit')
  const toTest = observed.filter(({ header }) => header.use === 'test')
  say(`${toFit.length} runs to fit, ${toTest.length} to test, ${names.length} features`)
  if (options.leftOut) {
    print(scoreRuns(toFit, toFit.length, leftOut(toFit, names, options.penalty)))
    return
  }
  const fit = fitCalibrated(toFit, names, options.penalty)
  const scores = scoreRuns(toTest, toFit.length, () => fit)
  const { ways, reliability, timeToLimit } = scores
  const at = new Date().toISOString()
  const hours = toFit.reduce((sum, { seconds }) => sum + seconds.length / 3600, 0)
  const model = {
    intercept: Number(fit.intercept.toFixed(4)),
    weights: Object.fromEntries(names.map((name, index) => [name, Number(fit.weights[index]!.toFixed(4))])),
  }
  const calibration = Calibration.parse({
    version: versionOf(model, at.slice(0, 10)),
    provenance: {
      method: `logistic regression with weights >= 0, L2; slope and intercept (Platt) on runs that were left out of the weights by group; ${Object.keys(BY_DEFINITION).join(' and ')} by definition of the failure, not fitted; scores on other families`,
      data: `${toFit.length} runs (${hours.toFixed(1)} container-hours) of ${new Set(toFit.map(({ header }) => header.family)).size} families, ${toTest.length} runs of ${scores.families.length} others to test, on Docker ${observed[0]!.header.engine}`,
      fittedAt: at,
      commit: commit(),
      scores: {
        leaksForeseen: figure(ways.model.leaks.share),
        failuresForeseen: figure(ways.model.all.share),
        falsePerHourCalm: figure(ways.model.falsePerHour.calm),
        falsePerHourDeceptive: figure(ways.model.falsePerHour.deceptive),
        ece: figure(reliability.ece),
        brier: figure(reliability.brier),
        brierSkill: figure(reliability.brierSkill),
        timeToLimitMedianRelativeError: figure(timeToLimit.medianRelativeError),
        timeToLimitCoverage: figure(timeToLimit.coverage),
      },
    },
    horizonMs: HORIZON_MS,
    ...model,
  })
  if (options.json) process.stdout.write(`${JSON.stringify({ calibration, scores })}\n`)
  else {
    print(scores)
    process.stdout.write(`intercept ${calibration.intercept}, ${JSON.stringify(calibration.weights)}\n`)
  }
  if (!options.write) return
  writeFileSync(join(ROOT, 'models/calibration.json'), `${JSON.stringify(calibration, null, 2)}\n`)
  writeFileSync(
    join(ROOT, 'models/runs-scores.json'),
    `${JSON.stringify({ version: calibration.version, at, ...scores }, null, 2)}\n`,
  )
  say('Written: models/calibration.json, models/runs-scores.json')
}

try {
  run()
} catch (error) {
  say(error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error)))
  process.exitCode = 1
}
