import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { hashText } from '../chaos/random.ts'
import { FAMILIES, planRun } from '../chaos/record/families.ts'
import { openRecorder } from '../chaos/record/recorder.ts'
import { packRun } from '../chaos/record/run-file.ts'
import type { RunPlan } from '../chaos/record/run-plan.ts'
import { AppError, messageOf } from '../server/errors.ts'

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('expected a whole number above 0')
  return Number(text)
}

const program = new Command('record')
  .description(
    `Runs programs that fail, and programs that only look like it, on the engine of DOCKER_HOST, and records what is seen of them. Families:\n${FAMILIES.map(({ name, use, kind, about }) => `  ${name.padEnd(21)} ${use.padEnd(4)}  ${kind.padEnd(9)}  ${about}`).join('\n')}`,
  )
  .requiredOption('--out <folder>', 'one gzipped file of JSON lines a run; what is there already is not recorded again')
  .option('--families <names...>', 'only these; all by default')
  .option('--runs <n>', 'of each family', wholeNumber, 5)
  .option('--seed <n>', 'of the first run; the next one has the next', wholeNumber, 1)
  .option('--at-once <n>', 'containers that run at the same time', wholeNumber, 16)
  .option('--minutes <n>', 'begin no run that would end later', wholeNumber)
  .option('--json', 'print one line of JSON a run')
  .option('--dry-run', 'say what would be run and end')
  .parse()

const options = program.opts<{
  out: string
  families?: string[]
  runs: number
  seed: number
  atOnce: number
  minutes?: number
  json?: boolean
  dryRun?: boolean
}>()
const say = (text: string) => process.stderr.write(`${text}\n`)

async function run(): Promise<void> {
  const unknown = options.families?.find((name) => !FAMILIES.some((family) => family.name === name))
  if (unknown !== undefined) program.error(`there is no family "${unknown}"; --help lists them`)
  const wanted = FAMILIES.filter(({ name }) => options.families?.includes(name) ?? true)
  const fileOf = ({ family, seed }: RunPlan) => join(options.out, `${family}-${seed}.jsonl.gz`)
  const plans = Array.from({ length: options.runs }, (_, index) =>
    wanted.map((family) => planRun(family, options.seed + index)),
  )
    .flat()
    .filter((plan) => !existsSync(fileOf(plan)))
  // The longest first, so that none is left alone at the end; the others mixed, so that not all burn CPU at once.
  const place = (plan: (typeof plans)[number]) =>
    plan.seconds >= 600 ? -plan.seconds : hashText(plan.family + plan.seed)
  plans.sort((a, b) => place(a) - place(b))
  if (options.dryRun) {
    for (const { family, seed, seconds, parameters } of plans)
      say(`${family} ${seed}: ${seconds} s ${JSON.stringify(parameters)}`)
    return
  }
  mkdirSync(options.out, { recursive: true })
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      say('Ending: every container is removed…')
      stop.abort()
    })
  await using recorder = await openRecorder()
  const endsAtMs = options.minutes === undefined ? Number.POSITIVE_INFINITY : Date.now() + options.minutes * 60_000
  const ended = new Promise<null>((resolve) => stop.signal.addEventListener('abort', () => resolve(null)))
  let done = 0
  const lane = async (number: number) => {
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, number * 500))])
    for (let plan = plans.shift(); plan !== undefined && !stop.signal.aborted; plan = plans.shift()) {
      if (Date.now() + plan.seconds * 1000 > endsAtMs) continue
      const recorded = await Promise.race([ended, recorder.record(plan).catch((error) => messageOf(error))])
      if (recorded === null) return
      done += 1
      if (typeof recorded === 'string') {
        say(`[${done}] ${plan.family} ${plan.seed}: not recorded: ${recorded}`)
        continue
      }
      const { family, seed, failures, beganAt, end } = recorded.header
      writeFileSync(fileOf(plan), packRun(recorded))
      const signs = failures.map(({ sign, at }) => `${sign} at ${((at - beganAt) / 1000).toFixed(0)} s`)
      say(`[${done}, ${plans.length} to begin] ${family} ${seed}: ${signs.join(', ') || 'no failure'} (${end})`)
      if (options.json) process.stdout.write(`${JSON.stringify(recorded.header)}\n`)
    }
  }
  await Promise.all(Array.from({ length: options.atOnce }, (_, number) => lane(number)))
  if (stop.signal.aborted) throw new AppError('the recording was ended before its end')
}

try {
  await run()
} catch (error) {
  say(error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error)))
  process.exitCode = 1
}
