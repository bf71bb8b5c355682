import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { entriesOfIncident, verifyLog } from '../server/audit/verification.ts'
import { Recording, type RecordingEntry } from '../server/contracts/black-box.ts'
import { needs } from '../server/fixtures/needs.ts'
import { canMount, smallDisk } from '../server/fixtures/small-disk.ts'
import { containerSpec, MIB } from './container-spec.ts'
import { openRealEngine } from './real-engine.ts'
import { createMemoryLog, eventually, openTestService } from './service-harness.ts'
import { openSimulatedEngine } from './simulated-engine.ts'

const PATIENCE_MS = 60_000

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-sim-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let sockets = 0

const IN_WEBSHOP = { 'com.docker.compose.project': 'webshop' }

/** A shop that leaks beside a calm database of its project. */
const openShop = (speed: number) =>
  openSimulatedEngine({
    socketPath: join(folder, `engine-${++sockets}.sock`),
    speed,
    containers: [
      containerSpec({
        name: 'shop',
        labels: IN_WEBSHOP,
        memoryLimitBytes: 256 * MIB,
        restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
      }),
      containerSpec({ name: 'db', labels: IN_WEBSHOP }),
    ],
    faults: [{ kind: 'leak', container: 'shop', startSeconds: 20, bytesPerSecond: 5 * MIB }],
  })

/** What the audit log on the disk says, in its order. */
const eventsIn = (auditFolder: string): string[] =>
  readdirSync(auditFolder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort()
    .flatMap((name) => readFileSync(join(auditFolder, name), 'utf8').split('\n'))
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line).event]))

describe('on the simulated engine', { timeout: PATIENCE_MS * 2 }, () => {
  test('an incident leaves a recording of its opening, and a forced restart one of what was to be seen before the engine is asked', async () => {
    await using engine = await openShop(4)
    await using service = await openTestService({
      dockerHost: engine.dockerHost,
      clock: engine.clock,
      env: { DOCKERPULSE_MODE: 'auto' },
    })
    const auditFolder = join(service.dataFolder, 'audit')
    const restart = engine.host.restart.bind(engine.host)
    let writtenBefore: string[] = []
    vi.spyOn(engine.host, 'restart').mockImplementation((...call) => {
      writtenBefore = verifyLog(auditFolder).ok ? eventsIn(auditFolder) : []
      return restart(...call)
    })
    const incident = await eventually('a verified restart', PATIENCE_MS, async () =>
      (await service.incidents()).find(({ actions }) => actions.some(({ state }) => state === 'verified')),
    )
    const { id } = incident
    // The life that was ended, not the one that the restart began.
    const startedAt = Date.parse(incident.snapshot.startedAt!)
    const entries = await service.get<RecordingEntry[]>(`/api/incidents/${id}/black-box`)
    expect(entries.map(({ moment }) => moment)).toEqual(['opened', 'before-action'])
    const written = entriesOfIncident(auditFolder, id)
    for (const { number, sha256 } of entries) {
      const text = await (await fetch(`${service.url}/api/incidents/${id}/black-box/${number}`)).text()
      expect(createHash('sha256').update(text).digest('hex')).toBe(sha256)
      expect(written).toContainEqual(
        expect.objectContaining({ event: 'evidence.kept', incidentId: id, evidenceHashes: [sha256] }),
      )
      const recording = Recording.parse(JSON.parse(text))
      expect(recording).toMatchObject({ incidentId: id, containerName: 'shop', container: { startedAt } })
    }
    expect(written.filter(({ event }) => event === 'evidence.kept').at(-1)?.actionId).not.toBeNull()
    expect(writtenBefore).toContain('action.intended')
    expect(writtenBefore).not.toContain('action.executed')
    const report = await service.get<string>(`/api/incidents/${id}/report.html`)
    for (const { sha256 } of entries) expect(report).toContain(sha256)
  })
})

describe.skipIf(!needs('the right to mount a tmpfs', canMount()))(
  'on a full disk',
  { timeout: PATIENCE_MS * 2 },
  () => {
    test('a recording that cannot be kept is said, the loop goes on, and it is kept when there is space again', async () => {
      await using engine = await openShop(8)
      const disk = smallDisk(24)
      const log = createMemoryLog()
      await using service = await openTestService({
        dockerHost: engine.dockerHost,
        dataFolder: disk.folder,
        clock: engine.clock,
        env: { DOCKERPULSE_MODE: 'observe' },
        log,
      })
      await eventually('a reading', PATIENCE_MS, async () => (await service.containers())[0]?.freshness === 'live')
      disk.fill()
      await eventually('an incident', PATIENCE_MS, async () =>
        (await service.containers()).some(({ openIncidentId }) => openIncidentId !== null),
      )
      const said = await eventually('it is said', PATIENCE_MS, async () =>
        log.lines.find(({ message }) => message === 'black box could not be kept'),
      )
      expect(said.fields).toMatchObject({ lost: 1, reason: expect.stringMatching(/no space left/i) })
      await eventually('the loop', PATIENCE_MS, async () => (await service.containers())[0]?.freshness === 'live')
      disk.free()
      const { id } = await eventually('the incident', PATIENCE_MS, async () => (await service.incidents())[0])
      await eventually('its recording', PATIENCE_MS, async () => {
        const [opened] = await service.get<RecordingEntry[]>(`/api/incidents/${id}/black-box`)
        return opened?.moment === 'opened' && opened.problem === null
      })
    })
  },
)

/** Says a secret, then leaks 4 MiB a second. */
const LEAK =
  'echo "started with password=hunter2"; echo "heap grows"; ' +
  'exec awk \'BEGIN { for (i = 0; ; i++) { a[i] = sprintf("%4194304s", "x"); system("sleep 1") } }\''

const real = await openRealEngine()
afterAll(async () => {
  await real?.[Symbol.asyncDispose]()
})

describe.skipIf(real === null)('on a real engine', { timeout: PATIENCE_MS * 3 }, () => {
  test('the black box of a leaking container holds its logs, its processes and its last quarter of an hour', async () => {
    const { dockerHost, run } = real!
    await using service = await openTestService({ dockerHost, env: { DOCKERPULSE_MODE: 'observe' } })
    const id = await run({
      command: ['sh', '-c', LEAK],
      memoryBytes: 128 * MIB,
      labels: { 'dockerpulse.mode': 'shadow', 'api.token': 'mellon' },
    })
    const incident = await eventually('an incident', PATIENCE_MS, async () =>
      (await service.incidents()).find(({ containerId }) => containerId === id),
    )
    const path = `/api/incidents/${incident.id}/black-box`
    await eventually('its recording', PATIENCE_MS, async () => (await service.get<RecordingEntry[]>(path)).length > 0)
    const text = JSON.stringify(await service.get(`${path}/1`))
    const recording = Recording.parse(JSON.parse(text))
    expect(recording).toMatchObject({ containerId: id, moment: 'opened', container: { memoryLimitBytes: 128 * MIB } })
    expect(recording.logTail).toEqual(['started with password=<secret>', 'heap grows'])
    // A busy host may not list them in time; then that is said.
    if (!recording.missing.some((text) => text.startsWith('processes: not read within')))
      expect(recording.processes?.processes.flat().join(' ')).toContain('awk')
    expect(recording.samples[0]?.workingSetBytes.length).toBeGreaterThan(3)
    expect(recording.events.map(({ kind }) => kind)).toContain('start')
    expect(text).not.toMatch(/hunter2|mellon/)
  })
})
