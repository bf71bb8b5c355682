import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Assessment, Calibration } from '../contracts/assessment.ts'
import type { Sample } from '../contracts/telemetry.ts'
import { aSample } from '../decide/incident-stand-in.ts'
import { assess } from './assess.ts'
import { seededNormal } from './seeded-stand-in.ts'
import { beginLife, createWindow, observe, type Window } from './window.ts'

const MIB = 1024 ** 2
const LIMIT = 128 * MIB
const ID = 'a'.repeat(64)

const calibration = Calibration.parse(
  JSON.parse(readFileSync(new URL('../../models/calibration.json', import.meta.url), 'utf8')),
)

/** Lives through one sample a second and gives the assessment after each. */
function assessEach(seconds: number, sampleAt: (second: number) => Partial<Sample>, window = createWindow(ID)) {
  return Array.from({ length: seconds }, (_, second) => {
    observe(window, aSample({ at: second * 1_000, ...sampleAt(second) }))
    return assess(window, calibration)
  })
}

const memoryOf = (unreclaimableBytes: number): Partial<Sample> => ({
  unreclaimableBytes,
  workingSetBytes: unreclaimableBytes,
})
const highest = (assessments: Assessment[]) => Math.max(...assessments.map(({ probability }) => probability ?? 0))

const withLife = (life: Partial<Window['life']>): Window => {
  const window = createWindow(ID)
  window.life = { ...window.life, ...life }
  return window
}

describe('a leak of 2 MiB a second in 128 MiB', () => {
  const memoryAt = (second: number) => (20 + 2 * Math.max(0, second - 30)) * MIB
  const assessments = assessEach(84, (second) => memoryOf(memoryAt(second)))
  const critical = assessments.findIndex(({ light }) => light === 'critical')

  test('is critical at least 8 s before the limit, and not before two thirds of it: warm-ups look the same', () => {
    const used = memoryAt(critical)
    expect(used).toBeGreaterThan((2 * LIMIT) / 3)
    expect((LIMIT - used) / (2 * MIB)).toBeGreaterThanOrEqual(8)
  })

  test('stays critical until the limit', () => {
    expect(new Set(assessments.slice(critical).map(({ light }) => light))).toEqual(new Set(['critical']))
  })

  test('names the memory limit, how far it is, and says so in words', () => {
    const { cause, timeToLimitMs, evidence } = assessments[critical]!
    expect(cause).toBe('memory-limit')
    expect(timeToLimitMs).toBeCloseTo(((LIMIT - memoryAt(critical)) / (2 * MIB)) * 1_000, 0)
    const texts = evidence.map(({ text }) => text).join('; ')
    expect(texts).toMatch(/grows 2 MiB\/s and is at \d+ % of its 128 MiB limit: the limit is \d+ s away/)
  })

  test('fits the contract at every step', () => {
    for (const assessment of assessments) expect(Assessment.parse(assessment)).toEqual(assessment)
  })

  test('is no longer seen after a start: a new life begins with an empty window', () => {
    const window = createWindow(ID)
    assessEach(84, (second) => memoryOf(memoryAt(second)), window)
    beginLife(window)
    observe(window, aSample({ at: 85_000, ...memoryOf(20 * MIB) }))
    expect(assess(window, calibration)).toMatchObject({ light: 'low', timeToLimitMs: null })
  })
})

describe('a leak that begins after calm minutes', () => {
  const secondsLeft = (fromMib: number, mibPerSecond: number) => {
    const memoryAt = (second: number) => (fromMib + mibPerSecond * Math.max(0, second - 100)) * MIB
    const seconds = 100 + Math.floor((128 - fromMib) / mibPerSecond)
    const critical = assessEach(seconds, (second) => memoryOf(memoryAt(second))).findIndex(
      ({ light }) => light === 'critical',
    )
    return critical < 0 ? 0 : (LIMIT - memoryAt(critical)) / (mibPerSecond * MIB)
  }

  test('is critical early as well: the calm before it is not averaged with it', () => {
    expect(secondsLeft(20, 4)).toBeGreaterThanOrEqual(8)
    expect(secondsLeft(40, 4)).toBeGreaterThanOrEqual(5)
    expect(secondsLeft(20, 1)).toBeGreaterThanOrEqual(25)
  })
})

test('a leak that begins with its life at 4 MiB a second in 128 MiB is critical five seconds before the limit', () => {
  const memoryAt = (second: number) => (20 + 4 * second) * MIB
  const critical = assessEach(27, (second) => memoryOf(memoryAt(second))).findIndex(({ light }) => light === 'critical')
  expect((LIMIT - memoryAt(critical)) / (4 * MIB)).toBeGreaterThanOrEqual(5)
})

