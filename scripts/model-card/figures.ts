import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Calibration } from '../../server/contracts/assessment.ts'
import { KeptBacktest } from '../backtest/figures.ts'

export const MODELS = fileURLToPath(new URL('../../models/', import.meta.url))

const Share = z.object({ of: z.number(), foreseen: z.number(), share: z.number().nullable() })
const Way = z.object({
  leaks: Share,
  all: Share,
  first: Share,
  leadSeconds: z.array(z.number()),
  medianLeadSeconds: z.number().nullable(),
  falsePerHour: z.object({ calm: z.number(), deceptive: z.number() }),
})
export type Way = z.infer<typeof Way>

/** What `npm run calibrate -- --write` keeps of the recorded runs, as far as the card shows it. */
export const RunsScores = z.object({
  version: z.string(),
  runs: z.object({ fit: z.number(), test: z.number() }),
  containerHours: z.object({ calm: z.number(), deceptive: z.number(), all: z.number() }),
  ways: z.object({ model: Way, threshold: Way, predictLinear: Way }),
  reliability: z.object({
    seconds: z.number(),
    baseRate: z.number(),
    brier: z.number(),
    brierSkill: z.number(),
    ece: z.number(),
    bins: z.array(
      z.object({
        from: z.number(),
        to: z.number(),
        seconds: z.number(),
        meanProbability: z.number().nullable(),
        observed: z.number().nullable(),
      }),
    ),
  }),
  timeToLimit: z.object({ judged: z.number(), unknown: z.number(), medianRelativeError: z.number().nullable() }),
  families: z.array(
    z.object({
      family: z.string(),
      kind: z.string(),
      runs: z.number(),
      failures: z.number(),
      foreseen: z.number(),
      containerHours: z.number(),
      falseAlarms: z.number(),
    }),
  ),
})
export type RunsScores = z.infer<typeof RunsScores>

export type Figures = { backtest: KeptBacktest; calibration: Calibration; runs: RunsScores }

/** The figures that the tools wrote into `models/`. Throws ZodError or the file system's error where they are not there. */
export function readFigures(folder = MODELS): Figures {
  const json = (name: string): unknown => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
  return {
    backtest: KeptBacktest.parse(json('backtest.json')),
    calibration: Calibration.parse(json('calibration.json')),
    runs: RunsScores.parse(json('runs-scores.json')),
  }
}
