import { randomUUID } from 'node:crypto'
import { systemClock } from '../../server/clock.ts'
import { createCgroupSource } from '../../server/collect/cgroup-source.ts'
import { createDockerEngine } from '../../server/collect/docker-engine.ts'
import { createInventory } from '../../server/collect/inventory.ts'
import { createLogWatches } from '../../server/collect/log-watch.ts'
import { createSampler } from '../../server/collect/sampler.ts'
import { AppError, messageOf } from '../../server/errors.ts'
import { createLog } from '../../server/log.ts'
import { createFailureSigns } from '../drill/failure-signs.ts'
import { openRealEngine, type RealEngine } from '../real-engine.ts'
import { programScript } from './program.ts'
import type { Facts, Run } from './run-file.ts'
import type { RunPlan } from './run-plan.ts'

const ROUND_MS = 1_000
/** What comes after the last failure belongs to it. */
const AFTER_FAILURE_MS = 10_000
/** A container that ended and was not begun again within this time is not coming back. */
const STAYS_ENDED_MS = 3_000
const ENGINE_WITHIN_MS = 10_000

type Watched = {
  run: Run
  plan: RunPlan
  signs: ReturnType<typeof createFailureSigns>
  facts: Facts | null
  endedAtMs: number | null
  actsLeft: RunPlan['acts']
  done: (run: Run) => void
}

export type Recorder = AsyncDisposable & {
  /** Runs a plan's container and resolves with what was seen of it; it is removed then. Rejects where it cannot start. */
  record(plan: RunPlan): Promise<Run>
}

/** Unplanned ends of these do not end a recording: the restart policy begins them again. */
const restarts = ({ container }: RunPlan) => container.restartPolicy === 'on-failure'

/**
 * Records containers on the engine of `DOCKER_HOST` through the program's own collection: samples once a second, the
 * engine's events, and what inspections say whenever it changes. Disposing it removes all that it started.
 */
