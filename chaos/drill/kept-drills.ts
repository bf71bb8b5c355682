import { SCENARIOS } from '../scenarios.ts'
import { type GameDay, gameDaysTable } from './kept-game-days.ts'
import { type KeptPrecision, precisionTable } from './kept-precision.ts'
import type { EngineKind, KeptDrill } from './result.ts'

/** Puts a drill at the end, in place of what was kept of it while it ran. */
export function withDrill(drills: readonly KeptDrill[], drill: KeptDrill): KeptDrill[] {
  return [...drills.filter(({ at, engine }) => at !== drill.at || engine !== drill.engine), drill]
}

const ENGINE_NAMES: Record<EngineKind, string> = {
  sim: 'the simulated engine',
  docker: 'a real Docker engine',
}

const seconds = (value: number | null) => (value === null ? '–' : `${Math.round(value)} s`)

const row = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`

const warning = (scenario: KeptDrill['scenarios'][number], way: 'guard' | 'threshold' | 'predictLinear') => {
  if (scenario.falseAlarm[way]) return '**false alarm**'
  const lead = scenario.leadSeconds[way]
  if (lead !== null) return lead > 0 ? `${seconds(lead)} before` : `${seconds(-lead)} after`
  const expected = SCENARIOS.find(({ name }) => name === scenario.name)?.expected
  return expected === 'foreseen' || expected === 'noticed' ? 'missed' : 'quiet'
}

function tableOf(drill: KeptDrill): string {
  const { ways, foreseeable, quiet } = drill
  const figure = (way: keyof KeptDrill['ways']) => ways[way]
  return [
    `## On ${ENGINE_NAMES[drill.engine]}`,
    '',
    `${drill.at.slice(0, 10)}, DockerPulse ${drill.version}, calibration ${drill.calibration}${drill.seed === null ? '' : `, seed ${drill.seed}`}: **${drill.mark}, ${drill.points} of 100 points**; ${drill.failuresAvoided} of ${foreseeable} foreseeable failures were avoided.${drill.healed === null ? '' : ` ${drill.healed} of ${drill.bit} faults that bit were ended by an action of the program’s own, without a person.`}${drill.actions?.precision == null ? '' : ` ${drill.actions.right} of ${drill.actions.right + drill.actions.wrong} automatic actions were right.`}`,
    '',
    ...(drill.cutShort === null ? [] : [`**Only a part:** ${drill.cutShort}.`, '']),
    row(['', 'DockerPulse', 'threshold of 90 %', '`predict_linear`']),
    row(['---', '---:', '---:', '---:']),
    row([
      `foreseen of ${foreseeable}`,
      figure('guard').foreseen,
      figure('threshold').foreseen,
      figure('predictLinear').foreseen,
    ]),
    row([
      'lead time, median',
      seconds(figure('guard').medianLeadSeconds),
      seconds(figure('threshold').medianLeadSeconds),
      seconds(figure('predictLinear').medianLeadSeconds),
    ]),
    row([
      `false alarms in ${quiet} quiet scenarios`,
      figure('guard').falseAlarms,
      figure('threshold').falseAlarms,
      figure('predictLinear').falseAlarms,
    ]),
    '',
    row(['scenario', 'mark', 'points', 'DockerPulse', 'threshold', '`predict_linear`', 'why']),
    row(['---', '---', '---:', '---', '---', '---', '---']),
    ...drill.scenarios.map((scenario) =>
      row([
        scenario.name,
        scenario.mark,
        scenario.points,
        warning(scenario, 'guard'),
        warning(scenario, 'threshold'),
        warning(scenario, 'predictLinear'),
        scenario.reasons.join('; '),
      ]),
    ),
    ...(drill.skipped.length === 0
      ? []
      : ['', 'Not done:', '', ...drill.skipped.map(({ scenario, reason }) => `- ${scenario}: ${reason}`)]),
    '',
  ].join('\n')
}

/** The newest whole drill on each engine, or the newest part where there is no whole one, as a page of Markdown, the precision, the game days, and how the marks went before. */
export function drillsDocument(
  drills: readonly KeptDrill[],
  gameDays: readonly GameDay[] = [],
  precisions: readonly KeptPrecision[] = [],
): string {
  const newest = (['sim', 'docker'] as const).flatMap((engine) => {
    const ofEngine = drills.filter((one) => one.engine === engine)
    return ofEngine.findLast(({ cutShort }) => cutShort === null) ?? ofEngine.at(-1) ?? []
  })
  const history = drills.map((drill) =>
    row([
      drill.at.slice(0, 16).replace('T', ' '),
      drill.engine,
      drill.version,
      drill.calibration,
      drill.cutShort === null ? drill.scenarios.length : `${drill.scenarios.length}, then cut short`,
      drill.mark,
      drill.points,
      `${drill.ways.guard.foreseen} of ${drill.foreseeable}`,
      drill.ways.guard.falseAlarms,
    ]),
  )
  return [
    '# Drills',
    '',
    'Written by `npm run drill -- all --keep`. Each fault is done to two victims at once: one in mode auto, and one in mode',
    'observe that shows when the failure would have come. A threshold of 90 % of the limit and `predict_linear(memory[1m], 60)`',
    'look at the same readings and must hold for 3 s; DockerPulse’s light must be critical in two of them in a row (until',
    '2026-11-25 02:00 for 3 s, too).',
    '',
    ...newest.map(tableOf),
    ...precisionTable(precisions),
    ...gameDaysTable(gameDays),
    '## History',
    '',
    row(['when (UTC)', 'engine', 'version', 'calibration', 'scenarios', 'mark', 'points', 'foreseen', 'false alarms']),
    row(['---', '---', '---', '---', '---:', '---', '---:', '---', '---:']),
    ...history,
    '',
  ].join('\n')
}
