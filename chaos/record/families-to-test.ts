import { checked, littleCpu, ordinary, STEADY } from './families-to-fit.ts'
import { FILE_CHECK, SERVER_CHECK } from './program.ts'
import type { Family } from './run-plan.ts'

/** Other shapes than those for fitting: nothing here may be looked at while the model is made. */
export const FAMILIES_TO_TEST: Family[] = [
  {
    name: 'leak-accelerating',
    kind: 'leak',
    use: 'test',
    about: 'memory grows faster and faster',
    plan(draw) {
      const { memoryMib, cpuCores, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 10, 60), draw('fillingSeconds', 60, 240, 'log')]
      const bend = draw('bend', 0.4, 1)
      const into = `(max(0, t - ${calm}) / ${filling})`
      const memory = `${quiet} + ${room} * ${into} * (${1 - bend} + ${bend} * ${into} * ${into})`
      return {
        memoryMib,
        cpuCores,
        program: { memoryMib: memory, cores },
        seconds: Math.ceil(calm + filling * 1.1 + 20),
      }
    },
  },
  {
    name: 'leak-slowing',
    kind: 'leak',
    use: 'test',
    about: 'memory grows fast first, then slower, and still reaches the limit',
    plan(draw) {
      const { memoryMib, cpuCores, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 10, 60), draw('fillingSeconds', 60, 240, 'log')]
      const bend = draw('bend', 0.8, 3)
      const into = `(max(0, t - ${calm}) / ${filling})`
      const memory = `${quiet} + ${room} * ${into} * ${1 + bend} / (1 + ${bend} * ${into})`
      return {
        memoryMib,
        cpuCores,
        program: { memoryMib: memory, cores },
        seconds: Math.ceil(calm + filling * 1.2 + 30),
      }
    },
  },
  {
    name: 'leak-in-child',
    kind: 'leak',
    use: 'test',
    about: 'a child process leaks, is killed and begun again; the container lives on',
    plan(draw) {
      const { memoryMib, cpuCores, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 5, 30), draw('fillingSeconds', 40, 150, 'log')]
      const memory = `${quiet} + ${room / filling} * max(0, t - ${calm})`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores, inChild: true }, seconds: 300 }
    },
  },
  {
    name: 'leak-under-load',
    kind: 'leak',
    use: 'test',
    about: 'memory grows only while there is work, and rests in between',
    plan(draw) {
      const { memoryMib, cpuCores, room, quiet, cores } = ordinary(draw)
      const [period, works] = [draw('periodSeconds', 20, 60), draw('worksShare', 0.3, 0.7)]
      const periods = draw('periods', 2.5, 5.5)
      const worked = `(int(t / ${period}) + min(1, phase(t, ${period}) / ${works}))`
      const memory = `${quiet} + ${room / periods} * ${worked}`
      const busy = `phase(t, ${period}) < ${works} ? ${cpuCores * 0.5} : ${cores}`
      return {
        memoryMib,
        cpuCores,
        program: { memoryMib: memory, cores: busy },
        seconds: Math.ceil(period * (periods + 1.2) + 20),
      }
    },
  },
  {
    name: 'leak-after-plateau',
    kind: 'leak',
    use: 'test',
    about: 'a warm-up that comes to rest, then a leak in garbage that is collected',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const rests = memoryMib * draw('restsAtShare', 0.4, 0.65)
      const [rise, calm, filling] = [
        draw('riseSeconds', 10, 40),
        draw('calmSeconds', 60, 120),
        draw('fillingSeconds', 50, 140),
      ]
      const [teeth, period] = [memoryMib * draw('toothShare', 0.01, 0.08), draw('toothSeconds', 4, 15)]
      const memory = `${quiet} + ${rests - base} * up(t, 1, ${rise}) + ${(memoryMib - rests) / filling} * max(0, t - ${calm}) + ${teeth} * phase(t, ${period})`
      return {
        memoryMib,
        cpuCores,
        program: { memoryMib: memory, cores },
        seconds: Math.ceil(calm + filling * 1.1 + 20),
      }
    },
  },
  {
    name: 'surge',
    kind: 'failing',
    use: 'test',
    about: 'one large request after another takes memory within half a minute',
    plan(draw) {
      const { memoryMib, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 60, 200), draw('fillingSeconds', 8, 25)]
      const requests = draw('requests', 6, 15, 'whole')
      const memory = `${quiet} + ${room / requests} * int(${requests / filling} * max(0, t - ${calm}) + 0.5)`
      return {
        memoryMib,
        cpuCores: 0.3,
        program: { memoryMib: memory, cores },
        seconds: Math.ceil(calm + filling * 1.2 + 20),
      }
    },
  },
  {
    name: 'saturation-creeping',
    kind: 'failing',
    use: 'test',
    about: 'more and more work until the CPU is at its limit for good',
    plan(draw) {
      const { memoryMib, quiet } = ordinary(draw)
      const cpuCores = littleCpu(draw)
      const rise = draw('riseSeconds', 40, 80)
      const program = { memoryMib: quiet, cores: `0.005 + ${cpuCores * 1.3} * up(t, 5, ${rise})` }
      return { memoryMib, cpuCores, program, seconds: Math.ceil(rise + 410) }
    },
  },
  {
    name: 'check-degrades',
    kind: 'failing',
    use: 'test',
    about: 'the health check takes longer and longer until it gives up',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const health = checked(draw, FILE_CHECK)
      const [calm, worse] = [draw('calmSeconds', 30, 80), draw('worseSeconds', 60, 150)]
      const timeout = health.timeoutMs / 1000
      const checkSeconds = `${timeout} * (0.1 + 1.6 * up(t, ${calm}, ${calm + worse}) * (1 + 0.5 * noise()))`
      const program = { memoryMib: quiet, cores, checkSeconds }
      return { memoryMib, cpuCores, program, health, seconds: Math.ceil(calm + worse + 90) }
    },
  },
  {
    name: 'crashes-irregular',
    kind: 'failing',
    use: 'test',
    about: 'it ends with exit code 2 after lives of very different lengths',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [shortest, longest] = [draw('shortestSeconds', 5, 15), draw('longestSeconds', 25, 60)]
      const exitCode = `t > ${shortest} + ${longest - shortest} * phase(life * 0.618 + 0.5, 1) ? 2 : 0`
      const logs = `t > ${shortest} ? 5 : 0.5`
      return { memoryMib, cpuCores, program: { memoryMib: quiet, cores, exitCode, logs }, restarts: true, seconds: 280 }
    },
  },
  {
    name: 'stray-bursts',
    kind: 'failing',
    use: 'test',
    about: 'processes are left behind by the handful until the health check cannot be started',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [pidsLimit, atOnce] = [draw('pidsLimit', 40, 120, 'whole'), draw('atOnce', 3, 8, 'whole')]
      const strays = {
        everySeconds: draw('everySeconds', 4, 12, 'whole'),
        fromSecond: draw('calmSeconds', 20, 60, 'whole'),
        atOnce,
      }
      return {
        memoryMib: Math.max(memoryMib, 64),
        cpuCores,
        pidsLimit,
        program: { memoryMib: quiet, cores, strays, checkSeconds: '0' },
        health: checked(draw, FILE_CHECK),
        seconds: Math.ceil(strays.fromSecond + (strays.everySeconds * pidsLimit) / atOnce + 50),
      }
    },
  },
  {
    name: 'warm-up-curve',
    kind: 'deceptive',
    use: 'test',
    about: 'memory grows ever slower and rests below the limit',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const [begin, slowness] = [draw('beginSeconds', 5, 60), draw('slownessSeconds', 8, 60, 'log')]
      const growth = memoryMib * draw('restsAtShare', 0.5, 0.9) - base
      const memory = `${quiet} + ${growth} * (1 - fade(max(0, t - ${begin}) / ${slowness}))`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: 260 }
    },
  },
  {
    name: 'cache-in-steps',
    kind: 'deceptive',
    use: 'test',
    about: "the program's own cache grows by the piece, then it is full",
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const [begin, rise] = [draw('beginSeconds', 5, 60), draw('riseSeconds', 20, 120, 'log')]
      const [growth, steps] = [memoryMib * draw('restsAtShare', 0.5, 0.9) - base, draw('steps', 4, 12, 'whole')]
      const memory = `${quiet} + ${growth} / ${steps} * int(${steps} * up(t, ${begin}, ${begin + rise}))`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: 260 }
    },
  },
  {
    name: 'cron',
    kind: 'deceptive',
    use: 'test',
    about: 'every minute or so a job takes memory and CPU and gives both back',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const [every, lasts] = [draw('everySeconds', 40, 80), draw('jobSeconds', 5, 20)]
      const peak = memoryMib * draw('peakShare', 0.5, 0.88) - base
      const into = `(t - ${every} * int(t / ${every}))`
      const memory = `${quiet} + ${peak} * (${into} < ${lasts} && t > ${every} ? min(1, ${into} / ${lasts * 0.7}) : 0)`
      const busy = `${into} < ${lasts} && t > ${every} ? ${cpuCores * 1.2} : ${cores}`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores: busy }, seconds: 280 }
    },
  },
  {
    name: 'file-writer',
    kind: 'deceptive',
    use: 'test',
    about: 'a web server that reads ever more files beside its load',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const files = {
        mibPerSecond: Math.ceil(memoryMib / draw('fillingSeconds', 20, 80)),
        mostMib: Math.ceil(memoryMib * 1.2),
        fromSecond: draw('beginSeconds', 5, 40, 'whole'),
      }
      const memory = `${quiet} + ${base * 0.15} * wave(t, ${draw('swingSeconds', 30, 100)})`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores, files, server: STEADY }, seconds: 240 }
    },
  },
  {
    name: 'batch',
    kind: 'deceptive',
    use: 'test',
    about: 'long calculations at the limit of the CPU, with pauses',
    plan(draw) {
      const { memoryMib, base, quiet } = ordinary(draw)
      const cpuCores = littleCpu(draw)
      const [every, works] = [draw('everySeconds', 90, 200), draw('worksShare', 0.5, 0.85)]
      const working = `phase(t, ${every}) < ${works}`
      const program = {
        memoryMib: `${quiet} + (${working} ? ${base * 0.4} : 0)`,
        cores: `${working} ? ${cpuCores * 1.5} : 0.005`,
      }
      return { memoryMib, cpuCores, program, seconds: 320 }
    },
  },
  {
    name: 'stopped-and-started',
    kind: 'deceptive',
    use: 'test',
    about: 'somebody stops it, and starts it later',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const growth = memoryMib * draw('restsAtShare', 0.4, 0.8) - base
      const [stop, away] = [draw('stopSecond', 40, 90), draw('awaySeconds', 3, 20)]
      return {
        memoryMib,
        cpuCores,
        program: { memoryMib: `${quiet} + ${Math.max(0, growth)} * up(t, 1, ${draw('riseSeconds', 2, 15)})`, cores },
        acts: [stop, stop + 80].flatMap((at) => [
          { atSeconds: at, do: 'stop' as const },
          { atSeconds: at + away, do: 'start' as const },
        ]),
        seconds: Math.ceil(stop + 80 + away + 40),
      }
    },
  },
  {
    name: 'check-flaky',
    kind: 'deceptive',
    use: 'test',
    about: 'now and then a health check fails, never three in a row',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const health = { ...checked(draw, FILE_CHECK), retries: 4 }
      const every = draw('everySeconds', 25, 60)
      const lasts = (health.intervalMs / 1000) * draw('lastsChecks', 0.6, 2.2)
      const program = {
        memoryMib: quiet,
        cores,
        checkFails: `between(t - ${every} * int(t / ${every}), 10, ${10 + lasts})`,
      }
      return { memoryMib, cpuCores, program, health, seconds: 240 }
    },
  },
  {
    name: 'sawtooth-irregular',
    kind: 'deceptive',
    use: 'test',
    about: 'garbage is collected after very different times and at different heights',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const [period, slope] = [draw('toothSeconds', 20, 60), draw('unevenness', 0.2, 0.45)]
      const teeth = memoryMib * draw('peakShare', 0.5, 0.85) - base
      // A clock that runs unevenly, and teeth of uneven height.
      const clock = `(t / ${period} + ${slope} * wave(t, ${period * 4.4}))`
      const memory = `${quiet} + ${teeth} * (0.75 + 0.25 * wave(int(${clock}) * 0.38, 1)) * (${clock} - int(${clock}))`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: 300 }
    },
  },
  {
    name: 'day-curve',
    kind: 'calm',
    use: 'test',
    about: 'load that swings like a short day, with noise',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const day = draw('daySeconds', 200, 600)
      const memory = `${quiet} + ${base * 0.3} * (1 - wave(t + ${day / 4}, ${day})) + ${base * 0.02} * noise()`
      const program = { memoryMib: memory, cores: `(${cores}) * (1.6 - wave(t + ${day / 4}, ${day}))`, server: STEADY }
      return {
        memoryMib,
        cpuCores,
        program,
        health: { ...checked(draw, SERVER_CHECK), intervalMs: 10_000 },
        seconds: 1_100,
      }
    },
  },
  {
    name: 'queue-worker',
    kind: 'calm',
    use: 'test',
    about: 'jobs of a few seconds at uneven times',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const [every, phase] = [draw('everySeconds', 8, 25), draw('phase', 0, 6)]
      const busy = `wave(t + ${phase}, ${every}) * wave(t, ${every * 2.3}) > 0.3`
      const program = {
        memoryMib: `${quiet} + (${busy} ? ${base * 0.2} : 0)`,
        cores: `${busy} ? ${cpuCores * 0.4} : ${cores}`,
      }
      return { memoryMib, cpuCores, program, seconds: 1_100 }
    },
  },
  {
    name: 'resident',
    kind: 'calm',
    use: 'test',
    about: 'most of its memory is in use for good, and all is well',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const resident = memoryMib * draw('residentShare', 0.5, 0.8) - base
      return { memoryMib, cpuCores, program: { memoryMib: `${quiet} + ${resident}`, cores }, seconds: 1_100 }
    },
  },
]