test('what the kernel has killed for once is believed sooner: the same climb again is critical twice as far from the limit', () => {
  const climb = (second: number) => 20 + (second % 108)
  const left = (seconds: number, sampleAt: (second: number) => Partial<Sample>) => {
    const from = assessEach(seconds, sampleAt).findLastIndex(({ light }) => light !== 'critical') + 1
    return seconds - from
  }
  const first = left(108, (second) => memoryOf(climb(second) * MIB))
  const again = left(216, (second) => ({ ...memoryOf(climb(second) * MIB), oomKills: second === 108 ? 1 : 0 }))
  expect(first).toBeGreaterThanOrEqual(10)
  expect(again).toBeGreaterThanOrEqual(2 * first)
})

describe('what looks like a leak and is none', () => {
  test('garbage collection below 60 % of the limit, whatever its period, once a minute of it was seen', () => {
    for (const period of [5, 13, 20, 33, 47, 59, 61, 75, 90, 180]) {
      const tooth = (second: number) => memoryOf((0.35 + (0.23 * (second % period)) / period) * LIMIT)
      expect(highest(assessEach(400, tooth).slice(60)), `a period of ${period} s`).toBeLessThan(0.5)
    }
  })

  test('a cache that is filled in four seconds and stays', () => {
    const filling = (second: number) => memoryOf((20 + 12 * Math.max(0, Math.min(4, second - 100))) * MIB)
    expect(highest(assessEach(240, filling))).toBeLessThan(0.5)
  })

  test('page cache: usage grows to the limit, what cannot be reclaimed does not', () => {
    const assessments = assessEach(120, (second) => ({
      memoryUsageBytes: Math.min(LIMIT, (20 + second) * MIB),
      workingSetBytes: Math.min(LIMIT, (20 + second) * MIB),
      unreclaimableBytes: 20 * MIB + (second % 3) * 4096,
    }))
    expect(highest(assessments)).toBeLessThan(0.1)
  })

  test('warm-up to a plateau at 45 % of the limit is never critical, and calm soon after it has flattened', () => {
    const assessments = assessEach(240, (second) => memoryOf(0.45 * LIMIT * (1 - Math.exp(-second / 15))))
    expect(assessments.filter(({ light }) => light === 'critical')).toEqual([])
    expect(highest(assessments.slice(60))).toBeLessThan(0.05)
  })

  test('a warm-up that slows down to 88 % of the limit is not critical', () => {
    const curve = (second: number) => memoryOf((0.2 + 0.68 * (1 - Math.exp(-Math.max(0, second - 20) / 15))) * LIMIT)
    expect(assessEach(240, curve).filter(({ light }) => light === 'critical')).toEqual([])
  })

  test('a level near the limit that does not rise', () => {
    const normal = seededNormal(11)
    expect(highest(assessEach(300, () => memoryOf(0.9 * LIMIT + 4096 * normal())))).toBeLessThan(0.1)
  })
})

test('a healthy day raises nothing: six hours of noise, garbage collection below 60 % and a daily curve', () => {
  const noise = seededNormal(1)
  const lights = new Set<string>()
  let worst = 0
  const window = createWindow(ID)
  for (let second = 0; second < 6 * 3_600; second++) {
    const daily = 1 + 0.3 * Math.sin((2 * Math.PI * second) / 86_400)
    const tooth = (second % 47) / 47
    const memory = (0.3 + 0.15 * tooth) * daily * LIMIT + 0.2 * MIB * noise()
    const cpuCores = Math.max(0, 0.3 * daily + 0.05 * noise() + (tooth > 0.95 ? 0.3 : 0))
    observe(window, aSample({ at: second * 1_000, cpuCores, cpuShareOfLimit: cpuCores, ...memoryOf(memory) }))
    const { light, probability } = assess(window, calibration)
    lights.add(light)
    worst = Math.max(worst, probability ?? 0)
  }
  expect([...lights]).toEqual(['low'])
  expect(worst).toBeLessThan(0.3)
})

test('processes that go on growing have a time to their limit, those that rest have none', () => {
  const growing = assessEach(60, (second) => ({ pids: 10 + second, pidsLimit: 100 })).at(-1)
  expect(growing?.pidsTimeToLimit?.ms).toBeGreaterThan(25_000)
  expect(growing?.pidsTimeToLimit?.ms).toBeLessThan(40_000)
  expect(growing?.pidsTimeToLimit?.upperMs).toBeGreaterThan(50_000)
  expect(assessEach(60, () => ({ pids: 90, pidsLimit: 100 })).at(-1)?.pidsTimeToLimit).toBeNull()
})

