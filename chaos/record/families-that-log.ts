import { checked, ordinary } from './families-to-fit.ts'
import { FILE_CHECK, SERVER_CHECK } from './program.ts'
import type { Draw, Family } from './run-plan.ts'

/** Lines a second: what is logged in any case, and the errors of an episode. */
const talk = (draw: Draw) => draw('linesPerSecond', 0.2, 5, 'log')
const trouble = (draw: Draw) => draw('errorsPerSecond', 0.3, 8, 'log')

/** How long errors are reported before the failure, or before all is well again: the same, so that they alone prove nothing. */
const episode = (draw: Draw, name = 'lastsSeconds') => draw(name, 8, 80, 'log')

const SHORT = 'level=error msg=failed'
const TRACE = 'ERROR request failed\\n    at pool.acquire (pool.js:71)\\n    at handle (server.js:18)'

/** Programs that report errors: some fail afterwards, some recover, some always do it. Other words and rhythms to test on. */
export const LOGGING_FAMILIES: Family[] = [
  {
    name: 'errors-then-exit',
    kind: 'failing',
    use: 'fit',
    about: 'it reports errors for a while, and ends with exit code 1',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [calm, lasts] = [draw('calmSeconds', 40, 160), episode(draw)]
      const errors = `life == 0 && t > ${calm} ? ${trouble(draw)} : 0`
      const exitCode = `life == 0 && t > ${calm + lasts} ? 1 : 0`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: SHORT, exitCode }
      return { memoryMib, cpuCores, program, restarts: true, seconds: Math.ceil(calm + lasts + 70) }
    },
  },
  {
    name: 'errors-then-hang',
    kind: 'failing',
    use: 'fit',
    about: 'it reports errors for a while, then answers no more, and its health check notices',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [calm, lasts] = [draw('calmSeconds', 40, 160, 'whole'), Math.ceil(episode(draw))]
      const server = { stopsAfterSeconds: calm + lasts, goesOnAfterSeconds: null }
      const health = checked(draw, SERVER_CHECK)
      const errors = `t > ${calm} ? ${trouble(draw)} : 0`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: SHORT, server }
      const seconds = Math.ceil(calm + lasts + (3.5 * (health.intervalMs + health.timeoutMs)) / 1000 + 15)
      return { memoryMib, cpuCores, program, health, seconds }
    },
  },
  {
    name: 'errors-that-pass',
    kind: 'deceptive',
    use: 'fit',
    about: 'it reports errors twice for a while, and recovers',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [first, lasts] = [draw('calmSeconds', 30, 80), episode(draw)]
      const [second, lastsAgain] = [first + lasts + draw('betweenSeconds', 30, 60), episode(draw, 'lastsAgainSeconds')]
      const inTrouble = `between(t, ${first}, ${first + lasts}) + between(t, ${second}, ${second + lastsAgain})`
      const errors = `${trouble(draw)} * (${inTrouble})`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: SHORT }
      return { memoryMib, cpuCores, program, seconds: Math.ceil(second + lastsAgain + 70) }
    },
  },
  {
    name: 'errors-in-bursts',
    kind: 'deceptive',
    use: 'fit',
    about: 'now and then it reports many errors within a few seconds',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [every, lasts] = [draw('everySeconds', 20, 90), draw('burstSeconds', 1, 4)]
      const errors = `phase(t, ${every}) * ${every} > ${every - lasts} ? ${draw('burstPerSecond', 1, 20, 'log')} : 0`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: SHORT }
      return { memoryMib, cpuCores, program, seconds: 260 }
    },
  },
  {
    name: 'errors-always',
    kind: 'calm',
    use: 'fit',
    about: 'it reports errors all its life, and works',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const errors = `${draw('errorsPerSecond', 0.02, 3, 'log')} * (1 + 0.5 * wave(t, ${draw('swingSeconds', 40, 200)}))`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: SHORT }
      return { memoryMib, cpuCores, program, seconds: 600 }
    },
  },
  {
    name: 'retries-then-exit',
    kind: 'failing',
    use: 'test',
    about: 'it tries again and again at doubling intervals, and gives up with exit code 1',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [calm, pause] = [draw('calmSeconds', 50, 150), draw('firstPauseSeconds', 1, 3)]
      const begins = Array.from({ length: draw('attempts', 4, 6, 'whole') }, (_, n) => calm + pause * (2 ** n - 1))
      const attempts = begins.map((begin) => `between(t, ${begin}, ${begin + 1})`).join(' + ')
      const errors = `life == 0 ? ${draw('errorsAnAttempt', 2, 12)} * (${attempts}) : 0`
      const exitCode = `life == 0 && t > ${begins.at(-1)! + 1.5} ? 1 : 0`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: TRACE, exitCode }
      return { memoryMib, cpuCores, program, restarts: true, seconds: Math.ceil(begins.at(-1)! + 70) }
    },
  },
  {
    name: 'pool-exhausted',
    kind: 'failing',
    use: 'test',
    about: 'more and more requests fail, until its health check does',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [calm, rises] = [draw('calmSeconds', 40, 150), draw('riseSeconds', 20, 120, 'log')]
      const health = checked(draw, FILE_CHECK)
      const errors = `${draw('mostPerSecond', 1, 15, 'log')} * up(t, ${calm}, ${calm + rises})`
      const checkFails = `t > ${calm + rises}`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: TRACE, checkFails }
      const seconds = Math.ceil(calm + rises + (3.5 * (health.intervalMs + health.timeoutMs)) / 1000 + 15)
      return { memoryMib: Math.max(memoryMib, 64), cpuCores, program, health, seconds }
    },
  },
  {
    name: 'dependency-away',
    kind: 'deceptive',
    use: 'test',
    about: 'what it depends on is away for a while: every request fails, then ever fewer',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [begin, lasts] = [draw('calmSeconds', 50, 120), draw('lastsSeconds', 10, 120, 'log')]
      const over = begin + lasts
      const most = draw('mostPerSecond', 1, 15, 'log')
      const errors = `t < ${begin} ? 0 : t < ${over} ? ${most} : ${most} * fade((t - ${over}) / ${draw('fadeSeconds', 2, 12)})`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: TRACE }
      return { memoryMib, cpuCores, program, seconds: Math.ceil(over + 70) }
    },
  },
  {
    name: 'bad-requests',
    kind: 'deceptive',
    use: 'test',
    about: 'requests that cannot be served come in random crowds',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const errors = `noise() > ${draw('rarity', 1.2, 2)} ? ${draw('crowd', 4, 30)} : 0`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: TRACE }
      return { memoryMib, cpuCores, program, seconds: 260 }
    },
  },
  {
    name: 'error-tide',
    kind: 'calm',
    use: 'test',
    about: 'the errors that it always reports come and go with its load',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const swing = draw('swingSeconds', 100, 500)
      const errors = `${draw('errorsPerSecond', 0.05, 4, 'log')} * (1 + 0.9 * wave(t, ${swing}))`
      const program = { memoryMib: quiet, cores, logs: `${talk(draw)}`, errors, errorText: TRACE }
      return { memoryMib, cpuCores, program, seconds: 600 }
    },
  },
]
