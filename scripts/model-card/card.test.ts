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

  test('says where a figure falls short', () => {
    const figures = readFigures()
    const { backtest } = figures
    const { overall } = backtest.forecast!
    const worse = { ...backtest, forecast: { ...backtest.forecast!, overall: { ...overall, maeToLast: 0.9 } } }
    expect(modelCard({ ...figures, backtest: worse })).toContain(
      'Short of its aim: mean absolute error ten steps ahead, relative to the last value is 0.900, and must be ≤ 0.70.',
    )
  })
})
