import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { DRILL_SETTINGS } from '../chaos/drill/drill-settings.ts'
import { openSimulatedEngine } from '../chaos/simulated-engine.ts'
import { openApp } from '../server/app.ts'
import { parseConfig, readEnv } from '../server/config.ts'
import { AppError, messageOf } from '../server/errors.ts'
import { createLog } from '../server/log.ts'
import { untilAsked } from '../server/signals.ts'

function numberFrom(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text)
    if (!Number.isFinite(value) || value < min || value > max)
      throw new InvalidArgumentError(`expected a number from ${min} to ${max}`)
    return value
  }
}

const program = new Command('demo')
  .description(
    'The whole service on an embedded simulated engine with a failing fleet: no Docker, GPU or Ollama needed.',
  )
  .option('--containers <n>', 'containers in the fleet', numberFrom(1, 5000))
  .option('--seed <n>', 'same seed, same fleet and faults', numberFrom(0, 2 ** 32 - 1), 1)
  .option('--speed <n>', 'simulated seconds per second', numberFrom(0.1, 60), 1)
  .option('--calm', 'without the scripted faults')
  .option('--data <folder>', 'keep the data there; by default it is thrown away at the end')
  .addHelpText(
    'after',
    '\nThe environment variables of the README apply; the mode is auto unless DOCKERPULSE_MODE says otherwise.',
  )
  .parse()

const { containers, seed, speed, calm, data } = program.opts<{
  containers?: number
  seed: number
  speed: number
  calm?: boolean
  data?: string
}>()
const scratch = mkdtempSync(join(tmpdir(), 'dockerpulse-demo-'))
try {
  const socketPath = join(scratch, 'engine.sock')
  await using engine = await openSimulatedEngine({
    socketPath,
    seed,
    speed,
    faults: calm ? 'none' : 'demo',
    ...(containers === undefined ? {} : { containers }),
  })
  const config = parseConfig(
    readEnv({
      DOCKERPULSE_MODE: 'auto',
      DOCKERPULSE_COOLDOWN_SECONDS: '60',
      // The engine is in this process, too, and its work is not what watching costs.
      DOCKERPULSE_CPU_BUDGET: '1',
      ...DRILL_SETTINGS,
      DOCKERPULSE_LOG_LEVEL: 'warn',
      ...process.env,
      DOCKERPULSE_DATA: data ?? join(scratch, 'data'),
      DOCKER_HOST: `unix://${socketPath}`,
      DOCKER_CERT_PATH: '',
      DOCKER_TLS_VERIFY: '',
    }),
  )
  await using app = await openApp({ config, clock: engine.clock, log: createLog(config.logLevel), demo: true })
  process.stdout.write(
    `DockerPulse's demo is at ${app.url} (simulated engine, mode ${config.mode}). The first failure builds up within a minute. Ctrl-C stops it.\n`,
  )
  await untilAsked(['SIGINT', 'SIGTERM'])
} catch (error) {
  process.stderr.write(`${error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error))}\n`)
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
