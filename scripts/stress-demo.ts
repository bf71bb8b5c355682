import { spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type Play, showAttackAndHealing, showCalm } from '../chaos/stress-demo-acts.ts'
import { createWatchedService, serviceAddress, type WatchedService } from '../chaos/stress-demo-service.ts'
import { type DemoStage, openRealStage, openSimulatedDemo, watchRunningDemo } from '../chaos/stress-demo-stage.ts'
import { createTerminal } from '../chaos/stress-demo-terminal.ts'
import { type Language, languageOf, WORDS } from '../chaos/stress-demo-words.ts'
import { readEnv } from '../server/config.ts'
import { AppError, messageOf } from '../server/errors.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
const FASTEST = 20

function speedFrom(text: string): number {
  const value = Number(text)
  if (!(value >= 0.5 && value <= FASTEST)) throw new InvalidArgumentError(`expected a number from 0.5 to ${FASTEST}`)
  return value
}

const program = new Command('chaos/stress-demo.sh')
  .description(
    'A demo for an audience in three acts: calm, attack, healing. Says in words what the service sees and does, and ends\n' +
      'with the audit report. Without --url it starts the service on a simulated engine: no Docker needed.',
  )
  .addOption(new Option('--lang <language>', 'of the commentary; default from LANG').choices(['en', 'es']))
  .option('--url <address>', 'a service that runs already')
  .option('--token <token>', 'its token; better in DOCKERPULSE_TOKEN or DOCKERPULSE_TOKEN_FILE')
  .option(
    '--victim <name>',
    'with --url: the container to attack (label dockerpulse.chaos=allowed), on the engine of DOCKER_HOST',
  )
  .option('--speed <n>', 'without --url: simulated seconds per second', speedFrom)
  .option('--out <file>', "where to save the report; default below the repository's reports/out")
  .option('--yes', 'run unattended: never wait for Enter')
  .option('--no-open', 'do not open the browser')
  .addHelpText(
    'after',
    '\nExit code 0: an incident was seen, acted upon and verified, and the report was saved. Ctrl-C takes every fault back.\n\n' +
      'Examples:\n' +
      '  chaos/stress-demo.sh --lang es\n' +
      '  chaos/stress-demo.sh --url http://127.0.0.1:7070 --victim main_rabbitmq_1',
  )
  .parse()

const options = program.opts<{
  lang?: Language
  url?: string
  token?: string
  victim?: string
  speed?: number
  out?: string
  yes?: boolean
  open: boolean
}>()
if (options.url === undefined && options.victim !== undefined) program.error('--victim goes with --url; see --help')
if (options.url === undefined && options.token !== undefined) program.error('--token goes with --url; see --help')
if (options.url !== undefined && options.speed !== undefined) program.error('--speed goes without --url; see --help')
const unattended = options.yes === true
if (!unattended && process.stdin.isTTY !== true)
  program.error('nobody can press Enter here (the input is no terminal): give --yes')

const language = options.lang ?? languageOf(process.env)
const words = WORDS[language]
const stop = new AbortController()
const { signal } = stop
const terminal = createTerminal({ env: process.env, unattended, signal })
let endedBy: keyof typeof EXIT_CODES | null = null

for (const name of Object.keys(EXIT_CODES) as (keyof typeof EXIT_CODES)[])
  process.on(name, () => {
    // Whoever presses twice does not want to wait; the injector's watchdog takes back what is left then.
    if (endedBy !== null) process.exit(EXIT_CODES[name])
    endedBy = name
    process.stderr.write(`\n${words.ending}\n`)
    stop.abort()
  })
// A pager that was left, a terminal that was closed.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', () => {
    process.exitCode = 1
    stop.abort()
  })

/** The program that opens a page here, or `null` where no display is. */
function browserOpener(env: NodeJS.ProcessEnv): string | null {
  const isMac = process.platform === 'darwin'
  if (!isMac && !env.DISPLAY && !env.WAYLAND_DISPLAY) return null
  const paths = (env.PATH ?? '').split(delimiter).map((folder) => join(folder, isMac ? 'open' : 'xdg-open'))
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
  return found ?? null
}

