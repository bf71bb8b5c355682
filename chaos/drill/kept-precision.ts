import { z } from 'zod'
import { JudgedActions } from './judged-actions.ts'

/** How many automatic actions were right, with the 95 % interval, and when and with what that was measured. */
export const KeptPrecision = z.object({
  at: z.iso.datetime({ precision: 3 }),
  version: z.string(),
  calibration: z.string(),
  seeds: z.number(),
  minutes: z.number(),
  drills: JudgedActions,
  gameDays: JudgedActions,
  ...JudgedActions.shape,
  precision: z.number().nullable(),
  /** 95 % interval of the precision, by Wilson's score. */
  lower: z.number(),
  upper: z.number(),
})
export type KeptPrecision = z.infer<typeof KeptPrecision>

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

/** One sentence for people. */
export function precisionInWords({ right, wrong, precision, lower, upper }: KeptPrecision): string {
  if (precision === null) return 'there was no automatic action'
  return `${right} of ${right + wrong} automatic actions were right: precision ${percent(precision)} (95 % interval ${percent(lower)} to ${percent(upper)})`
}

/** The measurements as a table of Markdown, or nothing where there are none. */
export function precisionTable(kept: readonly KeptPrecision[]): string[] {
  if (kept.length === 0) return []
  const rows = kept.map((one) => {
    const cells = [
      one.at.slice(0, 16).replace('T', ' '),
      one.calibration,
      `1 to ${one.seeds}`,
      `${one.drills.right} of ${one.drills.right + one.drills.wrong}`,
      `${one.gameDays.right} of ${one.gameDays.right + one.gameDays.wrong}`,
      one.precision === null ? '–' : percent(one.precision),
      `${percent(one.lower)} to ${percent(one.upper)}`,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '## Automatic actions that were right',
    '',
    'Written by `npm run drill -- precision --keep`: for each seed all scenarios and a game day of an hour, on the simulated',
    'engine. Right is an action that met a fault at work and helped; wrong one that did not help, that met none, or whose',
    'fault an earlier restart had ended. The interval is Wilson’s, 95 %, and takes the actions for independent; they are not',
    'quite, for the scenarios are the same with each seed.',
    '',
    '| when (UTC) | calibration | seeds | in drills | in game days | precision | 95 % interval |',
    '| --- | --- | ---: | ---: | ---: | ---: | --- |',
    ...rows,
    '',
  ]
}
