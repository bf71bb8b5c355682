import { randomUUID } from 'node:crypto'
import type { Victim } from '../injector.ts'
import type { RealEngine } from '../real-engine.ts'

const MIB = 1024 * 1024
export const PORT = 8080
/** What a drill creates is called so. */
export const PREFIX = 'drill-'

const serve = (name: string) => `mkdir -p /www && echo "ok ${name}" > /www/health && exec httpd -f -p ${PORT} -h /www`

/** Debian's static busybox cannot look up names, so its wget ends in a fault; nc need not. */
const asks = (host: string, port: number) =>
  `printf 'GET /health HTTP/1.0\\r\\n\\r\\n' | nc -w 1 ${host} ${port} | grep -q ok`

/**
 * A small web server that says its own name, with limits, a restart policy and a health check that asks what it depends
 * on, too.
 */
export async function runWebServer(
  real: RealEngine,
  wanted: { name: string; labels?: Record<string, string>; asks?: { host: string; port: number } },
): Promise<Victim> {
  const { name, labels = {} } = wanted
  const own = asks('127.0.0.1', PORT)
  const id = await real.run({
    name,
    labels,
    command: ['sh', '-c', serve(name)],
    memoryBytes: 96 * MIB,
    cpuCores: 0.25,
    pidsLimit: 60,
    restartPolicy: 'unless-stopped',
    stopTimeoutSeconds: 1,
    health: {
      command: wanted.asks === undefined ? own : `${own} && ${asks(wanted.asks.host, wanted.asks.port)}`,
      intervalMs: 2_000,
      timeoutMs: 2_000,
      retries: 3,
    },
  })
  return { id, name }
}

/** A calm container to be among. */
export async function runNeighbour(real: RealEngine, number: number): Promise<void> {
  await real.run({
    name: `${PREFIX}neighbour-${number}-${randomUUID().slice(0, 6)}`,
    command: ['sh', '-c', 'while :; do sleep 1; done'],
    memoryBytes: 64 * MIB,
    cpuCores: 0.5,
    // What is done to it by mistake must show.
    labels: { 'dockerpulse.mode': 'auto' },
  })
}

/** Where it is reached from this host; it changes with restarts. */
export async function addressOf(real: RealEngine, id: string): Promise<{ host: string; port: number }> {
  const { NetworkSettings } = await real.docker.getContainer(id).inspect()
  return { host: NetworkSettings.Networks.bridge?.IPAddress ?? '', port: PORT }
}

/** Removes every container of that name: one that was replaced in between has another id. */
export async function removeNamed(real: RealEngine, name: string): Promise<void> {
  const found = await real.docker.listContainers({ all: true, filters: { name: [name] } })
  await Promise.all(found.map(({ Id }) => real.remove(Id).catch(() => {})))
}