describe('CPU', () => {
  const saturated = { cpuCores: 1, cpuShareOfLimit: 1 }

  test('at its limit for four minutes and a quarter is medium, critical before the five are over', () => {
    const assessments = assessEach(300, () => saturated)
    expect(assessments[255]).toMatchObject({ light: 'medium', cause: 'cpu-saturation' })
    expect(assessments[255]?.evidence[0]?.text).toMatch(/^CPU has been at its limit for 4 min \d+ s/)
    expect(assessments[290]).toMatchObject({ light: 'critical', cause: 'cpu-saturation' })
  })

  test('at its limit for one minute, or with pauses of half a minute, is not worth a light', () => {
    expect(highest(assessEach(60, () => saturated))).toBeLessThan(0.5)
    expect(
      highest(assessEach(600, (second) => (second % 100 < 30 ? { cpuShareOfLimit: 0.5 } : saturated))),
    ).toBeLessThan(0.5)
  })

  test('of a container without samples for a second stays saturated: an unknown is not a pause', () => {
    const last = assessEach(256, (second) =>
      second === 100 ? { cpuCores: null, cpuShareOfLimit: null } : saturated,
    ).at(-1)
    expect(last?.light).toBe('medium')
  })
})

describe('signs of life', () => {
  test('unhealthy is critical, also without a sample', () => {
    expect(assess(withLife({ at: 5, health: 'unhealthy' }), calibration)).toMatchObject({
      at: 5,
      light: 'critical',
      cause: 'unhealthy',
    })
  })

  test('one failed check is not; it is said as what it is', () => {
    const { light, evidence } = assess(withLife({ at: 5, health: 'healthy', healthFailingStreak: 1 }), calibration)
    expect(light).toBe('low')
    expect(evidence[0]?.text).toBe('its health check failed 1 times in a row')
  })

  test('three crashes within five minutes are critical, and forgotten after them', () => {
    const crashTimesMs = [1_000, 2_000, 3_000]
    expect(assess(withLife({ at: 4_000, crashTimesMs }), calibration)).toMatchObject({
      light: 'critical',
      cause: 'crash-loop',
    })
    expect(assess(withLife({ at: 304_000, crashTimesMs }), calibration).probability).toBeNull()
  })
})

test('of a container of which nothing is known nothing is said: the probability is null, not low', () => {
  expect(assess(createWindow(ID), calibration)).toMatchObject({
    probability: null,
    light: 'low',
    cause: null,
    evidence: [],
  })
})

test('a container without a limit never runs into it', () => {
  const assessments = assessEach(60, (second) => ({ ...memoryOf((20 + 40 * second) * MIB), memoryLimitBytes: null }))
  expect(highest(assessments)).toBeLessThan(0.1)
  expect(assessments.at(-1)?.timeToLimitMs).toBeNull()
})

test('a clock that was set back by an hour does not blind it: a leak after that is seen as soon as ever', () => {
  const window = createWindow(ID)
  assessEach(60, () => memoryOf(20 * MIB), window)
  const early = assessEach(60, (second) => ({ at: (second - 3_600) * 1_000, ...memoryOf(20 * MIB) }), window)
  expect(early.at(-1)?.memoryBytesForecast?.value).toBeCloseTo(20 * MIB, 0)
  const leaking = assessEach(
    25,
    (second) => ({ at: (second - 3_540) * 1_000, ...memoryOf((20 + 4 * second) * MIB) }),
    window,
  )
  expect(leaking.at(-1)?.light).toBe('critical')
})

describe('errors in its log', () => {
  const logging = (seconds: number, errorsPerSecond: number, window = createWindow(ID)) =>
    assessEach(
      seconds,
      () => ({
        at: (window.latest?.at ?? 0) + 1_000,
        ...memoryOf(20 * MIB),
        logErrorsPerSecond: errorsPerSecond,
      }),
      window,
    )

  test('more than usual make it medium and say why, but however many there are they alone are never critical', () => {
    const window = createWindow(ID)
    logging(120, 0, window)
    const assessments = logging(60, 1_000, window)
    expect(highest(assessments)).toBeGreaterThan(0.5)
    expect(highest(assessments)).toBeLessThan(0.85)
    const { evidence, logErrorsPerMinute } = assessments[20]!
    expect(evidence[0]?.text).toMatch(/^its log reports \d+ errors a minute, usually \d+$/)
    expect(logErrorsPerMinute).toBeGreaterThan(1_000)
  })

  test('with a failed health check they are a failure to come', () => {
    const window = createWindow(ID)
    logging(120, 0, window)
    logging(40, 2, window)
    window.life = { ...window.life, health: 'healthy', healthFailingStreak: 2 }
    expect(assess(window, calibration).light).toBe('critical')
  })

  test('a log that is not to be seen says nothing', () => {
    const unseen = assessEach(60, () => ({ ...memoryOf(20 * MIB), logErrorsPerSecond: null }))
    expect(unseen.at(-1)).toMatchObject({ logErrorsPerMinute: null, light: 'low' })
    expect(unseen.flatMap(({ evidence }) => evidence).some(({ feature }) => feature === 'logErrors')).toBe(false)
  })
})
