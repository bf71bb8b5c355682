import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ANOMALY_ALARM_FROM, anomalyScore, createAnomalyDetector } from './anomaly.ts'
import { seededNormal } from './seeded-stand-in.ts'

function scoresOf(values: readonly number[]): number[] {
  const detector = createAnomalyDetector()
  return values.map((value) => anomalyScore(detector, value))
}

/** The steps with an alarm. */
function alarmsOf(values: readonly number[]): number[] {
  return scoresOf(values).flatMap((score, step) => (score >= ANOMALY_ALARM_FROM ? [step] : []))
}

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

/** 2000 calm values around 100, then 100 others. The calm part's own alarms are not the question here. */
function alarmsAfterCalm(seed: number, then: (normal: () => number, step: number) => number): number[] {
  const normal = seededNormal(seed)
  const calm = Array.from({ length: 2000 }, () => 100 + normal())
  const other = Array.from({ length: 100 }, (_, step) => then(normal, step))
  return alarmsOf([...calm, ...other])
    .filter((step) => step >= 2000)
    .map((step) => step - 2000)
}

/** In how many of ten series the first alarm after the calm comes within so many steps. */
const foundWithin = (steps: number, then: (normal: () => number, step: number) => number) =>
  SEEDS.filter((seed) => (alarmsAfterCalm(seed, then)[0] ?? Infinity) < steps).length

describe('what it finds', () => {
  test('a step of six deviations within five values', () => {
    expect(foundWithin(5, (normal) => 106 + normal())).toBeGreaterThanOrEqual(9)
  })

  test('a step of three deviations within twenty values', () => {
    expect(foundWithin(20, (normal) => 103 + normal())).toBeGreaterThanOrEqual(9)
  })

  test('a drift of a tenth of a deviation per value within fifty', () => {
    expect(foundWithin(50, (normal, step) => 100 + step / 10 + normal())).toBeGreaterThanOrEqual(9)
  })

  test('noise four times as strong within ten values', () => {
    expect(foundWithin(10, (normal) => 100 + 4 * normal())).toBeGreaterThanOrEqual(9)
  })

  test('a value that stands still where it never did within fifty', () => {
    expect(foundWithin(50, () => 100)).toBeGreaterThanOrEqual(8)
  })

  test('a single spike of twelve deviations at once', () => {
    expect(foundWithin(1, (normal, step) => (step === 0 ? 112 : 100 + normal()))).toBeGreaterThanOrEqual(9)
  })

  test('a beat that is left out, though its value is a usual one', () => {
    const found = SEEDS.filter((seed) => {
      const normal = seededNormal(seed)
      const beat = (step: number) => (step % 100 < 20 && step < 3000 ? 80 : 20) + normal()
      return alarmsOf(Array.from({ length: 3020 }, (_, step) => beat(step))).some((step) => step >= 3000)
    })
    expect(found.length).toBeGreaterThanOrEqual(8)
  })

  test('a wave that jumps by half its length', () => {
    const found = SEEDS.filter((seed) => {
      const normal = seededNormal(seed)
      const turns = (step: number) => step / 200 + (step < 3000 ? 0 : 1 / 2)
      const wave = Array.from({ length: 3050 }, (_, step) => 20 * Math.sin(2 * Math.PI * turns(step)) + normal())
      return alarmsOf(wave).some((step) => step >= 3000)
    })
    expect(found.length).toBeGreaterThanOrEqual(8)
  })

  test('the first change of a constant at once', () => {
    expect(alarmsOf([...Array(100).fill(5), 6])).toEqual([100])
  })
})

describe('what it is silent about', () => {
  test('a constant scores 0', () => {
    expect(new Set(scoresOf(Array(1000).fill(0.1)))).toEqual(new Set([0]))
    expect(new Set(scoresOf(Array(1000).fill(0)))).toEqual(new Set([0]))
  })

  test('a season, once it was seen: no more than noise alone', () => {
    let alarms = 0
    for (const seed of SEEDS) {
      const normal = seededNormal(seed)
      const wave = Array.from({ length: 3000 }, (_, step) => 50 + 20 * Math.sin((2 * Math.PI * step) / 200) + normal())
      alarms += alarmsOf(wave).filter((step) => step >= 1000).length
    }
    expect(alarms / SEEDS.length).toBeLessThan(3)
    const square = Array.from({ length: 3000 }, (_, step) => (step % 100 < 20 ? 80 : 20))
    expect(alarmsOf(square).filter((step) => step >= 500)).toEqual([])
  })

  test('noise raises less and less: on average under 6 alarms between its 10,000th and 20,000th value', () => {
    let alarms = 0
    for (const seed of SEEDS) {
      const normal = seededNormal(seed)
      alarms += alarmsOf(Array.from({ length: 20_000 }, normal)).filter((step) => step >= 10_000).length
    }
    expect(alarms / SEEDS.length).toBeLessThan(6)
  })

  test('one happening raises one alarm, not one for each value', () => {
    for (const seed of SEEDS) {
      expect(alarmsAfterCalm(seed, (normal) => 110 + normal()).length).toBeLessThanOrEqual(2)
    }
  })

  test('but something much rarer is heard in the quiet after an alarm', () => {
    const detector = createAnomalyDetector()
    const normal = seededNormal(3)
    for (let step = 0; step < 2000; step++) anomalyScore(detector, 100 + normal())
    const small = Array.from({ length: 20 }, () => anomalyScore(detector, 104 + normal()))
    expect(small.filter((score) => score >= ANOMALY_ALARM_FROM).length).toBeGreaterThanOrEqual(1)
    expect(anomalyScore(detector, 1000)).toBeGreaterThanOrEqual(ANOMALY_ALARM_FROM)
  })
})

