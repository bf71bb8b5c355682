import { expect, test } from 'vitest'
import { createSeason, departureFromSeason } from './season.ts'
import { seededNormal } from './seeded-stand-in.ts'

/** The season found in a series, in steps; 0 for none. */
function seasonOf(length: number, valueAt: (step: number) => number): number {
  const season = createSeason()
  for (let step = 0; step < length; step++) departureFromSeason(season, valueAt(step))
  return season.lag
}

test('a wave, a beat and a day of five-minute values show their season in spite of noise', () => {
  const normal = seededNormal(1)
  expect(seasonOf(1000, (step) => 10 * Math.sin((2 * Math.PI * step) / 120) + normal())).toBeCloseTo(120, -0.5)
  expect(seasonOf(1000, (step) => (step % 60 < 10 ? 10 : 0) + normal())).toBe(60)
  expect(seasonOf(3000, (step) => (step % 288 < 100 ? 10 : 0) + normal())).toBe(288)
})

test('noise, a walk, a line, a constant and a season longer than it can hold show none', () => {
  const normal = seededNormal(2)
  let walk = 0
  expect(seasonOf(3000, normal)).toBe(0)
  expect(seasonOf(3000, () => (walk += normal()))).toBe(0)
  expect(seasonOf(3000, (step) => step)).toBe(0)
  expect(seasonOf(3000, () => 7)).toBe(0)
  expect(seasonOf(3000, (step) => Math.sin((2 * Math.PI * step) / 700))).toBe(0)
})

test('the departure is the distance to the nearest of three values one season ago', () => {
  const season = createSeason()
  const valueAt = (step: number) => 1e9 + (step % 20 < 5 ? 100 : 0)
  for (let step = 0; step < 400; step++) departureFromSeason(season, valueAt(step))
  expect(season.lag).toBe(20)
  // Step 400 was 100 a season ago, and so was its right neighbour; its left one was 0.
  expect(departureFromSeason(season, 1e9 + 40)).toBe(40)
  expect(departureFromSeason(season, 1e9 + 250)).toBe(150)
})
