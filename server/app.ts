import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import canonicalize from 'canonicalize'
import { createExecutor } from './act/executor.ts'
import { loadRunbooks, SHIPPED_RUNBOOKS } from './act/runbooks.ts'
import { openAuditLog } from './audit/audit-log.ts'
import { sha256 } from './audit/merkle.ts'
import { createRestartMemory } from './audit/restart-memory.ts'
import { openAutonomyBook } from './autonomy-book.ts'
import { createBlackBox } from './black-box.ts'
import { createBlackBoxMemory } from './black-box-memory.ts'
import { createBlackBoxReading } from './black-box-reading.ts'
import { createChanges } from './changes.ts'
import { createCgroupSource } from './collect/cgroup-source.ts'
import { parseDockerAddress } from './collect/docker-address.ts'
import { createDockerEngine } from './collect/docker-engine.ts'
import { openHostReader } from './collect/host-reader.ts'
import { createInventory } from './collect/inventory.ts'
import { createLogWatches } from './collect/log-watch.ts'
import { readOwnContainerId } from './collect/own-container.ts'
import { createCostMeter } from './collect/process-cost.ts'
import { createSampler } from './collect/sampler.ts'
import type { Config } from './config.ts'
import type { AuditEvent, AuditRecord } from './contracts/audit.ts'
import type { Clock, Engine } from './contracts/ports.ts'
import { OwnCalibration } from './contracts/scoreboard.ts'
import type { Container } from './contracts/telemetry.ts'
import { createDiagnosis } from './diagnose/diagnose.ts'
import { createModelServer } from './diagnose/ollama.ts'
import { messageOf, StoreError } from './errors.ts'
import { createGuard, type Guard } from './guard.ts'
import { createHostWatch } from './host-figures.ts'
import { createApi } from './http/api.ts'
import { createLive } from './http/live.ts'
import { openIncidentBook } from './incident-book.ts'
import { listen } from './listen.ts'
import type { Log } from './log.ts'
import { createOverhead } from './overhead.ts'
import { openOwnCalibration } from './own-calibration.ts'
import { readCalibration } from './read-calibration.ts'
import { createRecorder } from './recorder.ts'
import { openScoreBook } from './score-book.ts'
import { createService } from './service.ts'
import { createStatus } from './status.ts'
import { openArchive } from './store/archive.ts'
import { createAutonomyStore } from './store/autonomy.ts'
import { archiveFolderOf, openDatabase } from './store/database.ts'
import { type HistoryQuery, readHistory } from './store/history.ts'
import { createIncidentStore } from './store/incidents.ts'
import { readRecentSamples } from './store/recent-samples.ts'
import { openRecordings } from './store/recordings.ts'
import { openSampleStore } from './store/samples.ts'
import { createScoreStore } from './store/scores.ts'
import { createSetting } from './store/setting.ts'
import { parseTiers } from './store/tiers.ts'
import { containerView, incidentView, isoTime } from './views.ts'
import { warmUp } from './warm-up.ts'

const ROOT = new URL('../', import.meta.url)
const ROUND_MS = 1_000
/** Between two stretches of a round what was sent to open dashboards gets on its way. */
const BREATH_MS = 8
/** Between two rounds those that have just turned critical are looked at so often. */
const CLOSER_MS = 100
const HOUR_MS = 3_600_000

/** One for each container; more than this no page could show. */
const MOST_OPEN_INCIDENTS = 5_000

export type App = AsyncDisposable & { readonly url: string }

function readVersion(): string {
  return (JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string }).version
}

/** A round a second; those that were missed are left out, and a clock that was set back is followed at once. */
function nextRoundMs(lastDueMs: number, nowMs: number): number {
  const dueMs = lastDueMs + ROUND_MS
  return dueMs < nowMs || dueMs > nowMs + ROUND_MS ? nowMs : dueMs
}

/** After these the log is signed at once, as it is before the action. */
const SIGNED_AT_ONCE: ReadonlySet<AuditEvent> = new Set([
  'action.executed',
  'action.failed',
  'action.refused',
  'action.unknown',
])

/**
 * Builds the program and runs its loop until it is disposed. Throws ConfigError, StoreError or AuditError where it
 * cannot start; an engine or a model that is not there is a state, not an error.
 */
