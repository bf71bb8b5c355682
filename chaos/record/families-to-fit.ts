import { FILE_CHECK, SERVER_CHECK } from './program.ts'
import type { Draw, Family } from './run-plan.ts'

/** What every program has beside its fault: a limit, memory in use, a little load. Sizes in MiB and cores. */
export function ordinary(draw: Draw) {
  const memoryMib = draw('memoryMib', 32, 256, 'log')
  const cpuCores = draw('cpuCores', 0.08, 0.2)
  const base = memoryMib * draw('baseShare', 0.1, 0.35)
  const jitter = memoryMib * draw('jitterShare', 0.0005, 0.006, 'log')
  const load = cpuCores * draw('loadShare', 0.04, 0.2)
  return {
    memoryMib,
    cpuCores,
    base,
    room: memoryMib - base,
    quiet: `${base} + ${jitter} * noise()`,
    cores: `${load} * (1 + 0.4 * noise())`,
  }
}

/** So many are at their limit at once that more would be the host's. */
export const littleCpu = (draw: Draw) => draw('littleCpuCores', 0.05, 0.08)

/** A check every three to eight seconds that gives up after three to five, and is not counted at the start. */
export function checked(draw: Draw, command: string) {
  return {
    command,
    intervalMs: 1000 * draw('checkEverySeconds', 3, 8, 'whole'),
    timeoutMs: 1000 * draw('checkTimeoutSeconds', 3, 5, 'whole'),
    startPeriodMs: 20_000,
    retries: 3,
  }
}

/** Until the kernel ends it, and a little more for what the limit counts beside the program's own memory. */
const untilKilled = (calm: number, filling: number) => Math.ceil(calm + filling * 1.1 + 20)

