// It has to stand before all that loads libraries.
import './without-unused.ts'
import { Command } from 'commander'
import { openApp } from './app.ts'
import { systemClock } from './clock.ts'
import { parseConfig, readEnv } from './config.ts'
import { AppError, messageOf } from './errors.ts'
import { createLog } from './log.ts'
import { untilAsked } from './signals.ts'

new Command('start')
  .description(
    'Watches the containers of the Docker engine at DOCKER_HOST (the default socket without it) and serves the dashboard.',
  )
  .addHelpText('after', "\nEverything is configured by environment variables: see the README's table.")
  .parse()

try {
  const config = parseConfig(readEnv(process.env))
  await using app = await openApp({ config, clock: systemClock, log: createLog(config.logLevel) })
  process.stdout.write(`DockerPulse is at ${app.url} in mode ${config.mode}. Ctrl-C stops it.\n`)
  await untilAsked(['SIGINT', 'SIGTERM'])
} catch (error) {
  process.stderr.write(`${error instanceof AppError ? error.message : ((error as Error).stack ?? messageOf(error))}\n`)
  process.exitCode = 1
}
