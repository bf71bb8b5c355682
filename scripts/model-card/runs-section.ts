import type { Figures } from './figures.ts'
import { percent, table } from './text.ts'

/** How the failure model did on recorded runs of programs that it was not fitted on. */
export function runsSection({ runs }: Figures): string {
  const { ways, containerHours, families, reliability } = runs
  const named = { DockerPulse: ways.model, 'threshold 90 %': ways.threshold, predict_linear: ways.predictLinear }
  return `On ${families.length} families of programs that it was not fitted on (${containerHours.all.toFixed(1)} container-hours on a real engine; the
families of each use are listed by \`npm run record -- --help\`). Foreseen: critical at least 5 s before the failure and still
then.

${table([
  ['', 'leaks foreseen', 'all foreseen', 'first of a run', 'lead, median', 'false per hour, calm', 'deceptive'],
  ...Object.entries(named).map(([name, { leaks, all, first, medianLeadSeconds, falsePerHour }]) => [
    name,
    `${leaks.foreseen} of ${leaks.of}`,
    `${all.foreseen} of ${all.of}`,
    `${first.foreseen} of ${first.of}`,
    medianLeadSeconds === null ? '–' : `${medianLeadSeconds.toFixed(0)} s`,
    falsePerHour.calm.toFixed(2),
    falsePerHour.deceptive.toFixed(2),
  ]),
])}

![Reliability of the failure probability](pictures/reliability-failure.svg)

![Lead times](pictures/lead-times.svg)

${table([
  ['family', 'kind', 'runs', 'failures', 'foreseen', 'false alarms'],
  ...families.map(({ family, kind, runs, failures, foreseen, falseAlarms }) => [
    family,
    kind,
    runs,
    failures,
    foreseen,
    falseAlarms,
  ]),
])}

The base rate of "fails within a minute" in these runs is ${percent(reliability.baseRate)}: they are made to fail. A calm host's is far lower.`
}
