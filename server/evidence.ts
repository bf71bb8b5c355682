import type { FieldChange, RecordedSamples } from './contracts/black-box.ts'
import type { ProcessTable } from './contracts/ports.ts'
import { Container, type EngineEvent } from './contracts/telemetry.ts'
import { INVISIBLE, maskLine } from './diagnose/prompt.ts'
import type { Tracked } from './guard.ts'
import type { History } from './store/history.ts'

/** The parts of a recording in bytes of JSON; together they stay below the bound of the whole. */
const SAMPLES_BYTES = 300 * 1024
const LOG_BYTES = 64 * 1024
const PROCESSES_BYTES = 40 * 1024
const LABELS_BYTES = 16 * 1024
const CHANGES_BYTES = 16 * 1024
const EVENTS_BYTES = 32 * 1024

/** Masking takes its time, and the loop waits: so much and no more is looked at. */
export const MOST_LOG_LINES = 400
const MOST_PROCESSES = 200
const MOST_LABELS = 200

const MOST_NEIGHBOURS = 8
const MOST_TEXT = 300
const MOST_TITLES = 16

const COLUMNS = [
  'cpuCores',
  'throttledShare',
  'workingSetBytes',
  'probability',
  'networkReceiveBytesPerSecond',
  'networkTransmitBytesPerSecond',
  'blockReadBytesPerSecond',
  'blockWriteBytesPerSecond',
  'cpuPressureSomeShare',
  'memoryPressureSomeShare',
  'ioPressureSomeShare',
] as const

const jsonBytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value)) + 1

/** The first of `items` whose JSON fits into `mostBytes` together. */
function fitting<T>(items: readonly T[], mostBytes: number): T[] {
  let bytes = 0
  const end = items.findIndex((item) => {
    bytes += jsonBytes(item)
    return bytes > mostBytes
  })
  return end < 0 ? [...items] : items.slice(0, end)
}

/** The same of the last ones. */
const newestFitting = <T>(items: readonly T[], mostBytes: number): T[] =>
  fitting(items.toReversed(), mostBytes).reverse()

/** Text that is no secret (names, states, reasons), of bounded length and without anything invisible. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, ' ').slice(0, MOST_TEXT)
}

const KEY_BEGINS = /-----BEGIN [A-Z ]*PRIVATE KEY/
const KEY_ENDS = /-----END [A-Z ]*PRIVATE KEY/

/** The newest lines that fit, masked as for the model; what stands between the marks of a private key is left out. */
export function maskedLog(lines: readonly string[]): string[] {
  let inKey = false
  const masked = lines.slice(-MOST_LOG_LINES).flatMap((line) => {
    const begins = KEY_BEGINS.test(line)
    const within = inKey || begins
    inKey = within && !KEY_ENDS.test(line)
    if (within) return begins ? ['<secret>'] : []
    return [maskLine(line)]
  })
  return newestFitting(masked, LOG_BYTES)
}

/** A number, share or time of the process list; whatever else stands there is masked. */
const FIGURE = /^[\d.,:%-]{1,20}$/

/** The first processes that fit. The last column is the command line, which the container writes. */
export function maskedProcesses({ titles, processes }: ProcessTable): ProcessTable {
  const rows = processes
    .slice(0, MOST_PROCESSES)
    .map((row) =>
      row
        .slice(0, MOST_TITLES)
        .map((cell, index) => (index < titles.length - 1 && FIGURE.test(cell) ? cell : maskLine(cell))),
    )
  return { titles: titles.slice(0, MOST_TITLES).map(maskLine), processes: fitting(rows, PROCESSES_BYTES) }
}

/** A name that alone makes its value a secret. */
const isSecret = (name: string) => maskLine(`${name}=x`).includes('<secret>')

const maskedLabel = (name: string, value: string) => (isSecret(name) ? '<secret>' : maskLine(value))

/** A container with its labels masked; nothing is kept but what the contract names. */
export function maskedContainer(container: Container): Container {
  const labels = Object.entries(container.labels)
    .slice(0, MOST_LABELS)
    .map(([name, value]): [string, string] => [visible(name), maskedLabel(name, value)])
  return Container.parse({
    ...container,
    key: visible(container.key),
    name: visible(container.name),
    image: visible(container.image),
    imageId: visible(container.imageId),
    composeProject: container.composeProject && visible(container.composeProject),
    composeService: container.composeService && visible(container.composeService),
    labels: Object.fromEntries(fitting(labels, LABELS_BYTES)),
  })
}

