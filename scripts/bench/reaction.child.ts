import { containerSpec, MIB } from '../../chaos/container-spec.ts'
import type { Fault } from '../../chaos/faults.ts'
import { openSimulatedEngine } from '../../chaos/simulated-engine.ts'

// A simulated engine in a process of its own, whose containers get into trouble one after the other: seven of eight
// leak, the eighth hangs and fails its health check. Arguments: the socket, how many, seconds until the first, seconds between.
const [socketPath, count, firstSeconds, everySeconds] = process.argv.slice(2)

const names = Array.from({ length: Number(count) }, (_, index) => `reaction-${index + 1}`)
const containers = names.map((name) =>
  containerSpec({
    name,
    memoryLimitBytes: 256 * MIB,
    cpuLimitCores: 1,
    // What hangs is killed after this, and all others wait for it.
    stopTimeoutSeconds: 1,
    restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
    healthCheck: {
      test: ['CMD-SHELL', 'wget -qO- http://localhost/health'],
      intervalSeconds: 2,
      timeoutSeconds: 1,
      retries: 3,
      startPeriodSeconds: 0,
    },
  }),
)
const faults = names.map((container, index): Fault => {
  const startSeconds = Number(firstSeconds) + index * Number(everySeconds)
  return index % 8 === 7
    ? { kind: 'hang', container, startSeconds }
    : { kind: 'leak', container, startSeconds, bytesPerSecond: 4 * MIB }
})
await openSimulatedEngine({ socketPath: socketPath!, containers, faults })
process.stdout.write('ready\n')
