import { gunzipSync, gzipSync } from 'node:zlib'
import { type Container, EngineEvent, Sample } from '../../server/contracts/telemetry.ts'
import type { FailureSign } from '../drill/failure-signs.ts'
import type { RunPlan } from './run-plan.ts'

/** What of an inspection a recording keeps. */
export type Facts = Pick<
  Container,
  'state' | 'health' | 'healthFailingStreak' | 'startedAt' | 'exitCode' | 'oomKilled' | 'restartCount'
>

export type RunHeader = Pick<RunPlan, 'family' | 'kind' | 'use' | 'seed' | 'parameters'> & {
  containerId: string
  name: string
  image: string
  memoryLimitBytes: number
  cpuLimitCores: number | null
  pidsLimit: number | null
  engine: string
  beganAt: number
  endedAt: number
  /** Why the recording ended: its time was up, or the container had ended for good. */
  end: 'time' | 'ended' | 'failed'
  /** By the kernel's and the engine's signs, epoch milliseconds. */
  failures: { sign: FailureSign; at: number }[]
}

/** One thing that was seen, in the order of time in which it was. */
export type Happening =
  | { seen: 'sample'; sample: Sample }
  | { seen: 'event'; at: number; event: EngineEvent }
  | { seen: 'facts'; at: number; facts: Facts }

export type Run = { header: RunHeader; happenings: Happening[] }

type SampleColumn = Exclude<keyof Sample, 'containerId'>
const COLUMNS = Object.keys(Sample.shape).filter((name) => name !== 'containerId') as SampleColumn[]

/** Shares and rates to six figures: the seventh is noise, and costs. Bytes and counts are whole numbers anyway. */
const rounded = (value: number | null) =>
  value === null || Number.isInteger(value) ? value : Number(value.toPrecision(6))

/** A run as gzipped JSON lines: the header with the names of the columns, a row for each sample, an object for the rest. */
export function packRun({ header, happenings }: Run): Buffer {
  const lines = happenings.map((one) =>
    one.seen === 'sample'
      ? COLUMNS.map((column) => rounded(one.sample[column]))
      : one.seen === 'event'
        ? { at: one.at, event: { ...one.event, containerId: undefined, name: undefined } }
        : { at: one.at, facts: one.facts },
  )
  return gzipSync([{ ...header, columns: COLUMNS }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join(''), {
    level: 9,
  })
}

/** The run of a file that `packRun` made. Columns that this version does not know are left out, missing ones are unknown. */
export function unpackRun(file: Buffer): Run {
  const [first = '', ...lines] = gunzipSync(file).toString('utf8').trimEnd().split('\n')
  const { columns, ...header } = JSON.parse(first) as RunHeader & { columns: string[] }
  const unknown = Object.fromEntries(COLUMNS.map((column) => [column, null]))
  const happenings = lines.map((line): Happening => {
    const parsed = JSON.parse(line)
    if (Array.isArray(parsed)) {
      const values = Object.fromEntries(columns.map((column, index) => [column, parsed[index]]))
      return { seen: 'sample', sample: { ...unknown, ...values, containerId: header.containerId } as Sample }
    }
    if ('event' in parsed) {
      const event = EngineEvent.parse({ ...parsed.event, containerId: header.containerId, name: header.name })
      return { seen: 'event', at: parsed.at, event }
    }
    return { seen: 'facts', at: parsed.at, facts: parsed.facts }
  })
  return { header, happenings }
}
