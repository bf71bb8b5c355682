import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { containerSpec, MIB } from './container-spec.ts'
import { eventually, openTestService } from './service-harness.ts'
import { openSimulatedEngine } from './simulated-engine.ts'

const PATIENCE_MS = 60_000
const SPEED = 4
/** A z-score asks for twenty samples and a forecast for thirty: whoever has both sooner remembers. */
const TOO_SOON_MS = 20_000

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-warm-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  'a service that was restarted goes on where it was: forecasts and z-scores are there at once, and nothing is alarmed',
  async () => {
    await using engine = await openSimulatedEngine({
      socketPath: join(folder, 'engine.sock'),
      speed: SPEED,
      containers: [containerSpec({ name: 'shop', memoryLimitBytes: 256 * MIB })],
      faults: [],
    })
    await using service = await openTestService({ dockerHost: engine.dockerHost, clock: engine.clock })
    const foreseen = () =>
      eventually('a forecast', PATIENCE_MS, async () =>
        (await service.containers()).find(
          ({ freshness, cpuZScore, cpuCoresForecast }) =>
            freshness === 'live' && cpuZScore !== null && cpuCoresForecast !== null,
        ),
      )
    await foreseen()
    await service.restart()
    const restartedAtMs = engine.clock.now()
    await foreseen()
    expect(engine.clock.now() - restartedAtMs).toBeLessThan(TOO_SOON_MS)
    expect(await service.incidents()).toEqual([])
  },
  PATIENCE_MS * 2,
)
