import { describe, expect, test } from 'vitest'
import { addTallies, cutShort, emptyTally, failed, nothingUnjudged, predicted, scoreboardOf } from './scorekeeping.ts'

const HORIZON_MS = 60_000
const SECOND = 1_000

/** A container's story, second by second: what was said of it, and what came. */
function story() {
  const unjudged = nothingUnjudged()
  const tally = emptyTally()
  return {
    tally,
    say(fromSecond: number, toSecond: number, probability: number | null) {
      for (let second = fromSecond; second < toSecond; second++)
        predicted(unjudged, tally, {
          atMs: second * SECOND,
          probability,
          critical: (probability ?? 0) >= 0.85,
          horizonMs: HORIZON_MS,
        })
    },
    fail: (second: number) => failed(unjudged, tally, second * SECOND, HORIZON_MS),
    stop: () => cutShort(unjudged, tally),
    board: () => scoreboardOf(tally, { since: null, horizonMs: HORIZON_MS }),
  }
}

describe('a prediction', () => {
  test('is made every ten seconds and was wrong where nothing comes within the horizon', () => {
    const { say, board } = story()
    say(0, 100, 0.1)
    // Made at 0, 10, … 90 s; at 99 s those of up to 38 s are more than a minute old: 0, 10, 20, 30.
    expect(board()).toMatchObject({ predictions: 4, failures: 0, recall: null, precision: null, brierSkill: null })
    expect(board().brier).toBeCloseTo(0.01, 12)
    expect(board().expectedCalibrationError).toBeCloseTo(0.1, 12)
    expect(board().bins[1]).toEqual({ from: 0.1, to: 0.2, predictions: 4, meanProbability: 0.1, failedShare: 0 })
  })

  test('was right where a failure comes within the horizon', () => {
    const { say, fail, board } = story()
    say(0, 90, 0.2)
    fail(90)
    // Of 0, 10, … 80 s those of 0, 10, 20 were judged wrong before; 30 … 80 lie within the minute.
    expect(board()).toMatchObject({ predictions: 9, failures: 1, foreseen: 0, recall: 0 })
    expect(board().bins[2]).toMatchObject({ predictions: 9, failedShare: 6 / 9 })
    // (3 x 0.2^2 + 6 x 0.8^2) / 9, beside a base rate of 2/3: 2/3 x 1/3.
    expect(board().brier).toBeCloseTo((3 * 0.04 + 6 * 0.64) / 9, 12)
    expect(board().brierSkill).toBeCloseTo(1 - (3 * 0.04 + 6 * 0.64) / 9 / (2 / 9), 12)
  })

  test('is not made where nothing was evaluated', () => {
    const { say, board } = story()
    say(0, 200, null)
    expect(board()).toMatchObject({ predictions: 0, brier: null, expectedCalibrationError: null })
  })
})

describe('a warning', () => {
  test('foresees a failure from five seconds before on, and its lead time is known', () => {
    const { say, fail, board } = story()
    say(0, 30, 0.1)
    say(30, 50, 0.9)
    fail(50)
    expect(board()).toMatchObject({ failures: 1, foreseen: 1, recall: 1, precision: 1, medianLeadTimeMs: 20_000 })
  })

  test('of less than five seconds warned nobody, and was no false one either', () => {
    const { say, fail, board } = story()
    say(0, 30, 0.1)
    say(30, 33, 0.9)
    fail(33)
    expect(board()).toMatchObject({ foreseen: 0, warningsBorneOut: 1, warningsFalse: 0, medianLeadTimeMs: null })
  })

  test('that went out is false once the horizon has passed, and foresees nothing', () => {
    const { say, fail, board } = story()
    say(0, 10, 0.9)
    say(10, 60, 0.1)
    expect(board().warningsFalse).toBe(0)
    say(60, 75, 0.1)
    expect(board()).toMatchObject({ warningsFalse: 1, precision: 0 })
    fail(80)
    expect(board()).toMatchObject({ failures: 1, foreseen: 0, warningsBorneOut: 0 })
  })

  test('that a restart ended is neither right nor wrong', () => {
    const { say, stop, board } = story()
    say(0, 20, 0.9)
    stop()
    say(20, 200, 0.1)
    expect(board()).toMatchObject({ warningsCutShort: 1, warningsFalse: 0, warningsBorneOut: 0, precision: null })
  })
})

test('an oom, the end that it causes and the loop that it is part of are one failure', () => {
  const { fail, board } = story()
  for (const second of [10, 11, 12]) fail(second)
  expect(board().failures).toBe(1)
  fail(30)
  expect(board().failures).toBe(2)
})

test('the tally of two days is the sum of both', () => {
  const [first, second] = [story(), story()]
  first.say(0, 30, 0.9)
  first.fail(30)
  second.say(0, 200, 0.3)
  const sum = scoreboardOf(addTallies(first.tally, second.tally), { since: null, horizonMs: HORIZON_MS })
  expect(sum).toMatchObject({ failures: 1, foreseen: 1, medianLeadTimeMs: 30_000 })
  expect(sum.predictions).toBe(first.board().predictions + second.board().predictions)
  expect(emptyTally().bins[9]!.predictions).toBe(0)
})