export async function openRecorder(): Promise<Recorder> {
  await using parts = new AsyncDisposableStack()
  const real = await openRealEngine()
  if (real === null) throw new AppError('no Docker engine answers: start one, or set DOCKER_HOST')
  parts.use(real)
  const log = createLog('warn')
  const clock = systemClock
  const watched = new Map<string, Watched>()
  const engine = createDockerEngine({ dockerHost: real.dockerHost })
  const inventory = parts.use(
    createInventory({
      engine,
      clock,
      log,
      random: Math.random,
      onEvent(event) {
        const one = watched.get(event.containerId)
        if (one === undefined) return
        one.run.happenings.push({ seen: 'event', at: clock.now(), event })
        one.signs.event(event)
        if (event.kind === 'die') one.endedAtMs = clock.now()
        if (event.kind !== 'start') return
        one.endedAtMs = null
        sampler.reset(event.containerId)
      },
      onEngine: () => {},
    }),
  )
  const sampler = parts.use(
    createSampler({
      engine,
      clock,
      log,
      host: () => inventory.engine.description,
      choice: 'auto',
      files: createCgroupSource({ now: () => clock.now() }),
      watchLog: createLogWatches({ engine, clock, log, files: true, streams: true }),
      intervalOf: () => ROUND_MS,
    }),
  )
  const deadline = clock.now() + ENGINE_WITHIN_MS
  while (inventory.engine.state !== 'ok') {
    if (clock.now() > deadline) throw new AppError(`the engine is not ready: ${inventory.engine.detail}`)
    await clock.sleep(100)
  }

  const finish = (id: string, one: Watched, end: Run['header']['end']) => {
    watched.delete(id)
    Object.assign(one.run.header, { end, endedAt: clock.now() })
    void real.remove(id).catch((error) => log.warn({ id, reason: messageOf(error) }, 'container not removed'))
    one.done(one.run)
  }

  const lookAt = (id: string, one: Watched) => {
    const { plan, run } = one
    const found = inventory.containers.get(id)
    if (found !== undefined) {
      const { state, health, healthFailingStreak, startedAt, exitCode, oomKilled, restartCount } = found
      const facts = { state, health, healthFailingStreak, startedAt, exitCode, oomKilled, restartCount }
      if (JSON.stringify(facts) !== JSON.stringify(one.facts))
        run.happenings.push({ seen: 'facts', at: clock.now(), facts })
      one.facts = facts
    }
    const elapsed = clock.now() - run.header.beganAt
    const due = one.actsLeft[0]
    if (due !== undefined && elapsed >= due.atSeconds * 1000) {
      one.actsLeft = one.actsLeft.slice(1)
      const act = due.do === 'start' ? engine.start(id) : engine[due.do](id, { graceSeconds: 5 })
      void act.catch((error) => log.warn({ family: plan.family, reason: messageOf(error) }, 'act failed'))
    }
    const failed = run.header.failures.at(-1)
    const lasting = failed?.sign === 'unhealthy' || failed?.sign === 'saturated'
    if (failed !== undefined && lasting && clock.now() - failed.at > AFTER_FAILURE_MS) finish(id, one, 'failed')
    else if (
      one.endedAtMs !== null &&
      clock.now() - one.endedAtMs > STAYS_ENDED_MS &&
      !restarts(plan) &&
      one.actsLeft.length === 0
    )
      finish(id, one, 'ended')
    else if (elapsed > plan.seconds * 1000) finish(id, one, 'time')
  }

  const stop = new AbortController()
  const loop = async () => {
    for (let dueMs = clock.now(); !stop.signal.aborted; dueMs = Math.max(dueMs + ROUND_MS, clock.now() - ROUND_MS)) {
      await clock.sleep(Math.max(0, dueMs - clock.now()), stop.signal)
      sampler.sync([...inventory.containers.values()].filter(({ id }) => watched.has(id)))
      for (const sample of sampler.take()) {
        const one = watched.get(sample.containerId)
        one?.run.happenings.push({ seen: 'sample', sample })
        one?.signs.cpu(sample.cpuShareOfLimit, sample.at)
      }
      for (const [id, one] of watched) lookAt(id, one)
    }
  }
  const looping = loop()
  parts.defer(async () => {
    stop.abort()
    await looping
  })
  const disposal = parts.move()
  return {
    record: (plan) => recordOne(real, plan, watched, inventory.engine.description?.version ?? 'unknown'),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  }
}

async function recordOne(
  real: RealEngine,
  plan: RunPlan,
  watched: Map<string, Watched>,
  engineVersion: string,
): Promise<Run> {
  const { family, kind, use, seed, parameters, container, program } = plan
  const name = `recorded-${family}-${seed}-${randomUUID().slice(0, 6)}`
  const id = await real.run({
    ...container,
    name,
    network: 'none',
    command: ['sh', '-c', programScript(program, seed)],
  })
  const run: Run = {
    header: {
      family,
      kind,
      use,
      seed,
      parameters,
      containerId: id,
      name,
      image: real.image,
      memoryLimitBytes: container.memoryBytes ?? 0,
      cpuLimitCores: container.cpuCores ?? null,
      pidsLimit: container.pidsLimit ?? null,
      engine: engineVersion,
      beganAt: Date.now(),
      endedAt: 0,
      end: 'time',
      failures: [],
    },
    happenings: [],
  }
  const signs = createFailureSigns((sign, at) => {
    const last = run.header.failures.at(-1)
    // The kernel's kill and the end that it causes are one failure.
    if (sign === 'exit' && last?.sign === 'oom' && at - last.at < 5_000) return
    // So are the kills of one moment.
    if (sign === 'oom' && last?.sign === 'oom' && at - last.at < 2_000) return
    run.header.failures.push({ sign, at })
  })
  return new Promise((done) => {
    watched.set(id, { run, plan, signs, facts: null, endedAtMs: null, actsLeft: plan.acts, done })
  })
}
