import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { z } from 'zod'
import { IncidentView, SampleColumns } from './contracts/api.ts'
import { Incident } from './contracts/incident.ts'
import { AppError, messageOf, StoreError } from './errors.ts'
import type { StoredIncident, StoredSample } from './runbook-moments.ts'
import { openArchive } from './store/archive.ts'
import { archiveFolderOf, openDatabase } from './store/database.ts'
import { readHistory } from './store/history.ts'
import { createIncidentStore } from './store/incidents.ts'
import { DEFAULT_TIERS } from './store/tiers.ts'

/** What is stored, and what a person must know of how it was read. */
export type StoredPast = { stored: StoredIncident[]; notes: string[] }

const DATABASE = 'dockerpulse.duckdb'
const MEMORY_MEGABYTES = 128
const PAGE = 200

/** What an incident is looked at for: one that stays open for weeks says nothing new. */
const LOOKED_AT_MS = 3_600_000

/** A service that writes its database just now has done so within this time, as a rule. */
const ATTEMPTS = 20
const BETWEEN_ATTEMPTS_MS = 100

const stateOf = (path: string): string => {
  const { ino, size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { ino: 0, size: 0, mtimeMs: 0 }
  return `${ino} ${size} ${mtimeMs}`
}

/** Copies database and log as they are at one moment: again where somebody wrote meanwhile. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const files = ['', '.wal'].map((end) => ({ from: `${from}${end}`, to: `${to}${end}` }))
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = files.map((file) => stateOf(file.from)).join()
    for (const file of files) {
      rmSync(file.to, { force: true })
      if (existsSync(file.from)) copyFileSync(file.from, file.to)
    }
    if (files.map((file) => stateOf(file.from)).join() === before) return
    await pause(BETWEEN_ATTEMPTS_MS)
  }
  throw new StoreError(
    `${from} is in use and is written all the time: no whole copy could be made. Ask the running service with --url.`,
  )
}

/** By a link where the file system allows it, else a copy; not at all where it was removed meanwhile. */
function bring(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    if (existsSync(from)) copyFileSync(from, to)
  }
}

/** The archive's files: never written in place, so that setting a link aside or removing it leaves them as they are. */
function bringArchive(from: string, to: string): void {
  for (const { name } of DEFAULT_TIERS) {
    mkdirSync(join(to, name), { recursive: true })
    const folder = join(from, name)
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder).filter((one) => one.endsWith('.parquet')))
      bring(join(folder, file), join(to, name, file))
  }
}

const rangeOf = ({ openedAt, closedAt }: Incident, nowMs: number) => ({
  fromMs: openedAt,
  toMs: Math.max(openedAt + 1000, Math.min(closedAt ?? nowMs, openedAt + LOOKED_AT_MS)),
})

type Column = Exclude<keyof StoredSample, 'at'>
type Columns = { at: readonly number[] } & { readonly [name in Column]?: readonly (number | null)[] }

function rowsOf(columns: Columns): StoredSample[] {
  const value = (name: Column, row: number) => columns[name]?.[row] ?? null
  return columns.at.map((at, row) => ({
    at,
    probability: value('probability', row),
    cpuCores: value('cpuCores', row),
    workingSetBytes: value('workingSetBytes', row),
    throttledShare: value('throttledShare', row),
  }))
}

/** Pages of incidents, newest first, until one is older than asked for. */
async function since(fromMs: number, page: (offset: number) => Promise<Incident[]>): Promise<Incident[]> {
  const incidents = new Map<string, Incident>()
  for (let offset = 0; ; offset += PAGE) {
    const some = await page(offset)
    for (const incident of some) if (incident.openedAt >= fromMs) incidents.set(incident.id, incident)
    if (some.length < PAGE || some.some(({ openedAt }) => openedAt < fromMs)) return [...incidents.values()]
  }
}

/**
 * The incidents of a data folder since `fromMs` with the samples stored of each, up to an hour. A running service holds
 * its database alone, so a copy in a temporary folder is read; the data folder is neither locked nor written.
 */
