import { describe, expect, test } from 'vitest'
import { type ContainerSpec, containerSpec, MIB, PLAIN_WORKLOAD } from './container-spec.ts'
import { DEMO_FAULTS, type Fault } from './faults.ts'
import { demoFleet } from './fleet.ts'
import type { SimulatedEvent } from './lifecycle.ts'
import type { SimulatedContainer } from './simulated-container.ts'
import { createSimulatedHost, type SimulatedHost } from './simulated-host.ts'
import { NO_READING, statsReply } from './stats-replies.ts'

const START_MS = Date.UTC(2026, 0, 5, 12)
const SECOND = 1_000

type World = {
  host: SimulatedHost
  events: SimulatedEvent[]
  /** Advances to so many seconds after the start. */
  to(seconds: number): void
  container(name: string): SimulatedContainer
  /** `[seconds, action]` of a container's own events, checks left out. */
  story(name: string): [number, string][]
}

function world(specs: ContainerSpec[], faults: Fault[] = [], options: { seed?: number; cores?: number } = {}): World {
  const events: SimulatedEvent[] = []
  const host = createSimulatedHost({
    startAtMs: START_MS,
    seed: options.seed ?? 7,
    specs,
    faults,
    cores: options.cores ?? 8,
    memoryBytes: 32 * 1024 * MIB,
    onEvent: (event) => events.push(event),
  })
  const container = (name: string) => {
    const found = [...host.containers.values()].find(({ spec }) => spec.name === name)
    if (!found) throw new Error(`no ${name}`)
    return found
  }
  return {
    host,
    events,
    to: (seconds) => host.advanceTo(START_MS + seconds * SECOND),
    container,
    story: (name) =>
      events
        .filter(
          (event) => event.container.spec.name === name && !event.networkName && !event.action.startsWith('exec_'),
        )
        .map(({ atMs, action }) => [(atMs - START_MS) / SECOND, action]),
  }
}

const service = (wanted: Partial<ContainerSpec> = {}) =>
  containerSpec({
    name: 'svc',
    memoryLimitBytes: 64 * MIB,
    cpuLimitCores: 0.5,
    restartPolicy: { name: 'unless-stopped', maximumRetryCount: 0 },
    ...wanted,
  })

const actions = (story: [number, string][]) => story.map(([, action]) => action)
const usage = ({ process }: SimulatedContainer) => process!.anonymousBytes + process!.fileBytes + process!.kernelBytes

describe('the history', () => {
  const run = (seed: number) => {
    const { host, events, to } = world(demoFleet(), DEMO_FAULTS, { seed })
    to(700)
    const counters = [...host.containers.values()].map(({ id, process, logs }) => ({ id, process, logs }))
    return JSON.stringify({ counters, events: events.map(({ atMs, action }) => [atMs, action]) })
  }
  test('is the same for the same seed', () => expect(run(3)).toBe(run(3)))
  test('is another for another seed', () => expect(run(3)).not.toBe(run(4)))

  test('does not depend on the steps in which time goes by', () => {
    const [coarse, fine] = [world(demoFleet(), DEMO_FAULTS), world(demoFleet(), DEMO_FAULTS)]
    coarse.to(200)
    for (let seconds = 0; seconds <= 200; seconds += 0.37) fine.to(seconds)
    fine.to(200)
    expect(fine.container('webshop-shop-api-1').process).toEqual(coarse.container('webshop-shop-api-1').process)
    expect(fine.events.length).toBe(coarse.events.length)
  })
})

