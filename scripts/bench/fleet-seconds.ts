import { demoFleet } from '../../chaos/fleet.ts'
import { createSimulatedHost } from '../../chaos/simulated-host.ts'
import { NO_READING, statsReply } from '../../chaos/stats-replies.ts'
import { toSample } from '../../server/analyse/metrics.ts'
import { parseStats } from '../../server/collect/docker-replies.ts'
import type { Counters, Sample } from '../../server/contracts/telemetry.ts'

export type FleetSample = { name: string; sample: Sample }

const HOST = { hostCores: 16, hostMemoryBytes: 64 * 1024 ** 3 }

/** Samples of a realistic fleet second by second: noise, daily load, garbage collection. */
export function* fleetSeconds(containers: number, seconds: number, startAtMs: number): Generator<FleetSample[]> {
  const host = createSimulatedHost({
    startAtMs,
    seed: 1,
    specs: demoFleet(containers),
    faults: [],
    cores: HOST.hostCores,
    memoryBytes: HOST.hostMemoryBytes,
    onEvent: () => {},
    onTick: () => {},
  })
  const followed = [...host.containers.values()].map((container) => ({
    container,
    previous: null as Counters | null,
    reading: NO_READING,
  }))
  for (let second = 1; second <= seconds; second++) {
    host.advanceTo(startAtMs + second * 1000 - 1)
    yield followed.flatMap((one): FleetSample[] => {
      const { reply, reading } = statsReply(host, one.container, '2', one.reading)
      one.reading = reading
      const counters = parseStats(reply)
      if (counters === null) return []
      const { spec } = one.container
      const limits = { cpuLimitCores: spec.cpuLimitCores || null, memoryLimitBytes: spec.memoryLimitBytes || null }
      const sample = toSample(one.container.id, one.previous, counters, { ...HOST, ...limits })
      one.previous = counters
      return [{ name: spec.name, sample }]
    })
  }
}
