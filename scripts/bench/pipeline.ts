import { request } from 'node:http'
import { withFleet } from './fleet.ts'
import {
  cpuSecondsOf,
  type Figure,
  memoryMegabytes,
  metricOf,
  percentile,
  type RunningService,
  say,
  startService,
  wait,
} from './measure.ts'

const DASHBOARDS = 20
const SETTLE_MS = 45_000
const REQUESTS = 100

const TICK = '"type":"tick"'
const READ_AT = /"readAt":"([^"]+)"/
const HEAD_BYTES = 128

/** Opens a live stream; every tick's way from the complete reading to here goes into `delaysMs`. */
function openDashboard(url: string, delaysMs: number[]): () => void {
  const live = request(`${url}/api/live`, (response) => {
    response.on('data', (chunk: Buffer) => {
      // Twenty streams of a megabyte a second are read in one process: it must not decode what it does not need.
      const at = chunk.indexOf(TICK)
      const readAt = at < 0 ? undefined : READ_AT.exec(chunk.toString('latin1', at, at + HEAD_BYTES))?.[1]
      if (readAt !== undefined) delaysMs.push(Date.now() - Date.parse(readAt))
    })
  })
  live.on('error', () => {})
  live.end()
  return () => live.destroy()
}

async function latencies(service: RunningService, path: string): Promise<number[]> {
  const taken: number[] = []
  for (let count = 0; count < REQUESTS; count++) {
    const at = performance.now()
    const response = await fetch(`${service.url}${path}`)
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`${path} answered ${response.status}`)
    taken.push(performance.now() - at)
  }
  return taken
}

/** Many simulated containers through the whole service, with open dashboards. */
export function pipeline({ containers, seconds }: { containers: number; seconds: number }): Promise<Figure[]> {
  return withFleet({ staying: containers }, async ({ dockerHost }) => {
    await using service = await startService({ DOCKER_HOST: dockerHost, DOCKERPULSE_CPU_BUDGET: '1' })
    say(`Warming up with ${containers} containers…`)
    await wait(SETTLE_MS)
    const alone = cpuSecondsOf(service.pid)
    await metricOf(service.url, 'dockerpulse_event_loop_delay_p99_seconds')
    say(`Measuring for ${seconds} s without a dashboard…`)
    await wait(seconds * 1000)
    const aloneShare = (cpuSecondsOf(service.pid) - alone) / seconds
    const aloneDelay = await metricOf(service.url, 'dockerpulse_event_loop_delay_p99_seconds')
    const delaysMs: number[] = []
    const dashboards = Array.from({ length: DASHBOARDS }, () => openDashboard(service.url, delaysMs))
    await wait(3_000)
    delaysMs.length = 0
    await metricOf(service.url, 'dockerpulse_event_loop_delay_p99_seconds')
    const before = cpuSecondsOf(service.pid)
    say(`Measuring for ${seconds} s with ${DASHBOARDS} dashboards…`)
    await wait(seconds * 1000)
    const share = (cpuSecondsOf(service.pid) - before) / seconds
    const delay = await metricOf(service.url, 'dockerpulse_event_loop_delay_p99_seconds')
    for (const close of dashboards) close()
    const dropped = await metricOf(service.url, 'dockerpulse_samples_dropped_total')
    return [
      {
        name: `${containers} containers at 1 Hz by the engine's API, CPU`,
        value: aloneShare * 100,
        unit: '% of a core',
      },
      { name: 'event-loop delay, p99', value: aloneDelay * 1000, unit: 'ms' },
      { name: `with ${DASHBOARDS} dashboards, CPU`, value: share * 100, unit: '% of a core' },
      { name: `with ${DASHBOARDS} dashboards, event-loop delay, p99`, value: delay * 1000, unit: 'ms' },
      {
        name: 'from the complete reading to the event on a live stream, p99',
        value: percentile(delaysMs, 0.99),
        unit: 'ms',
      },
      { name: 'resident memory', value: memoryMegabytes(service.pid, 'VmRSS'), unit: 'MB' },
      { name: 'samples dropped', value: dropped, unit: '' },
    ]
  })
}

/** Answers of the API on a busy service, beside its emptiest one. */
export function api({ containers, seconds }: { containers: number; seconds: number }): Promise<Figure[]> {
  return withFleet({ staying: containers }, async ({ dockerHost }) => {
    await using service = await startService({ DOCKER_HOST: dockerHost, DOCKERPULSE_CPU_BUDGET: '1' })
    say(`Warming up with ${containers} containers…`)
    await wait(Math.max(SETTLE_MS, seconds * 1000))
    const [first] = (await (await fetch(`${service.url}/api/containers`)).json()) as { id: string }[]
    say('Asking…')
    const reference = percentile(await latencies(service, '/healthz'), 0.95)
    const figures: Figure[] = []
    for (const path of ['/api/containers', `/api/containers/${first!.id}/samples`, '/api/incidents', '/metrics']) {
      figures.push({
        name: `GET ${path.replace(/[0-9a-f]{64}/, ':id')}, ${containers} containers, p95`,
        value: percentile(await latencies(service, path), 0.95),
        unit: 'ms',
        reference: { name: 'GET /healthz', value: reference },
      })
    }
    return figures
  })
}
