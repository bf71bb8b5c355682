import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Calibration } from '../../server/contracts/assessment.ts'
import { KeptBacktest } from '../backtest/figures.ts'

export const MODELS = fileURLToPath(new URL('../../models/', import.meta.url))

export type Figures = { backtest: KeptBacktest; calibration: Calibration }

/** The figures that the tools wrote into `models/`. Throws ZodError or the file system's error where they are not there. */
export function readFigures(folder = MODELS): Figures {
  const json = (name: string): unknown => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
  return {
    backtest: KeptBacktest.parse(json('backtest.json')),
    calibration: Calibration.parse(json('calibration.json')),
  }
}
