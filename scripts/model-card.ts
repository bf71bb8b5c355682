import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { messageOf } from '../server/errors.ts'
import { modelCard } from './model-card/card.ts'
import { MODELS, readFigures } from './model-card/figures.ts'
import { pictures } from './model-card/pictures.ts'

new Command('model-card')
  .description(
    'Writes models/MODEL_CARD.md and its pictures from models/calibration.json and from models/backtest.json, which\n"npm run backtest -- --keep" measured.',
  )
  .parse()

try {
  const figures = readFigures()
  const folder = join(MODELS, 'pictures')
  mkdirSync(folder, { recursive: true })
  for (const [name, svg] of Object.entries(pictures(figures))) writeFileSync(join(folder, name), `${svg}\n`)
  writeFileSync(join(MODELS, 'MODEL_CARD.md'), modelCard(figures))
  process.stderr.write(`Written: ${join(MODELS, 'MODEL_CARD.md')}\n`)
} catch (error) {
  process.stderr.write(`the figures in models/ cannot be used: ${messageOf(error)}\n`)
  process.exitCode = 1
}