describe('what it promises', () => {
  const calmThenStep = Array.from(
    { length: 400 },
    (_, step) => Math.round(8 * Math.sin(step * step)) + (step > 300 ? 40 : 0),
  )

  test('scores lie in 0..1, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e100, max: 1e100 }), { maxLength: 200 }), (values) => {
        for (const score of scoresOf(values)) {
          expect(score).toBeGreaterThanOrEqual(0)
          expect(score).toBeLessThan(1)
        }
      }),
    )
  })

  test('neither the unit nor the zero point matters', () => {
    const scores = scoresOf(calmThenStep)
    expect(Math.max(...scores)).toBeGreaterThan(ANOMALY_ALARM_FROM)
    scoresOf(calmThenStep.map((value) => value * 1024)).forEach((score, step) => {
      expect(score).toBeCloseTo(scores[step]!, 9)
    })
    scoresOf(calmThenStep.map((value) => value + 4096)).forEach((score, step) => {
      expect(score).toBeCloseTo(scores[step]!, 9)
    })
  })

  test('later values change nothing', () => {
    const before = scoresOf(calmThenStep.slice(0, 300))
    expect(scoresOf([...calmThenStep.slice(0, 300), 1e9, -1e9]).slice(0, 300)).toEqual(before)
  })

  test('a value that is not a number carries the last one forward', () => {
    const holes = calmThenStep.map((value, step) => (step % 7 === 3 ? Number.NaN : value))
    const carried = holes.map((value, step) => (Number.isNaN(value) ? holes[step - 1]! : value))
    expect(scoresOf(holes)).toEqual(scoresOf(carried))
    expect(scoresOf([Number.NaN, Number.POSITIVE_INFINITY, ...calmThenStep])).toEqual([0, 0, ...scoresOf(calmThenStep)])
  })

  test('its memory is fixed, under 4 KiB', () => {
    const detector = createAnomalyDetector()
    const sizeOf = () => {
      let bytes = 0
      const buffers = new Set<ArrayBufferLike>()
      const visit = (node: object) => {
        for (const part of Object.values(node)) {
          if (ArrayBuffer.isView(part)) buffers.add(part.buffer)
          else if (typeof part === 'object' && part !== null) visit(part)
          else bytes += 8
        }
      }
      visit(detector)
      for (const buffer of buffers) bytes += buffer.byteLength
      return bytes
    }
    // As long as all values are the same it has next to nothing.
    for (const value of [1, 2]) anomalyScore(detector, value)
    const before = sizeOf()
    for (let step = 0; step < 50_000; step++) anomalyScore(detector, Math.sin(step * step) * step)
    expect(sizeOf()).toBe(before)
    expect(before).toBeLessThan(4096)
  })
})

test('detectors at work in turn know nothing of each other', () => {
  const normal = seededNormal(11)
  const series = [
    Array.from({ length: 3000 }, (_, step) => 50 + 10 * Math.sin(step / 20) + normal()),
    Array.from({ length: 3000 }, (_, step) => (step < 1500 ? 1e9 : 2e9) + 1e6 * normal()),
    Array.from({ length: 3000 }, (_, step) => (step % 60 < 10 ? 10 : 0) + 0.1 * normal()),
  ]
  const alone = series.map((values) => {
    const detector = createAnomalyDetector()
    return values.map((value) => anomalyScore(detector, value))
  })
  const detectors = series.map(() => createAnomalyDetector())
  const inTurn = series.map((): number[] => [])
  for (let step = 0; step < 3000; step++)
    for (const [index, detector] of detectors.entries())
      inTurn[index]!.push(anomalyScore(detector, series[index]![step]!))
  expect(inTurn).toEqual(alone)
  expect(Math.max(...alone.flat())).toBeGreaterThan(ANOMALY_ALARM_FROM)
})
