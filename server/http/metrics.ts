import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Registry } from 'prom-client'
import type { Service } from './service.ts'

/** How often the loop's delay is looked at; a timer of this length is what is measured, so it is taken off again. */
const LOOP_RESOLUTION_MS = 200

/**
 * The Prometheus exposition of the program and of its assessments, filled when it is asked for: base units, ratios 0 to
 * 1. Containers are labelled by name and compose identity, not by id, so that series outlive a re-creation.
 */
export function createMetrics(
  service: Service,
  liveClients: () => number,
): { contentType: string; render(): Promise<string> } {
  const registry = new Registry()
  const delays = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS })
  delays.enable()
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `dockerpulse_${name}`, help, labelNames, registers: [registry] })
  const counter = (name: string, help: string) =>
    new Counter({ name: `dockerpulse_${name}`, help, registers: [registry] })
  const perContainer = ['container', 'compose_project', 'compose_service']

  const info = gauge('info', 'Version, mode and calibration of the program', ['version', 'mode', 'calibration'])
  const up = gauge('part_up', '1 where a part of the program can be used', ['part'])
  const openIncidents = gauge('incidents_open', 'Incidents that are open')
  const actions = gauge('actions', 'Actions taken without asking, by what came of them, and those only recorded', [
    'result',
  ])
  const dropped = counter('samples_dropped_total', 'Samples that could not be stored')
  const auditEntries = counter('audit_entries_total', 'Entries of the audit log')
  const databaseBytes = gauge('database_size_bytes', 'Size of the database on disk')
  const clients = gauge('live_clients', 'Open live streams')
  const resident = gauge('process_resident_memory_bytes', 'Resident memory of the program')
  const cpuSeconds = counter('process_cpu_seconds_total', 'CPU time of the program, user and system')
  const loopDelay = gauge('event_loop_delay_p99_seconds', 'How late timers ran since the last scrape, 99th percentile')
  const lights = gauge('containers', 'Containers by traffic light; none where nothing could be evaluated', ['light'])
  const probability = gauge('container_failure_probability', 'P(fails within the next 60 s)', perContainer)
  const cpu = gauge('container_cpu_cores', 'CPU in cores', perContainer)
  const memory = gauge('container_working_set_bytes', 'Working set', perContainer)
  const timeToLimit = gauge(
    'container_time_to_memory_limit_seconds',
    'Time until the memory limit, where it is in sight',
    perContainer,
  )

  const fill = () => {
    registry.resetMetrics()
    const { version, mode, calibration, engine, store, audit, model, counts } = service.status()
    info.set({ version, mode, calibration }, 1)
    for (const [part, { state }] of Object.entries({ engine, store, audit, model }))
      up.set({ part }, state === 'ok' ? 1 : 0)
    openIncidents.set(counts.openIncidents)
    actions.set({ result: 'automatic' }, counts.automaticActions)
    actions.set({ result: 'verified' }, counts.verifiedActions)
    actions.set({ result: 'recorded' }, counts.wouldHaveActed)
    dropped.inc(store.droppedSamples)
    auditEntries.inc(audit.entries)
    databaseBytes.set(store.sizeBytes)
    clients.set(liveClients())
    loopDelay.set(Math.max(0, delays.percentile(99) / 1e9 - LOOP_RESOLUTION_MS / 1000))
    delays.reset()
    resident.set(process.memoryUsage.rss())
    const { user, system } = process.cpuUsage()
    cpuSeconds.inc((user + system) / 1e6)
    const byLight = { low: 0, medium: 0, critical: 0, none: 0 }
    for (const view of service.containers()) {
      byLight[view.probability === null ? 'none' : view.light] += 1
      const labels = {
        container: view.name,
        compose_project: view.composeProject ?? '',
        compose_service: view.composeService ?? '',
      }
      if (view.probability !== null) probability.set(labels, view.probability)
      if (view.cpuCores !== null) cpu.set(labels, view.cpuCores)
      if (view.workingSetBytes !== null) memory.set(labels, view.workingSetBytes)
      if (view.timeToLimitMs !== null) timeToLimit.set(labels, view.timeToLimitMs / 1000)
    }
    for (const [light, count] of Object.entries(byLight)) lights.set({ light }, count)
  }

  return {
    contentType: registry.contentType,
    render() {
      fill()
      return registry.metrics()
    },
  }
}
