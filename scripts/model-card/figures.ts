import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { Calibration } from '../../server/contracts/assessment.ts'
import { KeptBacktest } from '../backtest/figures.ts'

export const MODELS = fileURLToPath(new URL('../../models/', import.meta.url))

const Seen = z.object({ of: z.number(), foreseen: z.number(), share: z.number().nullable() })
const Way = z.object({
  leaks: Seen,
  all: Seen,
  first: Seen,
  leadSeconds: z.array(z.number()),
  medianLeadSeconds: z.number().nullable(),
  falsePerHour: z.object({ calm: z.number(), deceptive: z.number() }),
})
const Reliability = z.object({
  ece: z.number(),
  brierSkill: z.number(),
  baseRate: z.number(),
  bins: z.array(
    z.object({ meanProbability: z.number().nullable(), observed: z.number().nullable(), share: z.number() }),
  ),
})

/** What `npm run calibrate -- --write` measured on families that it did not fit on, as far as the card tells it. */
const KeptRuns = z.object({
  containerHours: z.object({ calm: z.number(), deceptive: z.number(), all: z.number() }),
  ways: z.object({ model: Way, threshold: Way, predictLinear: Way }),
  reliability: Reliability,
  reliabilityByRun: Reliability,
  timeToLimit: z.object({ medianRelativeError: z.number().nullable() }),
  families: z.array(
    z.object({
      family: z.string(),
      kind: z.string(),
      runs: z.number(),
      failures: z.number(),
      foreseen: z.number(),
      falseAlarms: z.number(),
    }),
  ),
})

export type Figures = { backtest: KeptBacktest; calibration: Calibration; runs: z.infer<typeof KeptRuns> }

/** The figures that the tools wrote into `models/`. Throws ZodError or the file system's error where they are not there. */
export function readFigures(folder = MODELS): Figures {
  const json = (name: string): unknown => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8'))
  return {
    backtest: KeptBacktest.parse(json('backtest.json')),
    calibration: Calibration.parse(json('calibration.json')),
    runs: KeptRuns.parse(json('runs-scores.json')),
  }
}
