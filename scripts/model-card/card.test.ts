import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { modelCard } from './card.ts'
import { MODELS, readFigures } from './figures.ts'
import { pictures } from './pictures.ts'

describe('the model card in the tree', () => {
  test('is what the tool writes from the figures in the tree', () => {
    expect(readFileSync(join(MODELS, 'MODEL_CARD.md'), 'utf8')).toBe(modelCard(readFigures()))
  })

  test('has the pictures of these figures', () => {
    for (const [name, svg] of Object.entries(pictures(readFigures())))
      expect(readFileSync(join(MODELS, 'pictures', name), 'utf8'), name).toBe(`${svg}\n`)
  })

  test('is of the calibration that the program runs with', () => {
    const { calibration, runs } = readFigures()
    expect(runs.version).toBe(calibration.version)
  })

  test('says where a figure falls short', () => {
    const figures = readFigures()
    const { runs } = figures
    const worse = { ...runs, reliability: { ...runs.reliability, ece: 0.2 } }
    expect(modelCard({ ...figures, runs: worse })).toContain(
      'Short of its aim: failure probability, ECE is 0.2000, and must be ≤ 0.03.',
    )
  })
})
