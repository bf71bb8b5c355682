import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { verifyLog } from '../server/audit/verification.ts'
import type { IncidentView } from '../server/contracts/api.ts'
import { needs } from '../server/fixtures/needs.ts'
import { canMount, smallDisk } from '../server/fixtures/small-disk.ts'
import { containerSpec, MIB } from './container-spec.ts'
import type { Fault } from './faults.ts'
import { createMemoryLog, eventually, openTestService, type TestService } from './service-harness.ts'
import { openSimulatedEngine } from './simulated-engine.ts'

const PATIENCE_MS = 30_000
/** At eight times the speed two minutes of the service's own. */
const SOON_MS = 15_000
const HOUR_MS = 3_600_000

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-sim-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let sockets = 0

async function openShop(options: { mode: string; speed: number; startAtMs?: number }) {
  const { mode, ...timing } = options
  const engine = await openSimulatedEngine({
    socketPath: join(folder, `engine-${++sockets}.sock`),
    containers: [
      containerSpec({
        name: 'shop',
        memoryLimitBytes: 256 * MIB,
        restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
        healthCheck: {
          test: ['CMD', 'true'],
          intervalSeconds: 2,
          timeoutSeconds: 1,
          startPeriodSeconds: 0,
          retries: 2,
        },
      }),
    ],
    faults: 'none',
    ...timing,
  })
  const disk = smallDisk(24)
  const log = createMemoryLog()
  const service = await openTestService({
    dockerHost: engine.dockerHost,
    dataFolder: disk.folder,
    clock: engine.clock,
    env: { DOCKERPULSE_MODE: mode },
    log,
  })
  const id = engine.idOf('shop')
  const restarts = vi.spyOn(engine.host, 'restart')
  const parts = { engine, disk, service, log, id, restarts }
  const stored = async () => {
    const answer = await service.get<{ at?: number[] }>(`/api/containers/${id}/samples`)
    return answer.at ?? []
  }
  /** What the page shows at once, whatever the disk has. */
  const shown = async (): Promise<IncidentView[]> => {
    const { body } = await fetch(`${service.url}/api/live`)
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.includes('\n\n')) text += (await reader.read()).value
    await reader.cancel()
    return JSON.parse(/^data: (.*)$/m.exec(text)![1]!).incidents
  }
  await eventually('samples', PATIENCE_MS, async () => (await stored()).length >= 3)
  return { ...parts, stored, shown }
}

type Shop = Awaited<ReturnType<typeof openShop>>

const leak = (mibPerSecond: number): Fault => ({
  kind: 'leak',
  container: 'shop',
  startSeconds: 0,
  bytesPerSecond: mibPerSecond * MIB,
})

const dropsSamples = (service: TestService) =>
  eventually('samples dropped', PATIENCE_MS, async () => {
    const { store } = await service.status()
    return store.state === 'down' && store.droppedSamples > 0 && /no space left/i.test(store.detail)
  })

async function storesSamples({ engine, service, stored }: Shop): Promise<void> {
  const fromMs = engine.clock.now()
  await eventually('samples stored again', PATIENCE_MS, async () => {
    const { store } = await service.status()
    return store.state === 'ok' && (await stored()).some((at) => at > fromMs)
  })
}

/** Begins and ends while the disk is full. */
async function goThroughAnIncident({ disk, engine, service, shown }: Shop): Promise<void> {
  disk.fill()
  await dropsSamples(service)
  engine.inject(leak(10))
  await eventually('an incident and its end', PATIENCE_MS, async () =>
    (await shown()).some(({ phase }) => phase === 'resolved'),
  )
}