describe('the demo', () => {
  test('is calm for 20 s, then leaks into an OOM kill before 90 s, and is well again', () => {
    const { to, story, events, container } = world(demoFleet(), DEMO_FAULTS)
    to(20)
    expect(events.filter(({ action }) => !action.startsWith('exec_'))).toEqual([])
    to(100)
    const [oom, die, start] = story('webshop-shop-api-1')
    expect([oom![1], die![1], start![1]]).toEqual(['oom', 'die', 'start'])
    expect(oom![0]).toBeGreaterThan(75)
    expect(oom![0]).toBeLessThan(90)
    expect(start![0] - die![0]).toBeCloseTo(0.246, 2)
    expect(container('webshop-shop-api-1')).toMatchObject({ oomKilled: true, restartCount: 1, status: 'running' })
    expect(events.some((event) => event.container.spec.name !== 'webshop-shop-api-1' && event.action === 'die')).toBe(
      false,
    )
  })

  test('has at most two containers in trouble at once, for half an hour', () => {
    const { host, to } = world(demoFleet(), DEMO_FAULTS)
    for (let seconds = 0; seconds < 1_800; seconds += 5) {
      to(seconds)
      const troubled = [...host.containers.values()].filter(
        ({ faults, status, health }) => faults.length > 0 || status !== 'running' || health?.status === 'unhealthy',
      )
      expect(troubled.length).toBeLessThanOrEqual(2)
    }
  })

  test('without faults stays well: nothing but health checks, and memory far from its limits', () => {
    const { host, events, to } = world(demoFleet(60))
    for (let minute = 1; minute <= 20; minute++) {
      to(minute * 60)
      for (const container of host.containers.values())
        expect(usage(container) / container.limits.memoryBytes, container.spec.name).toBeLessThan(0.75)
    }
    expect(events.every(({ action }) => action.startsWith('exec_'))).toBe(true)
  })
})

describe('a leak', () => {
  const leak: Fault = { kind: 'leak', container: 'svc', startSeconds: 5, bytesPerSecond: MIB }

  test('is cured by a restart', () => {
    const { host, to, container, story } = world([service()], [leak])
    to(30)
    expect(usage(container('svc'))).toBeGreaterThan(45 * MIB)
    host.restart(container('svc'), 10, () => {})
    to(200)
    expect(usage(container('svc'))).toBeLessThan(40 * MIB)
    expect(actions(story('svc'))).toEqual(['kill', 'die', 'stop', 'start', 'restart'])
    expect(container('svc').restartCount).toBe(0)
  })

  test('begins again when it is told to', () => {
    const { to, story } = world([service()], [{ ...leak, againAfterSeconds: 30 }])
    to(240)
    expect(actions(story('svc')).filter((action) => action === 'oom').length).toBeGreaterThanOrEqual(2)
  })

  test('kills sooner under a lower limit, and later under a higher one', () => {
    const killedAt = (memoryBytes: number) => {
      const { to, container, story } = world([service()], [leak])
      to(10)
      container('svc').limits.memoryBytes = memoryBytes
      to(300)
      return story('svc').find(([, action]) => action === 'oom')![0]
    }
    expect(killedAt(48 * MIB)).toBeLessThan(killedAt(64 * MIB))
    expect(killedAt(64 * MIB)).toBeLessThan(killedAt(128 * MIB))
  })

  test('takes the page cache first', () => {
    const { to, container } = world([service()], [leak])
    to(4)
    const cacheBefore = container('svc').process!.fileBytes
    while (container('svc').restartCount === 0) {
      to((container('svc').process!.steppedAtMs - START_MS) / SECOND + 1)
      if (container('svc').dying) break
    }
    expect(cacheBefore).toBeGreaterThan(4 * MIB)
    expect(container('svc').process!.fileBytes).toBe(0)
    expect(usage(container('svc'))).toBeLessThanOrEqual(64 * MIB)
  })
})