export async function readDataFolder(options: {
  dataFolder: string
  fromMs: number
  nowMs: number
}): Promise<StoredPast> {
  const { dataFolder, fromMs, nowMs } = options
  const original = join(dataFolder, DATABASE)
  if (!existsSync(original))
    throw new StoreError(`there is no database in ${dataFolder}: give the service's data folder with --data`)
  const scratch = mkdtempSync(join(tmpdir(), 'dockerpulse-trial-'))
  try {
    const path = join(scratch, DATABASE)
    await copyDatabase(original, path)
    bringArchive(archiveFolderOf(original), archiveFolderOf(path))
    const now = () => nowMs
    await using database = await openDatabase({ path, memoryLimitMegabytes: MEMORY_MEGABYTES, now })
    const archive = await openArchive({ database, folder: archiveFolderOf(path), tiers: DEFAULT_TIERS, now })
    const incidents = createIncidentStore(database)
    const stored: StoredIncident[] = []
    for (const incident of await since(fromMs, (offset) => incidents.list({ limit: PAGE, offset }))) {
      const { seen } = await readHistory(
        { database, archive, tiers: DEFAULT_TIERS, nowMs },
        { containerIds: [incident.containerId], ...rangeOf(incident, nowMs), stepMs: 1000, horizonMs: 0 },
      )
      stored.push({ incident, samples: rowsOf(seen) })
    }
    const repairs = [...database.repairs, ...archive.repairs].map((text) => `in the copy that was read: ${text}`)
    return { stored, notes: repairs }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

const msOf = (time: string): number => Date.parse(time)
const msOrNull = (time: string | null): number | null => (time === null ? null : msOf(time))

/** An incident as it is stored, from how the API shows it. */
export function incidentOf(view: IncidentView): Incident {
  const { actions, history, explanation, snapshot } = view
  return Incident.parse({
    ...view,
    openedAt: msOf(view.openedAt),
    closedAt: msOrNull(view.closedAt),
    actions: actions.map((action) => ({
      ...action,
      at: msOf(action.at),
      startedAt: msOrNull(action.startedAt),
      finishedAt: msOrNull(action.finishedAt),
    })),
    history: history.map((entry) => ({ ...entry, at: msOf(entry.at) })),
    explanation: explanation === null ? null : { ...explanation, at: msOf(explanation.at) },
    snapshot: { ...snapshot, at: msOf(snapshot.at), startedAt: msOrNull(snapshot.startedAt) },
  })
}

const REQUEST_TIMEOUT_MS = 30_000

/** The same from the API of a running service. */
export async function readService(options: {
  url: string
  token: string | undefined
  fromMs: number
  nowMs: number
}): Promise<StoredPast> {
  const { url, token, fromMs, nowMs } = options
  const ask = async <Answer>(path: string, schema: z.ZodType<Answer>): Promise<Answer | null> => {
    const response = await fetch(new URL(path, url), {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      redirect: 'error',
    }).catch((error: unknown) => {
      throw new AppError(`${url} cannot be reached: ${messageOf(error)}`)
    })
    if (response.status === 404) return null
    if (response.status === 401) throw new AppError(`${url} needs its token: set DOCKERPULSE_TOKEN`)
    if (!response.ok) throw new AppError(`${url} answered ${path} with ${response.status}`)
    const { data, success } = schema.safeParse(await response.json().catch(() => undefined))
    if (!success) throw new AppError(`${url} answered ${path} as no DockerPulse of this version does`)
    return data
  }
  const stored: StoredIncident[] = []
  const page = async (offset: number) => {
    const views = await ask(`/api/incidents?limit=${PAGE}&offset=${offset}`, IncidentView.array())
    if (views === null) throw new AppError(`${url} has no incidents to give: is it a DockerPulse?`)
    return views.map(incidentOf)
  }
  let without = 0
  for (const incident of await since(fromMs, page)) {
    const range = rangeOf(incident, nowMs)
    const query = `from=${new Date(range.fromMs).toISOString()}&to=${new Date(range.toMs).toISOString()}&step=1000`
    const columns = await ask(`/api/containers/${incident.containerId}/samples?${query}`, SampleColumns)
    if (columns === null) without += 1
    stored.push({ incident, samples: columns === null ? [] : rowsOf(columns) })
  }
  const what = without === 1 ? 'has no samples any more: only its' : 'have no samples any more: only their'
  return { stored, notes: without === 0 ? [] : [`${without} of the incidents ${what} story was looked at`] }
}
