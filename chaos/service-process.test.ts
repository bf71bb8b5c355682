import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyLog } from '../server/audit/verification.ts'
import { openDatabase } from '../server/store/database.ts'
import { MIB } from './container-spec.ts'
import { demoFleet } from './fleet.ts'
import { eventually } from './service-harness.ts'
import { startServiceProcess as start } from './service-process.ts'
import { openSimulatedEngine, type SimulatedEngine } from './simulated-engine.ts'

const PATIENCE_MS = 40_000

const batchesIn = async (dataFolder: string): Promise<number> => {
  await using database = await openDatabase({
    path: join(dataFolder, 'dockerpulse.duckdb'),
    memoryLimitMegabytes: 128,
    now: Date.now,
  })
  expect(database.repairs).toEqual([])
  const reader = await database.read((connection) =>
    connection.runAndReadAll('SELECT count(*), coalesce(max(batch), 0) FROM batches'),
  )
  const [count, newest] = reader.getRows()[0]!.map(Number)
  expect(newest).toBe(count)
  return count!
}

describe('the service as a process', { timeout: PATIENCE_MS * 2 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-process-'))
  let engine: SimulatedEngine
  beforeAll(async () => {
    engine = await openSimulatedEngine({
      socketPath: join(folder, 'engine.sock'),
      containers: demoFleet(12),
      faults: [{ kind: 'leak', container: 'webshop-shop-api-1', startSeconds: 0, bytesPerSecond: 12 * MIB }],
    })
  })
  afterAll(async () => {
    await engine[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  const env = (name: string) => ({ DOCKER_HOST: engine.dockerHost, DOCKERPULSE_DATA: join(folder, name) })
  const samplesStored = async (url: string): Promise<number> => {
    const response = await fetch(`${url}/api/containers/${engine.idOf('webshop-nginx-1')}/samples`)
    return response.ok ? ((await response.json()) as { at: number[] }).at.length : 0
  }

  test('on SIGTERM it ends with exit code 0 and everything written', async () => {
    const service = await start(env('term'))
    await eventually('samples', PATIENCE_MS, async () => (await samplesStored(service.url)) >= 3)
    const open = await fetch(`${service.url}/api/live`)
    expect(open.status).toBe(200)
    service.child.kill('SIGTERM')
    expect(await service.exit).toBe(0)
    await open.body?.cancel().catch(() => {})
    expect(await batchesIn(join(folder, 'term'))).toBeGreaterThanOrEqual(3)
    expect(verifyLog(join(folder, 'term', 'audit'))).toMatchObject({ ok: true, problem: null })
  })

  test('kill -9 at any moment loses at most the last second of samples and no audit entry, and it opens again', async () => {
    const data = join(folder, 'killed')
    let stored = 0
    let entries = 0
    for (let round = 0; round < 4; round++) {
      const service = await start(env('killed'))
      await eventually('new samples', PATIENCE_MS, async () => (await samplesStored(service.url)) >= stored + 2)
      await new Promise((resolve) => setTimeout(resolve, 137 * round))
      const seen = await samplesStored(service.url)
      const audited = ((await (await fetch(`${service.url}/api/status`)).json()) as { audit: { entries: number } })
        .audit.entries
      service.child.kill('SIGKILL')
      await service.exit
      expect(await batchesIn(data)).toBeGreaterThanOrEqual(seen)
      const log = verifyLog(join(data, 'audit'))
      expect(log.problem).toBeNull()
      expect(log.entries).toBeGreaterThanOrEqual(Math.max(audited, entries + 1))
      stored = seen
      entries = log.entries
    }
  })

  test('a second service on the same data is refused with the process that holds it, and harms nothing', async () => {
    const service = await start(env('shared'))
    await expect(start(env('shared'))).rejects.toThrow(
      new RegExp(`ended with 1: .*PID ${service.child.pid}.*DOCKERPULSE_DATA`),
    )
    await eventually('samples', PATIENCE_MS, async () => (await samplesStored(service.url)) >= 2)
    service.child.kill('SIGTERM')
    expect(await service.exit).toBe(0)
  })

  test('a port that is taken ends it at once with a clear word', async () => {
    const service = await start(env('first'))
    const { port } = new URL(service.url)
    await expect(start({ ...env('second'), DOCKERPULSE_PORT: port })).rejects.toThrow(
      new RegExp(`ended with 1: .*${port}.*DOCKERPULSE_PORT`),
    )
    service.child.kill('SIGTERM')
    expect(await service.exit).toBe(0)
  })

  test.for([
    [{ DOCKERPULSE_DATA: '/dev/null/data' }, 'the data folder /dev/null/data cannot be used'],
    [{ DOCKERPULSE_PORT: 'seventy' }, 'DOCKERPULSE_PORT=seventy'],
    [{ DOCKERPULSE_HOST: '0.0.0.0' }, 'set DOCKERPULSE_TOKEN'],
    [{ DOCKERPULSE_PROT: '7070' }, 'DOCKERPULSE_PROT is not a setting'],
    [{ DOCKER_HOST: 'ssh://somewhere' }, 'ssh:// is not supported'],
  ])('wrong configuration stops it at once with a clear word: %j', async ([wrong, message]) => {
    await expect(start({ ...env('config'), ...(wrong as Record<string, string>) })).rejects.toThrow(message as string)
  })
})
