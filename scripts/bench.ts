import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { Calibration } from '../server/contracts/assessment.ts'
import { assess } from './bench/assess.ts'
import { type Figure, ROOT, say } from './bench/measure.ts'
import { api, pipeline } from './bench/pipeline.ts'
import { reaction } from './bench/reaction.ts'
import { sampler } from './bench/sampler.ts'
import { store } from './bench/store.ts'
import { turnover } from './bench/turnover.ts'
import { resident, watch } from './bench/watch.ts'

type Wanted = { containers: number | undefined; seconds: number; minutes: number }

const calibration = () => Calibration.parse(JSON.parse(readFileSync(join(ROOT, 'models/calibration.json'), 'utf8')))

const SUITES: Record<string, { about: string; run: (wanted: Wanted) => Promise<Figure[]> }> = {
  sampler: {
    about: 'reading the kernel’s files, beside a bare read loop',
    run: ({ containers = 60 }) => sampler({ containers }),
  },
  watch: {
    about: 'the whole service on idle containers, beside Netdata (where installed) and stats streams',
    run: ({ containers = 60, seconds }) => watch({ containers, seconds }),
  },
  resident: {
    about: 'memory of the whole service on idle containers, half an hour',
    run: ({ containers = 60, minutes }) => resident({ containers, minutes }),
  },
  assess: {
    about: 'what is thought of a container each second, beside one line through its last minute',
    run: ({ containers = 200 }) => assess({ containers, calibration: calibration() }),
  },
  store: {
    about: 'bytes per value, and charts over a week',
    run: ({ containers = 100 }) => store({ containers, calibration: calibration() }),
  },
  pipeline: {
    about: 'many containers and twenty dashboards',
    run: ({ containers = 1_000, seconds }) => pipeline({ containers, seconds }),
  },
  turnover: {
    about: 'what ten thousand short-lived containers leave behind',
    run: turnover,
  },
  api: {
    about: 'answers of the API on a busy service',
    run: ({ containers = 1_000, seconds }) => api({ containers, seconds }),
  },
  reaction: {
    about: 'from the crossing of the threshold to the call of the engine',
    run: ({ containers = 200 }) => reaction({ containers }),
  },
}

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0')
  return value
}

const program = new Command('bench')
  .description(
    `What the program costs, beside a reference measured in the same run. Suites:\n${Object.entries(SUITES)
      .map(([name, { about }]) => `  ${name.padEnd(9)} ${about}`)
      .join('\n')}`,
  )
  .argument('[suites...]', 'which ones; all without a name')
  .option('--containers <n>', 'how many containers', positive)
  .option('--seconds <n>', 'how long to measure where time matters', positive, 60)
  .option('--minutes <n>', 'how long "resident" watches', positive, 30)
  .option('--json', 'print the figures as JSON')
  .parse()
const { containers, seconds, minutes, json } = program.opts<{
  containers?: number
  seconds: number
  minutes: number
  json?: boolean
}>()
const names = program.args.length > 0 ? program.args : Object.keys(SUITES)
const unknown = names.find((name) => SUITES[name] === undefined)
if (unknown !== undefined) program.error(`there is no suite "${unknown}"; there are ${Object.keys(SUITES).join(', ')}`)

const figures = (value: number) => Number(value.toPrecision(3)).toString()

function print({ name, value, unit, reference }: Figure): void {
  const beside =
    reference === undefined
      ? ''
      : `   ${figures(value / reference.value)} × ${reference.name} (${figures(reference.value)} ${unit})`
  process.stdout.write(`  ${name}: ${figures(value)} ${unit}${beside}\n`)
}

const results: Record<string, Figure[]> = {}
for (const name of names) {
  try {
    say(`== ${name}`)
    results[name] = await SUITES[name]!.run({ containers, seconds, minutes })
    if (!json) for (const figure of results[name]) print(figure)
  } catch (error) {
    say(`${name}: ${(error as Error).message}`)
    process.exitCode = 1
  }
}
if (json) process.stdout.write(`${JSON.stringify(results)}\n`)
