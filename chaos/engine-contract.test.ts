import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createDockerEngine } from '../server/collect/docker-engine.ts'
import type { Engine } from '../server/contracts/ports.ts'
import type { Container, Counters, EngineEvent } from '../server/contracts/telemetry.ts'
import { containerSpec, MIB, PLAIN_WORKLOAD } from './container-spec.ts'
import { openRealEngine, type RealContainer, type RealEngine } from './real-engine.ts'
import { openSimulatedEngine } from './simulated-engine.ts'

/** Long enough for a real engine under load; only failures wait for it. */
const PATIENCE_MS = 25_000

type Behaviour = 'serves' | 'ignores-term' | 'fails-after-2s' | 'eats-memory' | 'turns-unhealthy'
type Subject = {
  engine: Engine
  nowMs(): number
  /** Starts a container on the network `bridge`, with 64 MiB and half a core unless told otherwise. */
  run(behaviour: Behaviour, options?: { restartPolicy?: 'no' | 'always' | 'unless-stopped' }): Promise<string>
}

const MEMORY_BYTES = 64 * MIB
const LABELS = {
  'com.docker.compose.project': 'contract',
  'com.docker.compose.service': 'subject',
  'com.docker.compose.container-number': '1',
}

const COMMANDS: Record<Behaviour, string> = {
  serves: 'trap "exit 0" TERM; while true; do echo hello; echo trouble >&2; sleep 1 & wait $!; done',
  'ignores-term': 'trap "" TERM; while true; do sleep 1; done',
  'fails-after-2s': 'sleep 2; exit 3',
  'eats-memory': 'sleep 3; exec tail /dev/zero',
  'turns-unhealthy': 'touch /well; sleep 4; rm /well; sleep 1000',
}

function realSubject(real: RealEngine): Subject {
  const health: RealContainer['health'] = { command: 'test -f /well', intervalMs: 1_000, retries: 2 }
  return {
    engine: createDockerEngine({ dockerHost: real.dockerHost }),
    nowMs: Date.now,
    run: (behaviour, { restartPolicy = 'no' } = {}) =>
      real.run({
        command: ['sh', '-c', COMMANDS[behaviour]],
        memoryBytes: MEMORY_BYTES,
        cpuCores: 0.5,
        labels: LABELS,
        restartPolicy,
        ...(behaviour === 'turns-unhealthy' ? { health } : {}),
      }),
  }
}