const TIMES: ReadonlySet<string> = new Set(['createdAt', 'startedAt'])

function shown(field: string, value: unknown): FieldChange['before'] {
  if (value === null || value === undefined) return null
  if (TIMES.has(field)) return new Date(Number(value)).toISOString()
  return typeof value === 'number' || typeof value === 'boolean' ? value : visible(String(value))
}

/** What of a container is not what it was when it last ran well, labels one by one. */
export function changesBetween(good: Container, now: Container): FieldChange[] {
  const fields = Object.keys(Container.shape).filter((field) => field !== 'labels') as (keyof Container)[]
  const changed = fields.flatMap((field) =>
    JSON.stringify(good[field]) === JSON.stringify(now[field])
      ? []
      : [{ field, before: shown(field, good[field]), after: shown(field, now[field]) }],
  )
  const names = [...new Set([...Object.keys(good.labels), ...Object.keys(now.labels)])].sort()
  const label = (name: string, value: string | undefined) => (value === undefined ? null : maskedLabel(name, value))
  const labels = names
    .filter((name) => good.labels[name] !== now.labels[name])
    .slice(0, MOST_LABELS)
    .map((name) => ({
      field: `labels.${visible(name)}`,
      before: label(name, good.labels[name]),
      after: label(name, now.labels[name]),
    }))
  return fitting([...changed, ...labels], CHANGES_BYTES)
}

export type Neighbour = { id: string; name: string; relation: 'project' | 'busy' }

/** Who may have to do with it: first those of its compose project, then the busiest of the host, each by CPU and memory. */
export function neighboursOf(containerId: string, project: string | null, tracked: readonly Tracked[]): Neighbour[] {
  const sum = (of: (one: Tracked) => number) => tracked.reduce((total, one) => total + of(one), 0) || 1
  const cpu = ({ sample }: Tracked) => sample?.cpuCores ?? 0
  const memory = ({ sample }: Tracked) => sample?.workingSetBytes ?? 0
  const [allCpu, allMemory] = [sum(cpu), sum(memory)]
  return tracked
    .filter(({ container, sample }) => container.id !== containerId && sample !== null)
    .map((one) => ({
      id: one.container.id,
      name: one.container.name,
      relation: (project !== null && one.container.composeProject === project
        ? 'project'
        : 'busy') as Neighbour['relation'],
      load: cpu(one) / allCpu + memory(one) / allMemory,
    }))
    .sort((a, b) => Number(b.relation === 'project') - Number(a.relation === 'project') || b.load - a.load)
    .slice(0, MOST_NEIGHBOURS)
    .map(({ id, name, relation }) => ({ id, name, relation }))
}

/** Bytes are whole; shares and cores need no more than four digits after the point. */
const rounded = (name: string, value: number | null) => {
  if (value === null || !Number.isFinite(value)) return null
  return name.includes('Bytes') ? Math.round(value) : Math.round(value * 1e4) / 1e4
}

/** The rows of one container out of a history of several. */
export function recordedSamples(
  history: History,
  stepMs: number,
  { id, name, relation }: { id: string; name: string; relation: RecordedSamples['relation'] },
): RecordedSamples {
  const owners = history.container as unknown as string[] | undefined
  const rows = history.at.flatMap((_, row) => (owners?.[row] === id ? [row] : []))
  const column = (column: string) => rows.map((row) => rounded(column, history[column]?.[row] ?? null))
  return {
    containerId: id,
    containerName: visible(name),
    relation,
    stepMs,
    at: rows.map((row) => history.at[row]!),
    ...(Object.fromEntries(COLUMNS.map((name) => [name, column(name)])) as Record<
      (typeof COLUMNS)[number],
      (number | null)[]
    >),
  }
}

/** The first series that fit: the container's own comes first. */
export const fittingSamples = (series: readonly RecordedSamples[]) => fitting(series, SAMPLES_BYTES)

/** The newest events that fit. */
export const fittingEvents = (events: readonly EngineEvent[]) => newestFitting(events, EVENTS_BYTES)