export async function openApp(options: {
  config: Config
  clock: Clock
  log: Log
  demo?: boolean
  /** Another engine than the configured one, for drills and simulations. */
  engine?: Engine
}): Promise<App> {
  const { config, clock, log, demo = false } = options
  await using parts = new AsyncDisposableStack()
  const now = () => clock.now()
  const version = readVersion()
  const shipped = readCalibration()
  let calibrationNow = () => shipped
  const settings = {
    threshold: config.threshold,
    cooldownMs: config.cooldownMs,
    maxActionsPerHour: config.maxRestartsPerHour,
    budgetShare: config.budgetShare,
    quietHours: config.quietHours,
    minJudged: config.minJudged,
    minPrecisionLower: config.minPrecisionLower,
  }
  const { runbooks, problems: runbookProblems } = loadRunbooks([
    SHIPPED_RUNBOOKS,
    ...(config.runbookFolder === null ? [] : [config.runbookFolder]),
  ])
  for (const problem of runbookProblems) log.warn(problem, 'runbook left out')
  const policyHash = sha256(JSON.stringify({ mode: config.mode, ...settings, runbooks })).toString('hex')

  try {
    mkdirSync(config.dataFolder, { recursive: true })
  } catch (error) {
    throw new StoreError(
      `the data folder ${config.dataFolder} cannot be used (${messageOf(error)}): set DOCKERPULSE_DATA to one that can be written`,
    )
  }
  const databasePath = join(config.dataFolder, 'dockerpulse.duckdb')
  const database = parts.use(
    await openDatabase({
      path: databasePath,
      memoryLimitMegabytes: config.databaseMemoryMegabytes,
      now,
    }),
  )
  const samples = parts.use(await openSampleStore(database, config.dataFolder))
  const tiers = parseTiers(config.retention)
  const archive = await openArchive({ database, folder: archiveFolderOf(databasePath), tiers, now })
  let archiveProblem: string | null = null
  let retryRecordings = async () => {}
  const storeRepairs = () => [
    ...database.repairs,
    ...archive.repairs,
    ...(samples.missing === null ? [] : [samples.missing]),
  ]

  const auditFolder = join(config.dataFolder, 'audit')
  const restarts = createRestartMemory(now() - HOUR_MS)
  const audit = parts.use(openAuditLog(auditFolder, now, { onEntry: restarts.take }))
  const write = (record: Partial<AuditRecord> & Pick<AuditRecord, 'event' | 'reason'>) =>
    audit.append({
      actor: 'dockerpulse',
      container: null,
      incidentId: null,
      actionId: null,
      probability: null,
      threshold: settings.threshold,
      calibration: calibrationNow().version,
      policyHash,
      evidenceHashes: [],
      decision: 'none',
      result: '',
      ...record,
    })
  /** For what is not followed by a deed: a log that cannot be written is said, and the loop goes on. */
  const note: (record: Parameters<typeof write>[0]) => void = (record) => {
    try {
      write(record)
    } catch (error) {
      log.error({ event: record.event, reason: messageOf(error) }, 'audit entry could not be written')
    }
  }
  for (const reason of audit.repairs) note({ event: 'audit.repaired', reason })
  for (const reason of audit.repairs) log.warn({ reason }, 'audit log repaired')
  let repairsNoted = 0
  /** DuckDB can give up a damaged file in the middle of a run, too. */
  const noteRepairs = () => {
    const repairs = storeRepairs()
    for (const reason of repairs.slice(repairsNoted)) {
      note({ event: 'store.repaired', reason })
      log.warn({ reason }, 'store repaired')
    }
    repairsNoted = repairs.length
  }
  noteRepairs()
  note({
    event: 'service.started',
    reason: `DockerPulse ${version} in mode ${config.mode}`,
    result: demo ? 'demo' : '',
  })
  if (audit.problem === null) audit.checkpoint()

  const engine = options.engine ?? createDockerEngine(config.docker)
  const incidents = createIncidentStore(database)
  const book = parts.use(await openIncidentBook({ store: incidents, log, onStored: () => publishStatus() }))
  const autonomy = await openAutonomyBook({
    store: createAutonomyStore(database),
    log,
    now,
    configuredMode: config.mode,
    stopFile: join(config.dataFolder, 'STOP'),
    settings,
  })
  const scores = await openScoreBook({
    store: createScoreStore(database),
    clock,
    horizonMs: shipped.horizonMs,
    correction: () => ownCalibration.own.correction,
  })
  const ownCalibration = await openOwnCalibration({
    store: createSetting(database, 'calibration', OwnCalibration),
    shipped,
    scores,
    now,
    write,
  })
  calibrationNow = () => ownCalibration.calibration
  parts.defer(() => scores.save().catch(() => {}))
  const recorder = parts.use(
    createRecorder({
      store: samples,
      clock,
      async maintain() {
        try {
          await samples.flush()
          await archive.rollUp()
          await archive.merge()
          await archive.prune()
          await samples.prune()
          await scores.save()
          archiveProblem = null
        } catch (error) {
          archiveProblem = `the history cannot be archived: ${messageOf(error)}`
          log.error({ reason: messageOf(error) }, 'archive could not be written')
        }
        try {
          await ownCalibration.look()
        } catch (error) {
          log.error({ reason: messageOf(error) }, 'the calibration could not be changed')
        }
        book.retry()
        await retryRecordings()
        // A checkpoint that can be written says that there is space again.
        if (audit.problem !== null)
          try {
            audit.checkpoint()
          } catch {}
      },
    }),
  )
  const diagnosis = parts.use(
    createDiagnosis({
      engine,
      server: config.ollama === null ? null : createModelServer(config.ollama),
      modelName: config.ollama?.model ?? 'none',
      clock,
    }),
  )

  let guard: Guard | undefined
  const memory = createBlackBoxMemory()
  const inventory = parts.use(
    createInventory({
      engine,
      clock,
      log,
      random: Math.random,
      onEvent(event) {
        memory.onEngineEvent(event, inventory.containers.get(event.containerId))
        guard?.onEngineEvent(event)
      },
      onEngine: ({ state, detail }) => {
        log.info({ state, detail }, 'engine state changed')
        note({ event: state === 'ok' ? 'engine.found' : 'engine.lost', reason: detail })
        publishStatus()
      },
    }),
  )
  const files = config.source === 'docker' ? null : createCgroupSource({ ...config, now })
  const sampler = parts.use(
    createSampler({
      engine,
      clock,
      log,
      host: () => inventory.engine.description,
      choice: config.source,
      files,
      watchLog: createLogWatches({
        engine,
        clock,
        log,
        files: config.source !== 'docker',
        streams: config.source !== 'cgroup',
      }),
      intervalOf: (containerId) => guard?.intervalOf(containerId) ?? ROUND_MS,
    }),
  )
  const overhead = createOverhead({
    meter: createCostMeter({
      procRoot: config.procRoot,
      socketPath: parseDockerAddress(config.docker).connection.socketPath,
      hostCores: availableParallelism,
      now,
    }),
    budgetShareOfHost: config.cpuBudgetShare,
    clock,
    log,
    engineIsAsked: () => sampler.source.byEngine > 0,
  })
  const hostReader = openHostReader({
    procRoot: config.procRoot,
    dockerRoot: () => inventory.engine.description?.rootDirectory ?? null,
    now,
  })
  parts.defer(() => hostReader[Symbol.dispose]())
  const hostWatch = createHostWatch(hostReader)
  const history = async (query: HistoryQuery) => {
    // Where the disk refuses, what is in the database is shown all the same.
    await samples.flush().catch(() => {})
    return readHistory({ database, archive, tiers, nowMs: now() }, query)
  }
  const recordings = openRecordings({ folder: join(config.dataFolder, 'black-box') })
  const reading = createBlackBoxReading({
    engine,
    clock,
    memory,
    containers: () => inventory.containers,
    tracked: () => guard?.tracked() ?? [],
    history: (query) => history({ ...query, horizonMs: 0 }),
    host: () => (demo ? null : hostWatch.figures),
  })
  const box = parts.use(
    createBlackBox({
      reading,
      clock,
      log,
      recordings,
      onKept: (
        { incidentId, moment, actionId },
        { number, sha256, bytes },
        { containerId, containerKey, containerName },
      ) =>
        note({
          event: 'evidence.kept',
          container: { id: containerId, key: containerKey, name: containerName },
          incidentId,
          actionId,
          evidenceHashes: [sha256],
          reason: `recording ${number} of the black box (${moment}), ${bytes} bytes of JSON`,
          result: 'kept',
        }),
    }),
  )
  retryRecordings = box.retry
  const blackBoxProblem = () =>
    box.lost.reason === null
      ? null
      : `${box.lost.count} recordings of the black box are not on the disk: ${box.lost.reason}`

  const status = createStatus({
    now,
    version,
    demo,
    calibration: () => ownCalibration.calibration.version,
    config,
    engine: () => inventory.engine,
    store: {
      sizeBytes: () => database.sizeBytes() + archive.sizeBytes() + recordings.sizeBytes,
      dropped: () => ({
        count: samples.dropped.count + recorder.lostSamples,
        reason: samples.dropped.reason,
      }),
      archiveProblem: () => archiveProblem ?? blackBoxProblem(),
      repairs: storeRepairs,
    },
    audit,
    diagnosis,
    counts: () => book.counts,
    source: () => sampler.source,
    overhead: () => overhead.state,
    host: () => (demo ? null : hostWatch.figures),
  })

  guard = createGuard({
    clock,
    log,
    calibration: () => ownCalibration.calibration,
    settings,
    autonomy,
    runbooks,
    hostFigures: () => (demo ? null : hostWatch.figures),
    ownContainerId: readOwnContainerId(),
    inventory: () => inventory,
    sampler,
    breathe: () => sleep(BREATH_MS),
    calmIntervalMs: () => overhead.state.calmIntervalMs,
    executor: createExecutor({
      engine,
      clock,
      checkpoint: () => void audit.checkpoint(),
      stopped: autonomy.stopped,
    }),
    explain: (incident) => diagnosis.explain(incident),
    onOpened: (incident) => void box.keep(incident, 'opened', null),
    beforeAction: (incident, actionId) => box.beforeAction(incident, actionId),
    newId: randomUUID,
    audit({ evidence, ...record }) {
      write({ ...record, evidenceHashes: [sha256(canonicalize(evidence)!).toString('hex')] })
      if (SIGNED_AT_ONCE.has(record.event)) audit.checkpoint()
    },
    noteHost: note,
    scores,
    onObserved(atMs, observations) {
      recorder.take(atMs, observations)
      memory.observed(observations, inventory.containers)
    },
    onAssessed(containers, readAtMs) {
      if (live.clients > 0) publishTick(containers, readAtMs)
    },
    onIncident(incident) {
      book.note(incident)
      live.publish({ type: 'incident', at: isoTime(now()), incident: incidentView(incident) })
    },
  })
  const running = guard
  const service = createService({
    now,
    status,
    scores,
    ownCalibration,
    guard,
    inventory,
    history,
    book,
    audit,
    auditFolder,
    autonomy,
    configuredMode: config.mode,
    recordings,
    note,
  })
  const changes = createChanges()
  const live = createLive({
    runId: randomUUID().slice(0, 8),
    snapshot: () => ({
      type: 'snapshot',
      at: isoTime(now()),
      containers: changes.told(),
      incidents: book.recent().map(incidentView),
      status: status(),
    }),
    bringUpToDate: () => publishTick(inventory.containers.values(), now()),
  })
  /** All ticks of one round have its time. */
  let roundAtMs = now()
  function publishTick(containers: Iterable<Container>, readAtMs: number) {
    live.publish({
      type: 'tick',
      at: isoTime(roundAtMs),
      readAt: isoTime(readAtMs),
      changed: changes.take(running.tracked(containers).map(containerView)),
      gone: changes.forgetOthers(inventory.containers),
    })
  }
  function publishStatus() {
    live.publish({ type: 'status', at: isoTime(now()), status: status() })
  }

  guard.resume(
    await book.list({ limit: MOST_OPEN_INCIDENTS, offset: 0, open: true }),
    restarts.all(),
    await incidents.leased(),
  )

  const { fetch } = createApi({
    service,
    live,
    log,
    tokens: { operator: config.token, viewer: config.viewerToken },
    allowedHosts: [config.host, ...config.allowedHosts],
    dashboardFolder: fileURLToPath(new URL('dashboard/build', ROOT)),
  })
  const { url } = parts.use(await listen({ fetch: (request) => fetch(request), host: config.host, port: config.port }))
  parts.defer(() => live.close())

  const stop = new AbortController()
  const loop = async () => {
    for (let dueMs = clock.now(); !stop.signal.aborted; dueMs = nextRoundMs(dueMs, clock.now())) {
      while (running.suspects && dueMs - clock.now() > CLOSER_MS && !stop.signal.aborted) {
        await clock.sleep(CLOSER_MS, stop.signal)
        running.lookCloser()
      }
      await clock.sleep(Math.max(0, dueMs - clock.now()), stop.signal)
      roundAtMs = now()
      await running.round()
      overhead.look()
      hostWatch.look()
      noteRepairs()
    }
  }
  const looping = loop()
  const warming = warmUp({
    clock,
    log,
    signal: stop.signal,
    inventory: () => inventory,
    async read(query) {
      // Where the disk refuses, what is in the database is read all the same.
      await samples.flush().catch(() => {})
      return readRecentSamples({ database, archive }, query)
    },
    breathe: () => sleep(0),
    take: running.warm,
  }).then(running.warmed)
  parts.defer(async () => {
    stop.abort()
    await looping
    await warming
    await running.settled()
    note({ event: 'service.stopped', reason: 'asked to stop' })
  })

  const disposal = parts.move()
  return { url, [Symbol.asyncDispose]: () => disposal.disposeAsync() }
}
