import { statSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { readRunbookFile } from '../server/act/runbook-file.ts'
import { findRunbooks, SHIPPED_RUNBOOKS } from '../server/act/runbooks.ts'
import { AppError, messageOf } from '../server/errors.ts'
import { readDataFolder, readService } from '../server/runbook-history.ts'
import { tryRunbook } from '../server/runbook-trial.ts'
import { ladderText, listText, problemText, trialText } from './runbook/words.ts'

const DAY_MS = 86_400_000

const print = (json: boolean | undefined, value: unknown, text: string): void => {
  process.stdout.write(json ? `${JSON.stringify(value)}\n` : text)
}

/** Ends with a sentence instead of a stack where a person can mend it. */
const failed = (error: unknown): void => {
  if (!(error instanceof AppError) && !(error instanceof Error && 'code' in error)) throw error
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 2
}

function days(text: string): number {
  const value = Number(text)
  if (!(value > 0 && value <= 3650)) throw new InvalidArgumentError('expected a number of days above 0, up to 3650')
  return value
}

const program = new Command('runbook').description(
  'Runbooks: what to do about which trouble, as YAML. Checks them, lists them, and tries one on what happened here.',
)

program
  .command('check')
  .description('Says what is wrong with runbooks, as file:line:column: text; ends with 1 where something is.')
  .argument('<files...>', 'files, or folders with *.yml and *.yaml in them')
  .option('--json', 'print the result as JSON')
  .action((paths: string[], { json }: { json?: boolean }) => {
    const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
    const results = paths.map((path) => {
      if (isFolder(path)) return findRunbooks([path])
      const { file, runbook, problems } = readRunbookFile(path)
      return { found: runbook === null ? [] : [{ file, runbook }], problems }
    })
    const problems = results.flatMap((one) => one.problems)
    const good = results.flatMap(({ found }) => found.map(({ file, runbook }) => ({ file, name: runbook.name })))
    const sound = `In order: ${good.map(({ name }) => name).join(', ') || 'no runbook at all'}.\n`
    print(json, { good, problems }, problems.map(problemText).join('') + (problems.length === 0 ? sound : ''))
    process.exitCode = problems.length === 0 ? 0 : 1
  })

program
  .command('list')
  .description('Lists the runbooks that count: the shipped ones, and those of further folders in their place.')
  .argument('[folders...]', 'folders of your own runbooks')
  .option('--json', 'print the list as JSON')
  .action((folders: string[], { json }: { json?: boolean }) => {
    const { found, problems } = findRunbooks([SHIPPED_RUNBOOKS, ...folders])
    const rows = found.map(({ file, runbook }) => ({ ...runbook, ladder: ladderText(runbook), from: file }))
    print(json, { runbooks: rows, problems }, listText(found))
    if (!json) process.stderr.write(problems.map(problemText).join(''))
    process.exitCode = problems.length === 0 ? 0 : 1
  })

program
  .command('try')
  .description(
    'Goes through the stored incidents and says when a runbook would have begun, with what, and what became of the ' +
      'container without it: wrong where it calmed by itself and did not fail. What an action of that time hides, and ' +
      'what nobody stored, cannot be told. The data folder is only read, from a copy: a service may be running on it.',
  )
  .argument('<file>', 'the runbook')
  .option('--data <folder>', 'the data folder of the service', process.env.DOCKERPULSE_DATA ?? './data')
  .option('--days <n>', 'so far back', days, 7)
  .option('--url <address>', 'ask a running service instead; with DOCKERPULSE_TOKEN where it needs one')
  .option('--json', 'print the result as JSON')
  .action(async (path: string, options: { data: string; days: number; url?: string; json?: boolean }) => {
    const { file, runbook, problems } = readRunbookFile(path)
    if (runbook === null) {
      process.stderr.write(problems.map(problemText).join(''))
      process.exitCode = 1
      return
    }
    const nowMs = Date.now()
    const period = { nowMs, fromMs: nowMs - options.days * DAY_MS }
    const { stored, notes } =
      options.url === undefined
        ? await readDataFolder({ dataFolder: options.data, ...period })
        : await readService({ url: options.url, token: process.env.DOCKERPULSE_TOKEN, ...period })
    const trial = tryRunbook(runbook, stored)
    print(
      options.json,
      { runbook: runbook.name, file, days: options.days, ...trial, notes },
      trialText(runbook, trial, options.days),
    )
    if (!options.json) for (const note of notes) process.stderr.write(`${note}\n`)
  })

await program.parseAsync().catch(failed)