function showPage(url: string, token: string | null): void {
  terminal.say(terminal.paint(words.page(url), 'strong'))
  if (token !== null) terminal.say(words.needsLogin)
  const opener = options.open ? browserOpener(process.env) : null
  if (opener === null) return
  spawn(opener, [url], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref()
  terminal.say(words.opened)
}

const quotedForShell = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

/** A path as one would type it here. */
function typed(path: string): string {
  const near = relative(process.cwd(), path)
  return quotedForShell(near === '' || near.startsWith('..') ? path : near)
}

/** npm runs in the repository, wherever it was called from. */
function verifyCommand(dataFolder: string | null, publicKey: string): string {
  const isHere = process.cwd() === resolve(ROOT)
  const prefix = isHere ? '' : ` --prefix ${quotedForShell(resolve(ROOT))}`
  const data =
    dataFolder === null ? ' --data ./data' : ` --data ${isHere ? typed(dataFolder) : quotedForShell(dataFolder)}`
  const key = /^[\w.+/=-]+$/.test(publicKey) ? ` --key ${publicKey}` : ''
  return `npm run${dataFolder === null ? '' : prefix} verify -- --chain${data}${key}`
}

async function saveReport(service: WatchedService, stage: DemoStage, incidentId: string): Promise<void> {
  terminal.say(`\n${terminal.paint(`── ${words.report.title} ──`, 'strong')}`)
  const place = options.out === undefined ? join(ROOT, 'reports/out') : dirname(resolve(options.out))
  const folder = join(place, `stress-demo-${incidentId.slice(0, 8)}`)
  const file = options.out === undefined ? join(folder, 'report.html') : resolve(options.out)
  const page = await service.report(incidentId)
  const { audit } = await service.status()
  let isLogKept: boolean
  try {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, page)
    isLogKept = stage.keepLog(folder)
  } catch (error) {
    throw new AppError(`the report cannot be saved: ${messageOf(error)}; name another place with --out`)
  }
  terminal.say(words.report.saved(typed(file)))
  terminal.say(isLogKept ? words.verify.about : words.verify.elsewhere)
  terminal.say(`  ${verifyCommand(isLogKept ? folder : null, audit.publicKey)}`)
}

async function play(service: WatchedService, stage: DemoStage, token: string | null): Promise<void> {
  const parts: Play = { service, stage, words, terminal, unattended, signal }
  showPage(service.url, token)
  const past = await showCalm(parts)
  await terminal.pressEnter(words.press.attack)
  const incident = await showAttackAndHealing(parts, past)
  if (await stage.takeBack()) terminal.say(words.takenBack)
  await terminal.pressEnter(words.press.report)
  await saveReport(service, stage, incident.id)
  if (options.url === undefined) await terminal.pressEnter(words.press.end)
}

async function run(): Promise<void> {
  terminal.say(terminal.paint(words.title, 'strong'))
  if (options.url === undefined) {
    terminal.say(words.preparing)
    await using stage = await openSimulatedDemo({ speed: options.speed ?? 1, env: process.env, signal })
    const service = createWatchedService({ url: stage.url, token: null, signal })
    await service.ready()
    await play(service, stage, null)
    return
  }
  const token = options.token ?? readEnv(process.env).DOCKERPULSE_TOKEN ?? null
  const service = createWatchedService({ url: serviceAddress(options.url), token, signal })
  const { demo } = await service.ready()
  const { victim = null } = options
  if (!demo && victim === null)
    throw new AppError(
      'this service watches a real engine: name the container to attack with --victim (those that agreed: docker ps --filter label=dockerpulse.chaos=allowed)',
    )
  await using stage =
    demo || victim === null
      ? watchRunningDemo(victim)
      : await openRealStage({ service, victim, unattended, env: process.env })
  await play(service, stage, token)
}

try {
  await run()
} catch (error) {
  process.exitCode = 1
  if (!signal.aborted)
    process.stderr.write(
      `${error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error))}\n`,
    )
}
if (endedBy !== null) process.exitCode = EXIT_CODES[endedBy as keyof typeof EXIT_CODES]
