import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { aRunbook } from './decide/runbook-stand-in.ts'
import { temporaryFolder } from './fixtures/temporary-folder.ts'
import { incidentOf, readDataFolder, readService } from './runbook-history.ts'
import { tryRunbook } from './runbook-trial.ts'
import { openArchive } from './store/archive.ts'
import { archiveFolderOf, openDatabase } from './store/database.ts'
import { createIncidentStore } from './store/incidents.ts'
import { openSampleStore } from './store/samples.ts'
import { idOf, incident, observation, uuidOf } from './store/stand-ins.ts'
import { DEFAULT_TIERS } from './store/tiers.ts'
import { incidentView } from './views.ts'

const HOUR_MS = 3_600_000
const START = 1_700_000_000_000 - (1_700_000_000_000 % HOUR_MS)
const MIB = 1024 ** 2

const story = (at: number) => [
  { at, event: 'incident.opened', text: 'memory grows' },
  { at: at + 60_000, event: 'incident.resolved', text: 'the risk passed by itself' },
]

const { snapshot } = incident(0)
const ofTime = (number: number, openedAt: number) =>
  incident(number, {
    openedAt,
    closedAt: openedAt + 60_000,
    phase: 'resolved',
    ending: 'passed',
    history: story(openedAt),
    snapshot: { ...snapshot, memoryLimitBytes: 64 * MIB },
  })

/** The folder of a service that runs and holds its database: two hours, the first of them in the archive already. */
async function runningService() {
  const folder = temporaryFolder()
  const path = join(folder, 'dockerpulse.duckdb')
  let nowMs = START
  const now = () => nowMs
  const database = await openDatabase({ path, memoryLimitMegabytes: 64, now })
  const samples = await openSampleStore(database, folder)
  onTestFinished(async () => {
    await samples[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })
  const archive = await openArchive({ database, folder: archiveFolderOf(path), tiers: DEFAULT_TIERS, now })
  const append = async (from: number, probability: number) => {
    for (let at = from; at < from + 60_000; at += 1000)
      await samples.append(at, [observation(1, at, { workingSetBytes: 48 * MIB }, { probability })])
  }
  const incidents = createIncidentStore(database)
  await append(START + 1000, 0.9)
  await incidents.save(ofTime(1, START))
  nowMs = START + 2 * HOUR_MS
  await samples.flush()
  await archive.rollUp()
  await append(nowMs, 0.95)
  await incidents.save(ofTime(2, nowMs))
  await incidents.save(ofTime(3, START - 100 * HOUR_MS))
  await samples.flush()
  return { folder, archive, nowMs: nowMs + 120_000 }
}

const bytesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => [
      join(entry.parentPath, entry.name),
      readFileSync(join(entry.parentPath, entry.name)).toString('hex'),
    ])
    .sort()

test('a folder on which a service runs is read whole, archive and database, and nothing in it changes', async () => {
  const { folder, archive, nowMs } = await runningService()
  expect(archive.pieces().length).toBeGreaterThan(0)
  const before = bytesOf(folder)
  const { stored, notes } = await readDataFolder({ dataFolder: folder, fromMs: START, nowMs })
  expect(notes).toEqual([])
  expect(bytesOf(folder)).toEqual(before)
  expect(stored.map(({ incident: { id }, samples }) => [id, samples.length])).toEqual([
    [uuidOf(2), 60],
    [uuidOf(1), 60],
  ])
  expect(stored[1]?.samples[0]).toEqual({
    at: START + 1000,
    probability: expect.closeTo(0.9),
    cpuCores: expect.closeTo(0.5),
    workingSetBytes: 48 * MIB,
    throttledShare: 0,
  })
  const runbook = aRunbook({ conditions: [{ fact: 'memoryShareOfLimit', atLeast: 0.75 }] })
  expect(tryRunbook(runbook, stored).firings.map(({ at, verdict }) => [at, verdict])).toEqual([
    [START + 1000, 'wrong'],
    [START + 2 * HOUR_MS + 1000, 'wrong'],
  ])
})

