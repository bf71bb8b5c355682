import { describe, expect, test } from 'vitest'
import { ANOMALY_ALARM_FROM } from './anomaly.ts'
import { createOutlook, farForecasts, look, nearForecast } from './outlook.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** An outlook that saw a value every `everySeconds`, the last one at `seconds`. */
function seen(seconds: number, value: (second: number) => number, everySeconds = 1) {
  const outlook = createOutlook()
  for (let second = 0; second <= seconds; second += everySeconds) look(outlook, second * SECOND, value(second))
  return outlook
}

const horizons = (outlook: ReturnType<typeof createOutlook>) => farForecasts(outlook).map(({ horizonMs }) => horizonMs)

describe('forecasts', () => {
  test('come when there is enough to say: after half a minute, three minutes, forty-five minutes', () => {
    const flat = () => 5
    expect(nearForecast(seen(20, flat))).toBeNull()
    expect(nearForecast(seen(40, flat))?.horizonMs).toBe(10 * SECOND)
    expect(horizons(seen(150, flat))).toEqual([])
    expect(horizons(seen(200, flat))).toEqual([MINUTE])
    expect(horizons(seen(50 * 60, flat))).toEqual([MINUTE, 15 * MINUTE])
  })

  test('of a constant are the constant, of a ramp lie on the ramp', () => {
    const flat = seen(50 * 60, () => 7)
    for (const { value, lower, upper } of [nearForecast(flat)!, ...farForecasts(flat)])
      expect([value, lower, upper]).toEqual([7, 7, 7])
    const ramp = seen(3 * 3600, (second) => 1000 + second)
    const end = 1000 + 3 * 3600
    expect(nearForecast(ramp)!.value).toBeCloseTo(end + 10, -1)
    const [minute, quarter] = farForecasts(ramp)
    // The mean of a step of 6 s lies 3 s before its end, and the step is up to 6 s old; with 90 s likewise.
    expect(Math.abs(minute!.value - (end + 60))).toBeLessThan(12)
    expect(Math.abs(quarter!.value - (end + 900))).toBeLessThan(200)
  })

  test('are amounts: what falls to nothing is not forecast below it', () => {
    const { value, lower, lower80 } = nearForecast(seen(200, (second) => Math.max(0, 200 - second)))!
    for (const amount of [value, lower, lower80]) expect(amount).toBeGreaterThanOrEqual(0)
  })

  test('of a container that is read every five seconds are the same quantity at the same times', () => {
    const slow = nearForecast(seen(600, (second) => 1000 + second, 5))!
    expect(slow.value).toBeGreaterThan(1600)
    expect(slow.value).toBeLessThan(1620)
  })
})

describe('time', () => {
  test('that stands still or goes back changes nothing', () => {
    const outlook = seen(60, (second) => second)
    const before = nearForecast(outlook)
    look(outlook, 60 * SECOND, 1e9)
    look(outlook, 10 * SECOND, 1e9)
    expect(nearForecast(outlook)).toEqual(before)
  })

  test('that jumps a day ahead is a gap that is filled with a bounded number of steps', () => {
    const outlook = seen(60, () => 3)
    look(outlook, 24 * HOUR, 3)
    expect(nearForecast(outlook)?.value).toBe(3)
  })
})

describe('anomalies', () => {
  test('are told some seconds after the level has shifted, and calm is none', () => {
    const noise = (second: number) => 10 + ((second * 7919) % 101) / 100
    const calm = seen(2 * 3600, noise)
    expect(calm.anomalyScore).toBeLessThan(ANOMALY_ALARM_FROM)
    let highest = 0
    for (let second = 2 * 3600 + 1; second < 2 * 3600 + 60; second++) {
      look(calm, second * SECOND, noise(second) + 40)
      highest = Math.max(highest, calm.anomalyScore ?? 0)
    }
    expect(highest).toBeGreaterThanOrEqual(ANOMALY_ALARM_FROM)
  })
})