describe('the restart policy', () => {
  const failing = (name: ContainerSpec['restartPolicy']['name'], maximumRetryCount: number, exitCode = 1) =>
    service({
      restartPolicy: { name, maximumRetryCount },
      workload: { ...PLAIN_WORKLOAD, exits: { afterSeconds: 2, exitCode } },
    })
  const launch = (spec: ContainerSpec) => {
    const made = world([])
    made.host.start(made.host.create(spec), () => {})
    return made
  }
  const pauses = (story: [number, string][]) =>
    story.flatMap(([at, action], index) => (action === 'die' && story[index + 1] ? [story[index + 1]![0] - at] : []))

  test('waits 100 ms, then twice as long each time, up to a minute', () => {
    const { to, story } = launch(failing('always', 0))
    to(600)
    const waits = pauses(story('svc')).map((seconds) => Math.round((seconds - 0.146) * 10) / 10)
    expect(waits.slice(0, 11)).toEqual([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60])
  })

  test('forgets its waits after a life of 10 s', () => {
    const { to, story } = launch(service({ workload: { ...PLAIN_WORKLOAD, exits: { afterSeconds: 11, exitCode: 1 } } }))
    to(60)
    for (const seconds of pauses(story('svc'))) expect(seconds).toBeCloseTo(0.246, 2)
  })

  test('on-failure gives up after its tries, and leaves a success alone', () => {
    const failed = launch(failing('on-failure', 3))
    failed.to(100)
    expect(failed.container('svc')).toMatchObject({ status: 'exited', restartCount: 3, exitCode: 1 })
    const succeeded = launch(failing('on-failure', 3, 0))
    succeeded.to(100)
    expect(succeeded.container('svc')).toMatchObject({ status: 'exited', restartCount: 0, exitCode: 0 })
  })

  test('leaves alone what somebody stopped or killed', () => {
    for (const end of ['stop', 'kill'] as const) {
      const { host, to, container } = world([service({ restartPolicy: { name: 'always', maximumRetryCount: 0 } })])
      if (end === 'stop') host.stop(container('svc'), 10, () => {})
      else host.kill(container('svc'), 9, () => {})
      to(60)
      expect(container('svc').status).toBe('exited')
    }
  })

  test('a stop ends its wait', () => {
    const { host, to, container, story } = launch(failing('always', 0))
    to(25)
    expect(container('svc').status).toBe('restarting')
    host.stop(container('svc'), 10, () => {})
    to(100)
    expect(story('svc').at(-1)![1]).toBe('stop')
    expect(container('svc').status).toBe('exited')
  })
})

describe('a process that hangs', () => {
  const healthCheck = {
    test: ['CMD-SHELL', 'true'],
    intervalSeconds: 5,
    timeoutSeconds: 2,
    retries: 3,
    startPeriodSeconds: 0,
  }
  const hung = () => world([service({ healthCheck })], [{ kind: 'hang', container: 'svc', startSeconds: 10 }])

  test('uses next to no CPU and turns unhealthy after its retries', () => {
    const { to, container, story } = hung()
    to(12)
    const { cpuNs } = container('svc').process!
    to(40)
    expect(container('svc').process!.cpuNs - cpuNs).toBeLessThan(0.1e9)
    expect(actions(story('svc'))).toEqual(['health_status: unhealthy'])
    expect(container('svc').health).toMatchObject({ status: 'unhealthy' })
    expect(container('svc').health!.log.at(-1)).toMatchObject({
      exitCode: -1,
      output: 'Health check exceeded timeout (2s)',
    })
  })

  test('ignores SIGTERM, and a restart cures it', () => {
    const { host, to, container, story } = hung()
    to(40)
    host.restart(container('svc'), 10, () => {})
    to(70)
    expect(actions(story('svc')).slice(1)).toEqual([
      'kill',
      'kill',
      'die',
      'stop',
      'start',
      'restart',
      'health_status: healthy',
    ])
    expect(container('svc')).toMatchObject({ status: 'running', health: { status: 'healthy', failingStreak: 0 } })
  })
})

describe('the CPU', () => {
  const cpuShare = (made: World, name: string, seconds: number) => {
    const before = made.container(name).process!.cpuNs
    const from = (made.host.nowMs() - START_MS) / SECOND
    made.to(from + seconds)
    return (made.container(name).process!.cpuNs - before) / 1e9 / seconds
  }

  test('saturation: no more than the limit, and every period throttled', () => {
    const made = world(
      [service()],
      [{ kind: 'cpu-saturation', container: 'svc', startSeconds: 1, cores: 3, durationSeconds: 600 }],
    )
    made.to(2)
    expect(cpuShare(made, 'svc', 60)).toBeCloseTo(0.5, 3)
    const { periods, throttledPeriods, throttledNs } = made.container('svc').process!
    const { container } = made
    made.to(72)
    const later = container('svc').process!
    expect(later.throttledPeriods - throttledPeriods).toBeCloseTo(later.periods - periods, 5)
    expect(later.throttledNs).toBeGreaterThan(throttledNs)
    container('svc').limits.cpuCores = 2
    expect(cpuShare(made, 'svc', 60)).toBeCloseTo(2, 2)
  })

  test('a noisy neighbour slows the others down until it ends', () => {
    const made = world(
      [service({ name: 'quiet' }), service({ name: 'noisy', cpuLimitCores: 0 })],
      [{ kind: 'noisy-neighbour', container: 'noisy', startSeconds: 60, cores: 10, durationSeconds: 60 }],
      { cores: 2 },
    )
    const before = cpuShare(made, 'quiet', 60)
    const during = cpuShare(made, 'quiet', 60)
    const after = cpuShare(made, 'quiet', 60)
    expect(during).toBeLessThan(before / 3)
    expect(after).toBeGreaterThan(before / 2)
  })

  test('a crash loop ends with its cause', () => {
    const { to, story, container } = world(
      [service()],
      [{ kind: 'crash-loop', container: 'svc', startSeconds: 5, everySeconds: 4, exitCode: 1, durationSeconds: 30 }],
    )
    to(120)
    expect(actions(story('svc')).filter((action) => action === 'die').length).toBeGreaterThan(3)
    expect(story('svc').at(-1)![0]).toBeLessThan(45)
    expect(container('svc').status).toBe('running')
  })
})