describe.skipIf(!needs('the right to mount a tmpfs', canMount()))(
  'on a full disk',
  { timeout: PATIENCE_MS * 4 },
  () => {
    test('nothing is done that cannot be written down, all of it is said, and samples are stored again when there is space', async () => {
      const shop = await openShop({ mode: 'auto', speed: 8 })
      const { disk, service, log } = shop
      await using _engine = shop.engine
      await using _service = service
      disk.fill()
      await dropsSamples(service)
      expect((await fetch(`${service.url}/api/ready`)).status).toBe(503)

      shop.engine.inject(leak(5))
      const refused = await eventually('the refusal', PATIENCE_MS, async () =>
        (await shop.shown()).find(({ actions }) => actions.some(({ state }) => state === 'refused')),
      )
      // The intent may find room in the file's last page; the signature, which must come before the deed, does not.
      expect(refused.history.map(({ text }) => text)).toContainEqual(
        expect.stringMatching(/^not done: the .*audit log/),
      )
      await eventually('the kernel in its stead', PATIENCE_MS, async () =>
        (await shop.shown())[0]?.history.some(({ text }) => text.includes('kernel killed')),
      )
      expect(shop.restarts).not.toHaveBeenCalled()
      const { audit } = await service.status()
      expect(audit).toMatchObject({
        state: 'down',
        detail: expect.stringContaining('nothing is done to any container'),
      })
      for (const said of ['audit entry could not be written', 'incident could not be stored'])
        expect(log.lines).toContainEqual(expect.objectContaining({ level: 'error', message: said }))
      expect((await fetch(`${service.url}/api/health`)).status).toBe(200)
      await eventually('it still looks', PATIENCE_MS, async () => (await service.containers())[0]?.freshness === 'live')

      disk.free()
      await storesSamples(shop)
      expect(verifyLog(join(disk.folder, 'audit'))).toMatchObject({ problem: null })
    })

    test('what happened meanwhile is stored without waiting for the next incident', async () => {
      const shop = await openShop({ mode: 'observe', speed: 8 })
      await using _engine = shop.engine
      await using service = shop.service
      await goThroughAnIncident(shop)
      shop.disk.free()
      await storesSamples(shop)
      await eventually('the incident stored', SOON_MS, async () => (await service.incidents()).length === 1)
    })

    test('the audit log is said to be well again without waiting for the next entry', async () => {
      const shop = await openShop({ mode: 'observe', speed: 8 })
      await using _engine = shop.engine
      await using service = shop.service
      await goThroughAnIncident(shop)
      expect((await service.status()).audit.state).toBe('down')
      shop.disk.free()
      await storesSamples(shop)
      await eventually('the audit log ok', SOON_MS, async () => (await service.status()).audit.state === 'ok')
      expect(verifyLog(join(shop.disk.folder, 'audit'))).toMatchObject({ ok: true, problem: null })
    })

    test('an approved action is refused, and the next one is carried out when there is space again', async () => {
      const shop = await openShop({ mode: 'approve', speed: 4 })
      const { disk, service } = shop
      await using _engine = shop.engine
      await using _service = service
      const proposal = (but?: string) =>
        eventually('a proposal', PATIENCE_MS, async () =>
          (await shop.shown())
            .flatMap(({ actions }) => actions)
            .find(({ id, state }) => state === 'proposed' && id !== but),
        )
      // It stays so until it is restarted: there is time for two proposals.
      shop.engine.inject({ kind: 'hang', container: 'shop', startSeconds: 0 })
      const first = await proposal()
      disk.fill()
      await dropsSamples(service)
      await service.post(`/api/actions/${first.id}/approve`, {})
      await eventually('the refusal', PATIENCE_MS, async () =>
        (await shop.shown())[0]?.actions.some(({ id, state }) => id === first.id && state === 'refused'),
      )
      expect(shop.restarts).not.toHaveBeenCalled()
      const second = await proposal(first.id)
      disk.free()
      await storesSamples(shop)
      await service.post(`/api/actions/${second.id}/approve`, {})
      const incident = await eventually('the answer carried out', PATIENCE_MS, async () =>
        (await shop.shown()).find(({ actions }) =>
          actions.some(({ id, state }) => id === second.id && state !== 'proposed' && state !== 'executing'),
        ),
      )
      expect(incident.actions.map(({ state }) => state)).toEqual(['refused', 'executed'])
      expect(shop.restarts).toHaveBeenCalledTimes(1)
    })

    test('an hour that cannot be archived stays whole in the database, and is archived when there is space again', async () => {
      const startAtMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 60_000
      const shop = await openShop({ mode: 'auto', speed: 20, startAtMs })
      const { disk, service, log } = shop
      await using _engine = shop.engine
      await using _service = service
      const hour = Math.floor(startAtMs / HOUR_MS) * HOUR_MS
      const ofHour = async () => (await shop.stored()).filter((at) => at < hour + HOUR_MS)
      await eventually('the next hour', PATIENCE_MS, async () => shop.engine.clock.now() > hour + HOUR_MS + 2_000)
      const before = await ofHour()
      disk.fill()
      await eventually('the archive refused', PATIENCE_MS, async () =>
        log.lines.some(({ message }) => message === 'archive could not be written'),
      )
      expect(await ofHour()).toEqual(before)
      disk.free()
      const raw = () => readdirSync(join(disk.folder, 'history/raw'))
      await eventually('the hour archived', PATIENCE_MS, async () => raw().length > 0)
      await eventually('all well', PATIENCE_MS, async () => (await service.status()).store.state === 'ok')
      expect(raw()).toEqual([expect.stringMatching(/^[-\dT]+\.parquet$/)])
      expect(await ofHour()).toEqual(before)
    })
  },
)
