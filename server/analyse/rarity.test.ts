import { expect, test } from 'vitest'
import { createRarities, rarityOf } from './rarity.ts'

const createRarity = () => createRarities(1)[0]!

test('the largest of 100 sizes is one in a hundred, the smallest nothing special', () => {
  const rarity = createRarity()
  for (let i = 1; i <= 98; i++) rarityOf(rarity, 1)
  expect(rarityOf(rarity, 1)).toBe(0)
  // 8 = 2^3 is the first of 100 and three doublings beyond the largest: log10(100) + 2 * 3 * log10(2)
  expect(rarityOf(rarity, 8)).toBeCloseTo(2 + 6 * Math.log10(2), 12)
  // Now 2 of 101 are as large.
  expect(rarityOf(rarity, 8)).toBeCloseTo(Math.log10(101 / 2), 12)
  expect(rarityOf(rarity, 0)).toBe(0)
})

test('only ratios matter', () => {
  const sizes = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 0, 80]
  const one = createRarity()
  const thousand = createRarity()
  for (const size of sizes) expect(rarityOf(thousand, size * 1024)).toBe(rarityOf(one, size))
})

test('after nothing but zeros any size is most rare', () => {
  const rarity = createRarity()
  for (let i = 0; i < 9; i++) expect(rarityOf(rarity, 0)).toBe(0)
  expect(rarityOf(rarity, 1e-9)).toBeGreaterThan(10)
})

test('what was common long ago is forgotten', () => {
  const rarity = createRarity()
  for (let i = 0; i < 19_000; i++) rarityOf(rarity, i % 100 === 0 ? 64 : 1)
  expect(rarityOf(rarity, 64)).toBeCloseTo(2, 1)
  for (let i = 0; i < 100_000; i++) rarityOf(rarity, 1)
  expect(rarityOf(rarity, 64)).toBeGreaterThan(3)
  expect(rarity.total).toBeLessThan(20_000)
})

test('those in one piece of memory do not see each other', () => {
  const [one, other] = createRarities(2)
  const alone = createRarity()
  for (let i = 1; i < 500; i++) {
    rarityOf(other!, 1e6 * i)
    expect(rarityOf(one!, i % 13)).toBe(rarityOf(alone, i % 13))
  }
})
