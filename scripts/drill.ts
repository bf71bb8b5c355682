import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'

import { drillOnDocker } from '../chaos/drill/docker-drill.ts'
import type { Drilled } from '../chaos/drill/drilled.ts'
import type { GameDayFigures } from '../chaos/drill/game-day.ts'
import { drillsDocument, withDrill } from '../chaos/drill/kept-drills.ts'
import { readKept, writeKept } from '../chaos/drill/kept-file.ts'
import { GameDay, keepGameDay } from '../chaos/drill/kept-game-days.ts'
import { KeptPrecision, precisionInWords } from '../chaos/drill/kept-precision.ts'
import { measurePrecision } from '../chaos/drill/precision.ts'
import { type DrillResult, drillResult, type EngineKind, KeptDrill, keptDrill } from '../chaos/drill/result.ts'
import { renderDrillPage } from '../chaos/drill/result-page.ts'
import { runGameDay } from '../chaos/drill/run-game-day.ts'
import { drillOnSimulation } from '../chaos/drill/simulated-drill.ts'
import type { Scenario } from '../chaos/scenario.ts'
import { SCENARIOS } from '../chaos/scenarios.ts'
import { AppError, messageOf } from '../server/errors.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const KEPT = join(ROOT, 'docs/drills.json')
const GAME_DAYS = join(ROOT, 'docs/game-days.json')
const PRECISION = join(ROOT, 'docs/precision.json')
const DOCUMENT = join(ROOT, 'docs/drills.md')
/** Below this total the command fails, so that CI notices. */
const PASSING_POINTS = 60
/** What others achieve with automatic actions is 0.92 to 0.95. */
const PASSING_PRECISION = 0.95
const TAKEN_BACK_WITHIN_MS = 90_000

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number')
  return Number(text)
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0')
  return value
}

const program = new Command('drill')
  .description(
    `Injects faults, watches the service from outside, and grades it. Scenarios:\n${SCENARIOS.map(({ name, about }) => `  ${name.padEnd(17)} ${about.en}`).join('\n')}`,
  )
  .argument(
    '[scenarios...]',
    '"all", names, "game-day": random faults, once with a guard that looks on and once with one that acts, or "precision": all of it over many seeds, and how many automatic actions were right',
  )
  .addOption(new Option('--engine <kind>', 'where').choices(['sim', 'docker']).default('sim'))
  .option('--seed <n>', 'same seed, same simulated run; same game day', wholeNumber, 1)
  .option('--seeds <n>', 'of "precision": from 1 to this one', wholeNumber, 10)
  .option('--hours <n>', 'of the game day, in each of its two modes', positive, 1)
  .option('--minutes <n>', 'the same in minutes', positive)
  .option('--json', 'print the grades as JSON')
  .option('--page <file>', 'write the result with charts as an HTML page')
  .option('--record <folder>', 'write every recording there, one JSON file a scenario')
  .option(
    '--keep',
    'add the grades to docs/drills.json, or the figures to docs/game-days.json, and write docs/drills.md anew',
  )
  .option('--history', 'show the kept drills and end')
  .option('--dry-run', 'say what would be done and end')
  .option('--passing <points>', 'fail below so many points', wholeNumber, PASSING_POINTS)
  .parse()

const options = program.opts<{
  engine: EngineKind
  seed: number
  seeds: number
  hours: number
  minutes?: number
  json?: boolean
  page?: string
  record?: string
  keep?: boolean
  history?: boolean
  dryRun?: boolean
  passing: number
}>()
const wanted = program.args.includes('all') ? SCENARIOS.map(({ name }) => name) : program.args
const say = (text: string) => process.stderr.write(`${text}\n`)