test('a damaged file of the archive is said, and stays where it is', async () => {
  const { folder, archive, nowMs } = await runningService()
  const { tier, file } = archive.pieces().find((piece) => piece.tier === 'raw')!
  const path = join(folder, 'history', tier, file)
  writeFileSync(path, 'broken')
  const { stored, notes } = await readDataFolder({ dataFolder: folder, fromMs: START, nowMs })
  expect(notes.join()).toContain(file)
  expect(stored).toHaveLength(2)
  expect(readFileSync(path, 'utf8')).toBe('broken')
})

test('a folder without a database is said', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'history'))
  await expect(readDataFolder({ dataFolder: folder, fromMs: 0, nowMs: 1 })).rejects.toThrow(
    /there is no database in .* --data/,
  )
})

/** A service that knows its token, one incident of a container with samples and one of a container without. */
async function api(incidents: ReturnType<typeof ofTime>[]): Promise<string> {
  const column = (value: number | null) => [value, value]
  const server = createServer(({ url = '', headers }, response) => {
    const reply = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body))
    if (headers.authorization !== 'Bearer secret') return reply(401, {})
    if (url.startsWith('/api/incidents?limit=200&offset=0')) return reply(200, incidents.map(incidentView))
    if (!url.includes(idOf(1))) return reply(404, {})
    const names = /from=(.*)&to=(.*)&step=1000/.exec(url)
    return reply(200, { ...COLUMNS, from: names?.[1], to: names?.[2], probability: column(0.9), cpuCores: column(0.5) })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const empty = [null, null]
const AHEAD = {
  cpuCoresForecast: [],
  cpuCoresLower: [],
  cpuCoresUpper: [],
  memoryBytesForecast: [],
  memoryBytesLower: [],
  memoryBytesUpper: [],
}
const COLUMNS = {
  containerId: idOf(1),
  stepMs: 1000,
  forecastHorizonMs: 60_000,
  memoryLimitBytes: null,
  cpuLimitCores: null,
  tier: 'raw',
  at: [START, START + 1000],
  ahead: { at: [], ...AHEAD },
  ...Object.fromEntries(
    [
      ...['cpuCoresMin', 'cpuCoresMax', 'cpuCoresP95', 'workingSetBytes', 'workingSetBytesMin', 'workingSetBytesMax'],
      ...['workingSetBytesP95', 'throttledShare', 'networkReceiveBytesPerSecond', 'networkTransmitBytesPerSecond'],
      ...['blockReadBytesPerSecond', 'blockWriteBytesPerSecond', 'cpuPressureSomeShare', 'memoryPressureSomeShare'],
      ...['ioPressureSomeShare', ...Object.keys(AHEAD)],
    ].map((name) => [name, empty]),
  ),
}

test('a running service is asked instead, and what it has no more is said', async () => {
  const url = await api([ofTime(1, START), { ...ofTime(2, START - 1000), containerId: idOf(2) }])
  const period = { fromMs: START - 5000, nowMs: START + HOUR_MS }
  const { stored, notes } = await readService({ url, token: 'secret', ...period })
  expect(stored.map(({ samples }) => samples.map(({ probability }) => probability))).toEqual([[0.9, 0.9], []])
  expect(stored[0]?.incident).toEqual(ofTime(1, START))
  expect(notes).toEqual(['1 of the incidents has no samples any more: only its story was looked at'])
  await expect(readService({ url, token: undefined, ...period })).rejects.toThrow(/DOCKERPULSE_TOKEN/)
  await expect(readService({ url: 'http://127.0.0.1:1', token: undefined, ...period })).rejects.toThrow(
    /cannot be reached/,
  )
})

test('an incident of the API is the one that is stored', () => {
  const original = ofTime(7, START)
  expect(incidentOf(incidentView(original))).toEqual(original)
})