describe('the counters', () => {
  const reading = ({ host, container }: World, version: '1' | '2' = '2') =>
    statsReply(host, container('svc'), version, NO_READING).reply as {
      cpu_stats: { cpu_usage: { total_usage: number; percpu_usage?: number[] }; throttling_data: { periods: number } }
      networks?: { eth0: { rx_bytes: number } }
      blkio_stats: { io_service_bytes_recursive: { op: string; value: number }[] }
      memory_stats: { usage: number; limit: number; stats: Record<string, number> }
      read: string
    }

  test('only grow within a life and begin at zero in the next', () => {
    const made = world([service()])
    made.to(1)
    let before = reading(made)
    for (let seconds = 2; seconds < 60; seconds++) {
      made.to(seconds)
      const now = reading(made)
      expect(now.cpu_stats.cpu_usage.total_usage).toBeGreaterThan(before.cpu_stats.cpu_usage.total_usage)
      expect(now.cpu_stats.throttling_data.periods).toBeGreaterThan(before.cpu_stats.throttling_data.periods)
      expect(now.networks!.eth0.rx_bytes).toBeGreaterThan(before.networks!.eth0.rx_bytes)
      expect(now.read > before.read).toBe(true)
      before = now
    }
    made.host.restart(made.container('svc'), 10, () => {})
    made.to(65)
    expect(reading(made).cpu_stats.cpu_usage.total_usage).toBeLessThan(before.cpu_stats.cpu_usage.total_usage / 100)
    expect(reading(made).networks!.eth0.rx_bytes).toBeLessThan(before.networks!.eth0.rx_bytes / 100)
  })

  test('stand still while it is paused', () => {
    const made = world([service()])
    made.to(10)
    made.host.pause(made.container('svc'))
    const before = reading(made)
    made.to(20)
    expect(reading(made)).toMatchObject({ cpu_stats: { cpu_usage: before.cpu_stats.cpu_usage } })
    made.host.unpause(made.container('svc'))
    made.to(22)
    const resumed = reading(made).cpu_stats.cpu_usage.total_usage - before.cpu_stats.cpu_usage.total_usage
    expect(resumed).toBeLessThan(1e9)
  })

  test('have the shape of their cgroup version', () => {
    const made = world([service()])
    made.to(30)
    const [v1, v2] = [reading(made, '1'), reading(made, '2')]
    expect(v1.cpu_stats.cpu_usage.percpu_usage?.length).toBe(8)
    expect(v2.cpu_stats.cpu_usage.percpu_usage).toBeUndefined()
    expect(v1.blkio_stats.io_service_bytes_recursive.map(({ op }) => op)).toContain('Write')
    expect(v2.blkio_stats.io_service_bytes_recursive.map(({ op }) => op)).toEqual(['read', 'write'])
    expect(v1.memory_stats.stats.total_inactive_file).toBe(v2.memory_stats.stats.inactive_file)
    expect(v2.memory_stats.stats.anon! + v2.memory_stats.stats.file!).toBeLessThan(v2.memory_stats.usage)
    expect(v2.memory_stats.usage).toBe(v1.memory_stats.usage)
    expect(v2.memory_stats.limit).toBe(64 * MIB)
  })

  test('an unreachable service has no network counters and little to do', () => {
    const made = world([service()])
    made.to(10)
    made.host.disconnect(made.container('svc'), 'bridge')
    made.to(12)
    expect(reading(made).networks).toBeUndefined()
    made.host.connect(made.container('svc'), 'bridge')
    expect(reading(made).networks).toBeDefined()
  })
})