const readVersion = () => (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version

const keptDocument = () =>
  drillsDocument(readKept(KEPT, KeptDrill), readKept(GAME_DAYS, GameDay), readKept(PRECISION, KeptPrecision))

function keep(result: DrillResult): void {
  writeKept(KEPT, withDrill(readKept(KEPT, KeptDrill), keptDrill(result)))
  writeFileSync(DOCUMENT, keptDocument())
}

/** Over many seeds, so that the figure means something. Fails below what we aim at. */
async function precision(): Promise<void> {
  const { seeds, hours, minutes = hours * 60, json } = options
  const at = new Date().toISOString()
  const measured = await measurePrecision({ scenarios: SCENARIOS, seeds, minutes, signal: endOnSignals(), say })
  const kept = { at, version: readVersion(), ...measured }
  if (options.keep) {
    writeKept(PRECISION, [...readKept(PRECISION, KeptPrecision), kept])
    writeFileSync(DOCUMENT, keptDocument())
  }
  process.stdout.write(`${json ? JSON.stringify(kept) : precisionInWords(kept)}\n`)
  if (measured.seeds < seeds || (measured.precision ?? 0) < PASSING_PRECISION) process.exitCode = 1
}

function print({ graded, skipped, summary, cutShort }: DrillResult): void {
  for (const { grade } of graded) {
    process.stdout.write(`${grade.mark}  ${String(grade.points).padStart(3)}  ${grade.scenario}\n`)
    for (const reason of grade.reasons) process.stdout.write(`          ${reason}\n`)
  }
  for (const { scenario, reason } of skipped) process.stdout.write(`–       ${scenario}: not done: ${reason}\n`)
  if (cutShort !== null) process.stdout.write(`only a part: ${cutShort}\n`)
  const { ways, foreseeable, quiet, failuresAvoided, bit, healed, actions } = summary
  process.stdout.write(
    `\n${summary.mark}  ${summary.points} of 100 points; ${failuresAvoided} of ${foreseeable} foreseeable failures avoided\n`,
  )
  if (bit > 0)
    process.stdout.write(`   ${healed} of ${bit} faults that bit were ended by an action, without a person\n`)
  if (actions.precision !== null)
    process.stdout.write(
      `   ${actions.right} of ${actions.right + actions.wrong} automatic actions were right: precision ${(100 * actions.precision).toFixed(0)} %, above ${(100 * actions.precisionLower).toFixed(0)} % with 90 % confidence\n`,
    )
  for (const [name, way] of [
    ['DockerPulse', ways.guard],
    ['threshold of 90 %', ways.threshold],
    ['predict_linear', ways.predictLinear],
  ] as const)
    process.stdout.write(
      `  ${name.padEnd(18)} foreseen ${way.foreseen} of ${foreseeable}, lead time ${way.medianLeadSeconds?.toFixed(0) ?? '–'} s (median), false alarms in ${way.falseAlarms} of ${quiet} quiet scenarios\n`,
    )
}

/** Faults are taken back on every signal that ends a program. */
function endOnSignals(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      say('Ending: every fault is taken back…')
      stop.abort()
    })
  return stop.signal
}

function printMode(mode: 'observe' | 'auto', figures: GameDayFigures): void {
  const { failedRequests, requests, failureMinutes, strikes, skipped, actions, judged } = figures
  process.stdout.write(
    `${mode.padEnd(8)} ${failedRequests} of ${requests} requests failed, ${failureMinutes.toFixed(1)} minutes of failure, ${strikes} faults, ${actions} actions by the guard${judged === null ? '' : `, ${judged.wrong} of them wrong`}\n`,
  )
  for (const reason of skipped) process.stdout.write(`         not done: ${reason}\n`)
}

/** The figures of a mode are kept and printed as soon as they are there. */
async function gameDay(): Promise<void> {
  const { engine, seed, json } = options
  const minutes = options.minutes ?? options.hours * 60
  const at = new Date().toISOString()
  let soFar: GameDay | null = null
  const onMode = (played: Omit<GameDay, 'at' | 'version'>) => {
    soFar = { at, version: readVersion(), ...played }
    const mode = played.auto === null ? 'observe' : 'auto'
    const figures = played[mode]
    if (!json && figures !== null) printMode(mode, figures)
    if (options.keep) {
      keepGameDay(GAME_DAYS, soFar)
      writeFileSync(DOCUMENT, keptDocument())
    }
  }
  try {
    const { observe, auto } = await runGameDay({ engine, minutes, seed, signal: endOnSignals(), say, onMode })
    if (!json && observe !== null && auto !== null)
      process.stdout.write(`${(observe.failureMinutes - auto.failureMinutes).toFixed(1)} minutes of failure avoided\n`)
  } finally {
    if (json && soFar !== null) process.stdout.write(`${JSON.stringify(soFar)}\n`)
  }
}