const real = await openRealEngine()
const folder = await mkdtemp(join(tmpdir(), 'dockerpulse-contract-'))
const simulated = await openSimulatedEngine({ socketPath: join(folder, 'docker.sock'), speed: 4, faults: 'none' })
afterAll(async () => {
  await simulated[Symbol.asyncDispose]()
  await real?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

let created = 0
const simulatedSubject: Subject = {
  engine: createDockerEngine({ dockerHost: simulated.dockerHost }),
  nowMs: () => simulated.clock.now(),
  async run(behaviour, { restartPolicy = 'no' } = {}) {
    const name = `contract-${++created}`
    const logs = { perSecond: 1, lines: ['hello'], errors: ['trouble'] }
    const id = await simulated.createContainer(
      containerSpec({
        name,
        labels: LABELS,
        memoryLimitBytes: MEMORY_BYTES,
        cpuLimitCores: 0.5,
        restartPolicy: { name: restartPolicy, maximumRetryCount: 0 },
        healthCheck:
          behaviour === 'turns-unhealthy'
            ? { test: ['CMD-SHELL', 'true'], intervalSeconds: 1, timeoutSeconds: 1, retries: 2, startPeriodSeconds: 0 }
            : null,
        workload: {
          ...PLAIN_WORKLOAD,
          memory: { ...PLAIN_WORKLOAD.memory, warmUpSeconds: 1 },
          onTerm: behaviour === 'ignores-term' ? null : { exitCode: 0, delayMs: 100 },
          logs,
          ...(behaviour === 'fails-after-2s' ? { exits: { afterSeconds: 2, exitCode: 3 } } : {}),
        },
      }),
    )
    if (behaviour === 'eats-memory')
      simulated.inject({ kind: 'leak', container: name, startSeconds: 2, bytesPerSecond: 40 * MIB })
    if (behaviour === 'turns-unhealthy') simulated.inject({ kind: 'hang', container: name, startSeconds: 4 })
    return id
  },
}

const subjects: [string, Subject | null][] = [
  ['the simulated engine', simulatedSubject],
  ['a real engine', real && realSubject(real)],
]

/** What happened to one container since `sinceMs`, without the health checks' own events, up to the first `last`. */
async function eventsUntil(engine: Engine, id: string, sinceMs: number, last: string): Promise<EngineEvent[]> {
  const seen: EngineEvent[] = []
  const signal = AbortSignal.timeout(PATIENCE_MS)
  for await (const event of engine.events({ sinceMs, signal })) {
    if (event.containerId !== id || event.kind.startsWith('exec_')) continue
    seen.push(event)
    if (event.kind === last) return seen
  }
  throw new Error(`no "${last}", only: ${kinds(seen).join(', ')}`)
}

const kinds = (events: EngineEvent[]) => events.map(({ kind }) => kind)

async function eventually(engine: Engine, id: string, so: (container: Container) => boolean): Promise<Container> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const container = await engine.inspect(id)
    if (container && so(container)) return container
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(container)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The first readings of a container that `so` accepts. */
async function readings(engine: Engine, id: string, count: number, so = (_: Counters) => true): Promise<Counters[]> {
  const taken: Counters[] = []
  const signal = AbortSignal.timeout(PATIENCE_MS)
  for await (const counters of engine.stats(id, { signal, onSkip: () => {} }))
    if (so(counters) && taken.push(counters) === count) return taken
  throw new Error(`only ${taken.length} of ${count} readings`)
}

describe.each(subjects)('%s', { timeout: 2 * PATIENCE_MS, concurrent: true }, (_name, subject) => {
  const { engine, run, nowMs } = subject ?? simulatedSubject
  const check = test.skipIf(subject === null)
  /** The present, once it is past: an event of this very millisecond is not since then. */
  const afterNow = async () => {
    await new Promise((resolve) => setTimeout(resolve, 20))
    return nowMs()
  }

  check('says what it is', async () => {
    const described = await engine.describe()
    expect(described.version).toMatch(/^\d+\.\d+/)
    expect(described.apiVersion).toMatch(/^1\.\d+$/)
    expect(described.hostCores).toBeGreaterThan(0)
    expect(described.hostMemoryBytes).toBeGreaterThan(MEMORY_BYTES)
    expect(['1', '2']).toContain(described.cgroupVersion)
  })

  check('lists and describes a container', async () => {
    const before = nowMs()
    const id = await run('serves')
    expect(await engine.list()).toContain(id)
    expect(await engine.inspect(id)).toMatchObject({
      id,
      key: 'contract/subject/1',
      composeProject: 'contract',
      composeService: 'subject',
      composeNumber: 1,
      state: 'running',
      health: 'none',
      oomKilled: false,
      restartCount: 0,
      memoryLimitBytes: MEMORY_BYTES,
      cpuLimitCores: 0.5,
      stopGraceSeconds: 10,
    })
    const { startedAt, createdAt } = (await engine.inspect(id))!
    expect(startedAt).toBeGreaterThanOrEqual(createdAt!)
    expect(startedAt).toBeGreaterThan(before - 1_000)
  })

  check('knows nothing of a container that never was', async () => {
    const nobody = '0'.repeat(64)
    expect(await engine.inspect(nobody)).toBeNull()
    await expect(engine.restart(nobody, { graceSeconds: 1 })).rejects.toMatchObject({ kind: 'not-found' })
    await expect(engine.logs(nobody, { tailLines: 1, maxBytes: 100 })).rejects.toMatchObject({ kind: 'not-found' })
    await expect(readings(engine, nobody, 1)).rejects.toMatchObject({ kind: 'not-found' })
    await expect(engine.connect(nobody, 'bridge')).rejects.toMatchObject({ kind: 'not-found' })
  })

  check('restarts a service that listens to SIGTERM', async () => {
    const id = await run('serves')
    const since = await afterNow()
    await engine.restart(id, { graceSeconds: 10 })
    const events = await eventsUntil(engine, id, since, 'restart')
    expect(kinds(events)).toEqual(['kill', 'die', 'stop', 'start', 'restart'])
    expect(events[0]!.signal).toBe(15)
    expect(events[1]!.exitCode).toBe(0)
    expect(await engine.inspect(id)).toMatchObject({ state: 'running', restartCount: 0, exitCode: 0 })
  })

  check('kills what ignores SIGTERM after the grace', async () => {
    const id = await run('ignores-term')
    const since = await afterNow()
    await engine.restart(id, { graceSeconds: 1 })
    const events = await eventsUntil(engine, id, since, 'restart')
    expect(kinds(events)).toEqual(['kill', 'kill', 'die', 'stop', 'start', 'restart'])
    expect(events.slice(0, 3).map(({ signal, exitCode }) => signal ?? exitCode)).toEqual([15, 9, 137])
    expect(events[1]!.at - events[0]!.at).toBeGreaterThan(900)
  })

  check('an exit: die with its code, and no more', async () => {
    const since = nowMs() - 1_000
    const id = await run('fails-after-2s')
    const events = await eventsUntil(engine, id, since, 'die')
    expect(kinds(events)).toEqual(['create', 'start', 'die'])
    expect(events[2]!.exitCode).toBe(3)
    const ended = await eventually(engine, id, ({ state }) => state === 'exited')
    expect(ended).toMatchObject({ exitCode: 3, oomKilled: false, restartCount: 0 })
  })

  check('its restart policy starts it again, later each time', async () => {
    const id = await run('fails-after-2s', { restartPolicy: 'always' })
    const again = await eventually(engine, id, ({ restartCount }) => restartCount >= 2)
    expect(['running', 'restarting']).toContain(again.state)
    await engine.stop(id, { graceSeconds: 1 })
    expect((await engine.inspect(id))!.state).toBe('exited')
  })

  check('an OOM kill: oom, die with 137, and a start by the restart policy', async () => {
    const since = nowMs() - 1_000
    const id = await run('eats-memory', { restartPolicy: 'unless-stopped' })
    const events = await eventsUntil(engine, id, since, 'die')
    // The kernel may tell of one kill more than once.
    expect([...new Set(kinds(events))]).toEqual(['create', 'start', 'oom', 'die'])
    expect(events.at(-1)!.exitCode).toBe(137)
    const revived = await eventually(engine, id, ({ restartCount, state }) => restartCount === 1 && state === 'running')
    expect(revived.oomKilled).toBe(true)
  })

  check('a failing health check turns unhealthy, and a restart begins anew', async () => {
    const since = nowMs() - 1_000
    const id = await run('turns-unhealthy')
    await eventually(engine, id, ({ health }) => health === 'unhealthy')
    const events = await eventsUntil(engine, id, since, 'health_status')
    expect(events.at(-1)!.health).toBe('healthy')
    const { healthFailingStreak } = (await engine.inspect(id))!
    expect(healthFailingStreak).toBeGreaterThanOrEqual(2)
    await engine.restart(id, { graceSeconds: 0 })
    expect(['starting', 'healthy']).toContain((await engine.inspect(id))!.health)
  })

  check('counters grow within a life', async () => {
    const id = await run('serves')
    const [first, second, third] = (await readings(engine, id, 3)) as [Counters, Counters, Counters]
    for (const counters of [first, second, third]) {
      expect(counters).toMatchObject({ memoryLimitBytes: MEMORY_BYTES })
      expect(counters.memoryUsageBytes).toBeGreaterThan(0)
      expect(counters.memoryUsageBytes).toBeLessThanOrEqual(MEMORY_BYTES)
      expect(counters.unreclaimableBytes).toBeGreaterThan(0)
      expect(counters.unreclaimableBytes).toBeLessThanOrEqual(counters.memoryUsageBytes!)
      expect(counters.inactiveFileBytes).toBeGreaterThanOrEqual(0)
      expect(counters.pids).toBeGreaterThan(0)
      expect(counters.cfsPeriods).toBeGreaterThanOrEqual(0)
      expect(counters.throttledPeriods).toBeLessThanOrEqual(counters.cfsPeriods!)
      expect(counters.networkReceiveBytes).toBeGreaterThanOrEqual(0)
    }
    expect(third.readAt - first.readAt).toBeGreaterThan(1_500)
    expect(third.readAt - first.readAt).toBeLessThan(5_000)
    expect(third.cpuUsageNs).toBeGreaterThan(first.cpuUsageNs!)
    expect(third.cpuUsageNs! - first.cpuUsageNs!).toBeLessThan(2e9)
  })

  check('the stats end when the container stops, and begin again from zero', async () => {
    const id = await run('serves')
    const before: Counters[] = []
    const signal = AbortSignal.timeout(PATIENCE_MS)
    for await (const counters of engine.stats(id, { signal, onSkip: () => {} }))
      if (before.push(counters) === 3) await engine.stop(id, { graceSeconds: 10 })
    expect(signal.aborted).toBe(false)
    expect(before.length).toBeGreaterThanOrEqual(3)
    await engine.start(id)
    const [after] = await readings(engine, id, 1)
    expect(after!.cpuUsageNs).toBeGreaterThan(0)
    expect(after!.networkReceiveBytes!).toBeLessThan(5_000)
  })

  check('gives the last lines of both outputs, and no more bytes than asked for', async () => {
    const id = await run('serves')
    await expect
      .poll(() => engine.logs(id, { tailLines: 50, maxBytes: 10_000 }), { timeout: PATIENCE_MS })
      .toContain('hello')
    expect((await engine.logs(id, { tailLines: 1, maxBytes: 10_000 })).length).toBe(1)
    expect(await engine.logs(id, { tailLines: 50, maxBytes: 2 })).toEqual([])
  })

  check('follows what is logged from now on, and ends with the container', async () => {
    const id = await run('serves')
    await expect
      .poll(() => engine.logs(id, { tailLines: 50, maxBytes: 10_000 }), { timeout: PATIENCE_MS })
      .toContain('hello')
    const signal = AbortSignal.timeout(PATIENCE_MS)
    let text = ''
    for await (const piece of engine.followLogs(id, { signal })) {
      text += piece
      if (text.match(/hello\n/g)?.length === 2) await engine.stop(id, { graceSeconds: 10 })
    }
    expect(signal.aborted).toBe(false)
    expect(text).toMatch(/^((hello|trouble)\n)+$/)
  })

  check('shows the processes of a running container', async () => {
    const id = await run('serves')
    const { titles, processes } = await engine.top(id)
    expect(titles).toContain('PID')
    expect(titles).toContain('CMD')
    expect(processes.length).toBeGreaterThan(0)
    for (const process of processes) expect(process.length).toBe(titles.length)
  })

  check('stops, starts, pauses and unpauses; what is so already is no error', async () => {
    const id = await run('serves')
    const stateAfter = async (action: Promise<void>) => action.then(async () => (await engine.inspect(id))!.state)
    expect(await stateAfter(engine.stop(id, { graceSeconds: 5 }))).toBe('exited')
    expect(await stateAfter(engine.stop(id, { graceSeconds: 5 }))).toBe('exited')
    await expect(engine.pause(id)).rejects.toMatchObject({ kind: 'conflict' })
    await expect(engine.top(id)).rejects.toMatchObject({ kind: 'conflict' })
    expect(await stateAfter(engine.start(id))).toBe('running')
    expect(await stateAfter(engine.start(id))).toBe('running')
    expect(await stateAfter(engine.pause(id))).toBe('paused')
    await expect(engine.start(id)).rejects.toMatchObject({ kind: 'conflict' })
    expect(await stateAfter(engine.unpause(id))).toBe('running')
  })

  check('changes limits while it runs', async () => {
    const id = await run('serves')
    const since = await afterNow()
    await engine.updateLimits(id, { memoryBytes: 96 * MIB })
    await engine.updateLimits(id, { cpuCores: 0.25 })
    expect(kinds(await eventsUntil(engine, id, since, 'update'))).toEqual(['update'])
    expect(await engine.inspect(id)).toMatchObject({ memoryLimitBytes: 96 * MIB, cpuLimitCores: 0.25 })
    await readings(engine, id, 1, ({ memoryLimitBytes }) => memoryLimitBytes === 96 * MIB)
    await expect(engine.updateLimits(id, { memoryBytes: MIB })).rejects.toMatchObject({ name: 'EngineError' })
    await expect(engine.updateLimits(id, { cpuCores: 100_000 })).rejects.toMatchObject({ name: 'EngineError' })
  })

  check('takes a container off its network and puts it back', async () => {
    const id = await run('serves')
    await readings(engine, id, 1, ({ networkReceiveBytes }) => networkReceiveBytes !== null)
    await engine.disconnect(id, 'bridge')
    await readings(engine, id, 1, ({ networkReceiveBytes }) => networkReceiveBytes === null)
    await expect(engine.disconnect(id, 'bridge')).rejects.toMatchObject({ name: 'EngineError' })
    await engine.connect(id, 'bridge')
    await readings(engine, id, 1, ({ networkReceiveBytes }) => networkReceiveBytes !== null)
    await expect(engine.connect(id, 'no-such-network')).rejects.toMatchObject({ kind: 'not-found' })
  })

  check('its streams end with their signal', async ({ onTestFinished }) => {
    const id = await run('serves')
    const stopping = new AbortController()
    onTestFinished(() => stopping.abort())
    const drain = async (stream: AsyncIterable<unknown>) => {
      for await (const _ of stream) setTimeout(() => stopping.abort(), 10)
    }
    await Promise.all([
      drain(engine.events({ sinceMs: nowMs() - 5_000, signal: stopping.signal })),
      drain(engine.stats(id, { signal: stopping.signal, onSkip: () => {} })),
    ])
    expect(stopping.signal.aborted).toBe(true)
  })
})

test('an id that is none is refused before any request', async () => {
  const nowhere = createDockerEngine({ dockerHost: `unix://${join(folder, 'nobody.sock')}` })
  await expect(nowhere.list()).rejects.toMatchObject({ kind: 'unreachable' })
  for (const id of ['../../info', 'abc', `${'0'.repeat(64)}/json?x=`, '']) {
    await expect(nowhere.inspect(id)).resolves.toBeNull()
    await expect(nowhere.restart(id, { graceSeconds: 1 })).rejects.toMatchObject({ kind: 'not-found' })
    await expect(nowhere.connect(id, 'bridge')).rejects.toMatchObject({ kind: 'not-found' })
  }
  await expect(nowhere.connect('0'.repeat(64), '../bridge')).rejects.toMatchObject({ kind: 'not-found' })
})