export const FAMILIES_TO_FIT: Family[] = [
  {
    name: 'leak-linear',
    kind: 'leak',
    use: 'fit',
    about: 'memory grows evenly up to the limit',
    plan(draw) {
      const { memoryMib, cpuCores, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 20, 80), draw('fillingSeconds', 25, 240, 'log')]
      const memory = `${quiet} + ${room / filling} * max(0, t - ${calm})`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: untilKilled(calm, filling) }
    },
  },
  {
    name: 'leak-noisy',
    kind: 'leak',
    use: 'fit',
    about: 'memory grows under the coming and going of requests',
    plan(draw) {
      const { memoryMib, cpuCores, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 10, 60), draw('fillingSeconds', 60, 240, 'log')]
      const [noise, swing] = [memoryMib * draw('noiseShare', 0.005, 0.02), memoryMib * draw('swingShare', 0.01, 0.04)]
      const period = draw('swingSeconds', 15, 60)
      const memory = `${quiet} + ${room / filling} * max(0, t - ${calm}) + ${noise} * noise() + ${swing} * wave(t, ${period})`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: untilKilled(calm, filling) }
    },
  },
  {
    name: 'leak-steps',
    kind: 'leak',
    use: 'fit',
    about: 'memory grows in steps',
    plan(draw) {
      const { memoryMib, cpuCores, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 10, 60), draw('fillingSeconds', 60, 220, 'log')]
      const steps = draw('steps', 8, 24, 'whole')
      const memory = `${quiet} + ${room / steps} * int(${steps / filling} * max(0, t - ${calm}))`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: untilKilled(calm, filling) }
    },
  },
  {
    name: 'leak-sawtooth',
    kind: 'leak',
    use: 'fit',
    about: 'garbage is collected, and each time less comes back',
    plan(draw) {
      const { memoryMib, cpuCores, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 10, 50), draw('fillingSeconds', 80, 240, 'log')]
      const [teeth, period] = [memoryMib * draw('toothShare', 0.04, 0.15), draw('toothSeconds', 8, 30)]
      const memory = `${quiet} + ${room / filling} * max(0, t - ${calm}) + ${teeth} * phase(t, ${period})`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: untilKilled(calm, filling) }
    },
  },
  {
    name: 'memory-bomb',
    kind: 'failing',
    use: 'fit',
    about: 'memory is taken as fast as it is given',
    plan(draw) {
      const { memoryMib, room, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 60, 180), draw('fillingSeconds', 1, 7)]
      const memory = `${quiet} + ${room / filling} * max(0, t - ${calm})`
      return { memoryMib, cpuCores: 0.5, program: { memoryMib: memory, cores }, seconds: untilKilled(calm, filling) }
    },
  },
  {
    name: 'saturation',
    kind: 'failing',
    use: 'fit',
    about: 'the CPU goes to its limit and stays there',
    plan(draw) {
      const { memoryMib, quiet } = ordinary(draw)
      const cpuCores = littleCpu(draw)
      const calm = draw('calmSeconds', 20, 50)
      const program = { memoryMib: quiet, cores: `t < ${calm} ? 0.005 : ${cpuCores * 2}` }
      return { memoryMib, cpuCores, program, seconds: Math.ceil(calm + 420) }
    },
  },
  {
    name: 'hang',
    kind: 'failing',
    use: 'fit',
    about: 'a server stops answering, and its health check notices',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const calm = draw('calmSeconds', 40, 160, 'whole')
      const server = { stopsAfterSeconds: calm, goesOnAfterSeconds: null }
      const health = checked(draw, SERVER_CHECK)
      return {
        memoryMib,
        cpuCores,
        program: { memoryMib: quiet, cores: `t < ${calm} ? ${cores} : 0.001`, server },
        health,
        seconds: Math.ceil(calm + (3.5 * (health.intervalMs + health.timeoutMs)) / 1000 + 15),
      }
    },
  },
  {
    name: 'crash-loop',
    kind: 'failing',
    use: 'fit',
    about: 'it ends with exit code 1 some time after each start',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [calm, life] = [draw('calmSeconds', 30, 120), draw('lifeSeconds', 6, 40, 'log')]
      const exitCode = `t > (life == 0 ? ${calm} : ${life} * (1 + 0.1 * (2 * phase(life * 0.37, 1) - 1))) ? 1 : 0`
      return { memoryMib, cpuCores, program: { memoryMib: quiet, cores, exitCode }, restarts: true, seconds: 280 }
    },
  },
  {
    name: 'sudden-crash',
    kind: 'failing',
    use: 'fit',
    about: 'it ends once without a sign before, and runs well afterwards',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const exitCode = `life == 0 && t > ${draw('calmSeconds', 60, 150)} ? 1 : 0`
      return { memoryMib, cpuCores, program: { memoryMib: quiet, cores, exitCode }, restarts: true, seconds: 270 }
    },
  },
  {
    name: 'stray-processes',
    kind: 'failing',
    use: 'fit',
    about: 'processes are left behind until no more can be started, not even the health check',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [calm, filling] = [draw('calmSeconds', 20, 60, 'whole'), draw('fillingSeconds', 60, 200)]
      const pidsLimit = draw('pidsLimit', 30, 100, 'whole')
      const strays = { everySeconds: Math.max(1, Math.round(filling / pidsLimit)), fromSecond: calm, atOnce: 1 }
      return {
        memoryMib: Math.max(memoryMib, 64),
        cpuCores,
        pidsLimit,
        program: { memoryMib: quiet, cores, strays, checkSeconds: '0' },
        health: checked(draw, FILE_CHECK),
        seconds: Math.ceil(calm + strays.everySeconds * pidsLimit + 50),
      }
    },
  },
  {
    name: 'warm-up',
    kind: 'deceptive',
    use: 'fit',
    about: 'memory grows evenly, then rests at half to nine tenths of the limit',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const [begin, rise] = [draw('beginSeconds', 5, 60), draw('riseSeconds', 15, 120, 'log')]
      const growth = memoryMib * draw('restsAtShare', 0.5, 0.9) - base
      const memory = `${quiet} + ${growth} * up(t, ${begin}, ${begin + rise})`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: 260 }
    },
  },
  {
    name: 'sawtooth',
    kind: 'deceptive',
    use: 'fit',
    about: 'garbage grows and is collected, always to the same floor',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const period = draw('toothSeconds', 10, 70, 'log')
      const teeth = memoryMib * draw('peakShare', 0.5, 0.88) - base
      const memory = `${quiet} + ${teeth} * phase(t, ${period})`
      return { memoryMib, cpuCores, program: { memoryMib: memory, cores }, seconds: 280 }
    },
  },
  {
    name: 'page-cache',
    kind: 'deceptive',
    use: 'fit',
    about: 'files fill the page cache up to the limit',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const files = {
        mibPerSecond: Math.ceil(memoryMib / draw('fillingSeconds', 30, 150)),
        mostMib: Math.ceil(memoryMib * 2),
        fromSecond: draw('beginSeconds', 5, 60, 'whole'),
      }
      return { memoryMib, cpuCores, program: { memoryMib: quiet, cores, files }, seconds: 240 }
    },
  },
  {
    name: 'cpu-bursts',
    kind: 'deceptive',
    use: 'fit',
    about: 'short bursts of CPU at the limit',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const [every, lasts] = [draw('everySeconds', 20, 80), draw('burstSeconds', 3, 18)]
      const program = {
        memoryMib: quiet,
        cores: `phase(t, ${every}) * ${every} > ${every - lasts} ? ${cpuCores * 1.5} : ${cores}`,
      }
      return { memoryMib, cpuCores, program, seconds: 240 }
    },
  },
  {
    name: 'saturation-that-ends',
    kind: 'deceptive',
    use: 'fit',
    about: 'the CPU is at its limit for less than five minutes',
    plan(draw) {
      const { memoryMib, quiet } = ordinary(draw)
      const cpuCores = littleCpu(draw)
      const [calm, lasts] = [draw('calmSeconds', 15, 40), draw('lastsSeconds', 60, 285)]
      const program = {
        memoryMib: quiet,
        cores: `between(t, ${calm}, ${calm + lasts}) ? ${cpuCores * 2} : 0.005`,
      }
      return { memoryMib, cpuCores, program, seconds: Math.ceil(calm + lasts + 70) }
    },
  },
  {
    name: 'planned-restarts',
    kind: 'deceptive',
    use: 'fit',
    about: 'somebody restarts it',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const rise = draw('riseSeconds', 2, 20)
      const growth = memoryMib * draw('restsAtShare', 0.3, 0.7) - base
      const first = draw('firstSecond', 40, 90)
      const between = draw('everySeconds', 40, 80)
      return {
        memoryMib,
        cpuCores,
        program: { memoryMib: `${quiet} + ${Math.max(0, growth)} * up(t, 1, ${rise})`, cores },
        acts: [0, 1, 2].map((n) => ({ atSeconds: first + n * between, do: 'restart' as const })),
        seconds: Math.ceil(first + 3 * between + 20),
      }
    },
  },
  {
    name: 'check-hiccups',
    kind: 'deceptive',
    use: 'fit',
    about: 'a server stops answering for some seconds, too few for its health check to give up',
    plan(draw) {
      const { memoryMib, cpuCores, quiet, cores } = ordinary(draw)
      const health = checked(draw, SERVER_CHECK)
      const begin = draw('stopsAfterSeconds', 60, 150, 'whole')
      const lasts = ((health.intervalMs + health.timeoutMs) / 1000) * draw('lastsChecks', 0.5, 1.9)
      const server = { stopsAfterSeconds: begin, goesOnAfterSeconds: Math.floor(lasts) }
      return { memoryMib, cpuCores, program: { memoryMib: quiet, cores, server }, health, seconds: 220 }
    },
  },
  {
    name: 'web-load',
    kind: 'calm',
    use: 'fit',
    about: 'requests come and go',
    plan(draw) {
      const { memoryMib, cpuCores, base, quiet, cores } = ordinary(draw)
      const [noise, swing] = [base * draw('noiseShare', 0.01, 0.05), draw('swingSeconds', 40, 200)]
      const memory = `${quiet} + ${noise} * noise() + ${base * 0.1} * wave(t, ${swing})`
      const program = { memoryMib: memory, cores: `(${cores}) * (1.5 + wave(t, ${swing}))`, server: STEADY }
      return {
        memoryMib,
        cpuCores,
        program,
        health: { ...checked(draw, SERVER_CHECK), intervalMs: 10_000 },
        seconds: 600,
      }
    },
  },
  {
    name: 'idle',
    kind: 'calm',
    use: 'fit',
    about: 'next to nothing happens',
    plan(draw) {
      const { memoryMib, cpuCores, base } = ordinary(draw)
      return { memoryMib, cpuCores, program: { memoryMib: `${base}`, cores: '0.001' }, seconds: 600 }
    },
  },
]

/** A server that goes on answering. */
export const STEADY = { stopsAfterSeconds: null, goesOnAfterSeconds: null }