async function run(): Promise<void> {
  if (options.history) {
    process.stdout.write(keptDocument())
    return
  }
  if (program.args[0] === 'game-day') {
    await gameDay()
    return
  }
  if (program.args[0] === 'precision') {
    await precision()
    return
  }
  if (wanted.length === 0) program.error('name scenarios, or "all"; --help lists them')
  const unknown = wanted.find((name) => !SCENARIOS.some((scenario) => scenario.name === name))
  if (unknown !== undefined) program.error(`there is no scenario "${unknown}"; --help lists them`)
  const scenarios = SCENARIOS.filter(({ name }) => wanted.includes(name))
  if (options.dryRun) {
    for (const { name, about, expected, watchSeconds } of scenarios)
      process.stdout.write(`${name}: ${about.en}; expected: ${expected}; watched for ${watchSeconds} s\n`)
    return
  }
  await drill(scenarios)
}

/** Whatever ends the drill, the grades that are there by then are kept and printed. */
async function drill(scenarios: readonly Scenario[]): Promise<void> {
  const signal = endOnSignals()
  const version = readVersion()
  const at = new Date().toISOString()
  const resultOf = (drilled: Drilled, cutShort: string | null) =>
    drillResult({
      ...drilled,
      engine: options.engine,
      seed: options.engine === 'sim' ? options.seed : null,
      version,
      at,
      cutShort,
    })
  let soFar: Drilled = { graded: [], skipped: [], calibration: '' }
  const onProgress = (drilled: Drilled) => {
    soFar = drilled
    if (options.keep) keep(resultOf(drilled, 'it was killed, or runs still'))
  }
  const taking = takingBack(signal)
  const common = { scenarios, signal, say, onProgress }
  const drilling =
    options.engine === 'sim'
      ? drillOnSimulation({ ...common, seed: options.seed })
      : drillOnDocker({ ...common, onLost: taking.begin })
  const cutShort = await Promise.race([drilling, taking.tooLong]).then(
    () => (signal.aborted ? 'it was interrupted' : null),
    (error: Error) => {
      if (soFar.graded.length === 0) throw error
      return messageOf(error)
    },
  )
  if (soFar.graded.length === 0 && cutShort !== null) throw new AppError('the drill was ended before its first grade')
  report(resultOf(soFar, cutShort))
}

/** What still waits for an answer must not keep the command from ending. */
let hasGivenUp = false

/** How long faults may be taken back after the end of a drill: an engine that hangs never answers. */
function takingBack(signal: AbortSignal): { begin(): void; tooLong: Promise<never> } {
  const { promise, reject } = Promise.withResolvers<never>()
  const begin = () => {
    setTimeout(() => {
      say('Not all could be taken back: the next drill does it')
      hasGivenUp = true
      reject(new AppError('the engine no longer answers'))
    }, TAKEN_BACK_WITHIN_MS).unref()
  }
  signal.addEventListener('abort', begin)
  return { begin, tooLong: promise }
}

function report(result: DrillResult): void {
  if (options.record !== undefined) {
    mkdirSync(options.record, { recursive: true })
    for (const { recording } of result.graded)
      writeFileSync(join(options.record, `${recording.scenario.name}.json`), `${JSON.stringify(recording)}\n`)
  }
  if (options.page !== undefined) {
    writeFileSync(options.page, renderDrillPage(result))
    say(`Written: ${options.page}`)
  }
  if (options.keep) {
    keep(result)
    say(`Kept in ${DOCUMENT}`)
  }
  if (options.json) process.stdout.write(`${JSON.stringify(keptDrill(result))}\n`)
  else print(result)
  if (result.cutShort !== null || result.summary.points < options.passing) process.exitCode = 1
}

try {
  await run()
} catch (error) {
  say(error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error)))
  process.exitCode = 1
}
if (hasGivenUp) process.exit()
