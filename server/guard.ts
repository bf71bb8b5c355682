import type { Executor } from './act/executor.ts'
import { assess, notEvaluated } from './analyse/assess.ts'
import { inspected, type Life, type LifeTurn, newLife, notice } from './analyse/life.ts'
import { SATURATION_FAILS_MS } from './analyse/saturation.ts'
import { WINDOW_SAMPLES } from './analyse/series.ts'
import { beginLife, createWindow, observeAcrossGap, type Window } from './analyse/window.ts'
import { createAround, NOTHING_AROUND } from './around.ts'
import type { AutonomyBook, Brake } from './autonomy-book.ts'
import type { EngineState } from './collect/inventory.ts'
import type { Sampler } from './collect/sampler.ts'
import type { Assessment, Calibration } from './contracts/assessment.ts'
import type { AuditEvent, AuditRecord } from './contracts/audit.ts'
import type { Explanation, Incident, Mode } from './contracts/incident.ts'
import type { Clock } from './contracts/ports.ts'
import type { Runbook } from './contracts/runbook.ts'
import type { HostFigures } from './contracts/status.ts'
import type { Container, EngineEvent, Sample } from './contracts/telemetry.ts'
import { advance, type Effect, newWatch, type Situation, type Stimulus, type Watch } from './decide/incident-machine.ts'
import { judge } from './decide/judge.ts'
import { hostRail } from './decide/rails.ts'
import { labelProblems, type PolicySettings, protectionOf } from './decide/remediation-policy.ts'
import { isSuspect } from './decide/watch-clocks.ts'
import { messageOf } from './errors.ts'
import { createHostRecord } from './host-record.ts'
import { createLeaseKeeper } from './lease-keeper.ts'
import { createLeases } from './leases.ts'
import type { Log } from './log.ts'
import type { ScoreBook } from './score-book.ts'
import type { Observation } from './store/stored-metrics.ts'
import { createUnsettled } from './unsettled.ts'

/** One container as the guard sees it now. */
export type Tracked = {
  container: Container
  mode: Mode
  protectedBecause: string | null
  sample: Sample | null
  assessment: Assessment
  freshness: 'live' | 'stale' | 'none'
  openIncidentId: string | null
}

export type Guard = {
  /** One round of the loop: take samples, assess, decide, act. Never rejects. */
  round(): Promise<void>
  /** Whether somebody has just turned critical: then `lookCloser` is worth it before the next round. */
  readonly suspects: boolean
  /** Looks again at those who have just turned critical, where there is another reading of them. Never throws. */
  lookCloser(): void
  onEngineEvent(event: EngineEvent): void
  /** Takes a window that has seen what was stored of a container before the start; what came since is added to it. */
  warm(container: Container, window: Window): void
  /** No such window comes any more: what was kept for them is let go. */
  warmed(): void
  /**
   * Takes up incidents that were open when the service ended, and leases that were not over; `restarts` are the
   * program's own actions of the last hour.
   */
  resume(
    open: readonly Incident[],
    restarts: readonly { containerKey: string; at: number }[],
    leased: readonly Incident[],
  ): void
  /** Why nothing is done now by itself, whichever container it is, or `null`. */
  readonly brake: Brake
  /** An operator's word on a proposed action; gives why it was not taken, or `null`. */
  answer(incident: Incident, actionId: string, word: 'approve' | 'reject', by: string, reason: string): string | null
  tracked(containers?: Iterable<Container>): Tracked[]
  /** How often a container is to be read: calm ones as the budget allows, all others each second. */
  intervalOf(containerId: string): number
  /** Resolves when no action is in flight any more. */
  settled(): Promise<void>
}

/** Ends and turns that are failures. */
const FAILURES: ReadonlySet<LifeTurn['kind']> = new Set(['oom', 'crash', 'crash-loop', 'unhealthy'])

/** Without a reading for so long, what was thought of a container no longer holds. */
const STALE_MS = 5_000

/** So many first samples are kept for a window from before the start; by then one has warmed up without. */
const MOST_EARLY = 120

/** Whoever is not calm, and whoever is too young to tell, is read each second. */
const ALERT_INTERVAL_MS = 1_000

/**
 * So many containers are read, assessed and told of at a stretch: of many thousands none waits for all the others.
 * Between two stretches requests and events get their turn.
 */
const CONTAINERS_AT_A_STRETCH = 250

const NOT_AUDITED = 'not done: the audit log cannot be written'

/** Compose removes before it creates again: a container that is gone may be back under its key within this time. */
const GONE_MS = 10_000

type Subject = {
  window: Window
  /** Its first samples, as long as a window that knows of the time before may still come; `null` from then on. */
  early: Sample[] | null
  life: Life
  assessment: Assessment
  startedAt: number | null
  /** When the newest sample came, on our clock: the engine's may differ. */
  heardAtMs: number
  stale: boolean
  changed: boolean
  /** Its saturation counts as one failure. */
  saturationFailed: boolean
}

/**
 * The loop: reads what the sampler has, assesses each container, lets the incident machine decide, and carries out the
 * effects. Holds the only mutable state between rounds; everything that it needs comes in as a parameter.
 */
export function createGuard(ports: {
  clock: Clock
  log: Log
  /** The failure model as it is now. */
  calibration: () => Calibration
  settings: PolicySettings
  autonomy: Pick<AutonomyBook, 'modeOf' | 'stopped' | 'resumedAtMs' | 'judgementsOf' | 'remediesOf' | 'take'>
  runbooks: readonly Runbook[]
  /** The whole host now, where its files can be seen. */
  hostFigures: () => HostFigures | null
  ownContainerId: string | null
  inventory: () => { containers: ReadonlyMap<string, Container>; engine: EngineState }
  sampler: Pick<Sampler, 'sync' | 'take' | 'reset'>
  calmIntervalMs: () => number
  /** Resolves when all that waited had its turn. */
  breathe: () => Promise<void>
  executor: Executor
  explain: (incident: Incident) => Promise<Explanation>
  /** Keeps what is to be seen of a container now. */
  onOpened: (incident: Incident) => void
  /** The same before an action, which it may hold up for a moment. Never rejects. */
  beforeAction: (incident: Incident, actionId: string) => Promise<void>
  newId: () => string
  /** Writes to the audit log, on disk when it returns; throws where it cannot. */
  audit: (
    record: Pick<
      AuditRecord,
      'event' | 'actor' | 'container' | 'incidentId' | 'actionId' | 'probability' | 'decision' | 'reason' | 'result'
    > & { evidence: unknown },
  ) => void
  /** Writes down what concerns the whole host. */
  noteHost: (record: { event: AuditEvent; reason: string }) => void
  scores: Pick<ScoreBook, 'assessed' | 'failed' | 'cutShort'>
  /** Part of a round is done, or all of it: these containers as they are now, and when their readings were complete. */
  onAssessed: (containers: readonly Container[], readAtMs: number) => void
  onObserved: (atMs: number, observations: Observation[]) => void
  onIncident: (incident: Incident) => void
}): Guard {
  const { clock, log, settings, sampler, executor, autonomy } = ports
  const subjects = new Map<string, Subject>()
  const watches = new Map<string, Watch>()
  const missingSinceMs = new Map<string, number>()
  let mayBeWarmed = true
  let inFlight: Promise<void> | null = null
  let troubled = 0
  /** Containers that have just turned critical. */
  const suspects = new Set<string>()
  /** Those of them that have no incident yet. */
  const turning = new Set<string>()
  /** What was seen of them between two rounds. */
  let seenBetween: Observation[] = []
  const leases = createLeases()
  const unsettled = createUnsettled({ clock, containers: () => ports.inventory().containers })
  const host = createHostRecord({
    now: () => clock.now(),
    stopped: autonomy.stopped,
    resumedAtMs: () => autonomy.resumedAtMs,
  })
  const around = createAround({
    ...ports,
    now: () => clock.now(),
    containers: () => ports.inventory().containers,
    hostCores: () => ports.inventory().engine.description?.hostCores ?? null,
    incidentOf: (key) => watches.get(key)?.incident ?? null,
    seenOf(id) {
      const subject = subjects.get(id)
      return { sample: subject?.window.latest ?? null, assessment: subject?.assessment ?? null }
    },
    inForce: (key) => leases.ofContainer(key).map(({ kind }) => kind),
  })

  const subjectOf = (container: Container): Subject => {
    let subject = subjects.get(container.id)
    if (subject === undefined) {
      const life = inspected(newLife(), container, clock.now())
      subject = {
        window: createWindow(container.id),
        early: mayBeWarmed ? [] : null,
        life,
        assessment: notEvaluated(container.id, clock.now()),
        startedAt: container.startedAt,
        heardAtMs: 0,
        stale: false,
        changed: true,
        saturationFailed: false,
      }
      subjects.set(container.id, subject)
      for (const reason of labelProblems(container)) log.warn({ container: container.name, reason }, 'label ignored')
    }
    return subject
  }

  /** Two containers can share a key while compose replaces one by the other: the newer one is meant. */
  const currentByKey = (): Map<string, Container> => {
    const current = new Map<string, Container>()
    for (const container of ports.inventory().containers.values()) {
      const other = current.get(container.key)
      if (other === undefined || (container.createdAt ?? 0) >= (other.createdAt ?? 0))
        current.set(container.key, container)
    }
    return current
  }

  const situationOf = (container: Container): Situation => {
    const subject = subjects.get(container.id)
    const isCalm = watches.get(container.key)?.incident == null && subject?.assessment.light !== 'critical'
    return {
      at: clock.now(),
      container,
      mode: autonomy.modeOf(container).mode,
      protectedBecause: protectionOf(container, ports.ownContainerId),
      sample: subject?.window.latest ?? null,
      assessment: subject?.assessment ?? null,
      host: hostFacts(),
      ...(isCalm ? NOTHING_AROUND : around(container)),
    }
  }

  /** One action at a time: also one that the engine was asked for before the service was started anew. */
  const isBusy = (): boolean => inFlight !== null || unsettled.isAny()

  const hostFacts = () =>
    host.facts({
      actionInFlight: isBusy(),
      containers: ports.inventory().containers.size,
      troubled,
      turning: turning.size,
    })

  /** Lets the machine take a stimulus, and carries out what it asks for. Gives the machine's refusal. */
  const tell = (key: string, stimulus: Stimulus, situation: Situation): string | null => {
    const watch = watches.get(key) ?? newWatch(key)
    const step = advance(watch, stimulus, { situation, settings, newId: ports.newId })
    watches.set(key, step.watch)
    const { id } = situation.container
    const isOne = isSuspect(step.watch, situation.at)
    if (isOne) suspects.add(id)
    else suspects.delete(id)
    if (isOne && step.watch.incident === null) turning.add(id)
    else turning.delete(id)
    troubled += Number(step.watch.incident !== null) - Number(watch.incident !== null)
    for (const effect of step.effects) perform(key, effect)
    return step.refusal ?? null
  }

  const perform = (key: string, effect: Effect): void => {
    if (effect.type === 'record') {
      record(effect)
      if (effect.event === 'incident.opened') ports.onOpened(effect.incident)
    } else if (effect.type === 'diagnose') diagnose(key, effect.incident)
    else execute(key, effect)
  }

  const unwritten = new Set<string>()

  /** What the host and the ledger learn from what is written down. */
  const learn = ({ event, incident, action }: Extract<Effect, { type: 'record' }>) => {
    leases.note(incident)
    if (event === 'incident.opened') host.incidentOpened()
    if (event === 'incident.resolved') autonomy.take(judge(incident))
    if (action !== null && (event === 'action.verified' || event === 'action.ineffective'))
      host.actionJudged(incident.containerKey, action, event === 'action.verified')
  }

  const record = (effect: Extract<Effect, { type: 'record' }>) => {
    const { event, incident, action, decision, reason, result } = effect
    learn(effect)
    try {
      ports.audit({
        event,
        actor: action?.by ?? 'dockerpulse',
        container: { id: incident.containerId, key: incident.containerKey, name: incident.containerName },
        incidentId: incident.id,
        actionId: action?.id ?? null,
        probability: action?.probability ?? incident.probability,
        decision,
        reason: reason.slice(0, 2000),
        result,
        evidence: { snapshot: incident.snapshot, evidence: incident.evidence },
      })
      if (action !== null) unwritten.delete(action.id)
    } catch (error) {
      log.error({ event, incidentId: incident.id, reason: messageOf(error) }, 'audit entry could not be written')
      if (action !== null) unwritten.add(action.id)
    }
    log.info({ event, container: incident.containerName, incidentId: incident.id, reason }, event)
    ports.onIncident(incident)
  }

  const diagnose = (key: string, incident: Incident) => {
    void ports.explain(incident).then((explanation) => {
      const watch = watches.get(key)
      const container = ports.inventory().containers.get(incident.containerId)
      if (watch?.incident?.id !== incident.id || container === undefined) return
      tell(key, { type: 'explained', explanation }, situationOf(container))
    })
  }

  const execute = (key: string, { incident, action, plan }: Extract<Effect, { type: 'execute' }>) => {
    const order = { deed: action.deed, stopGraceSeconds: action.stopGraceSeconds, ...plan }
    const begun = host.actionBegan(key, action)
    const run = unwritten.has(action.id)
      ? Promise.resolve({ outcome: 'refused' as const, reason: NOT_AUDITED, askedAt: null })
      : ports.beforeAction(incident, action.id).then(() => executor.run(order))
    inFlight = run.then((done) => {
      inFlight = null
      if (done.outcome === 'refused') host.actionRefused(begun)
      const container = ports.inventory().containers.get(plan.containerId) ?? departed(incident)
      tell(key, { type: 'action-done', actionId: action.id, ...done }, situationOf(container))
    })
  }

  const leaseKeeper = createLeaseKeeper({
    ...ports,
    leases,
    containers: () => ports.inventory().containers,
    engineAnswers: () => ports.inventory().engine.state === 'ok',
    usedBytesOf: (id) => subjects.get(id)?.window.latest?.workingSetBytes ?? null,
    note: (event, { incident, action }, reason, result) =>
      record({ type: 'record', event, incident, action, decision: action.kind, reason, result }),
    isUnwritten: (actionId) => unwritten.has(actionId),
    takenBack({ incident, action }) {
      const { id, containerKey, containerId } = incident
      const open = watches.get(containerKey)?.incident
      if (open?.id !== id) return incident
      const container = ports.inventory().containers.get(containerId) ?? departed(incident)
      tell(containerKey, { type: 'lease-over', actionId: action.id }, situationOf(container))
      return watches.get(containerKey)?.incident ?? incident
    },
  })

  /** Puts back what was done for a time; one thing at a time, like all actions. */
  const takeBackDue = () => {
    if (isBusy() || autonomy.stopped() !== null) return
    const under = leaseKeeper.takeBackDue()
    if (under === null) return
    inFlight = under.then(() => {
      inFlight = null
    })
  }

  /** A storm is written down once, when it begins. */
  const lookForStorm = () => {
    const count = host.stormBegan(hostFacts())
    if (count === null) return
    ports.noteHost({
      event: 'storm.tripped',
      reason: `${count} incidents within a minute: nothing is done by itself until a minute has passed without, a person must look`,
    })
  }

  const observeSamples = (container: Container, samples: readonly Sample[]): Observation[] => {
    const subject = subjectOf(container)
    for (const sample of samples) hear(subject, sample)
    reassess(container, subject)
    const { key: containerKey, name: containerName } = container
    return samples.map((sample) => ({ containerKey, containerName, sample, assessment: subject.assessment }))
  }

  /** Reads, assesses and decides, container by container. `current` are those that their key means. */
  const lookAt = (containers: readonly Container[], current: ReadonlyMap<string, Container>): Observation[] => {
    const taken = sampler.take(containers.map(({ id }) => id))
    const samples = Map.groupBy(taken, ({ containerId }) => containerId)
    const readAtMs = clock.now()
    const observations = containers.flatMap((container) => observeSamples(container, samples.get(container.id) ?? []))
    for (const container of containers)
      if (current.get(container.key) === container) tell(container.key, { type: 'assessed' }, situationOf(container))
    ports.onAssessed(containers, readAtMs)
    return observations
  }

  const hear = (subject: Subject, sample: Sample): void => {
    observeAcrossGap(subject.window, sample)
    if (subject.early !== null && subject.early.push(sample) > MOST_EARLY) subject.early = null
    subject.heardAtMs = clock.now()
    subject.changed = true
  }

  const reassess = (container: Container, subject: Subject): void => {
    if (container.startedAt !== subject.startedAt) {
      subject.startedAt = container.startedAt
      beginLife(subject.window)
      subject.early = null
      subject.changed = true
    }
    const { healthFailingStreak, health } = subject.life.signs
    if (health !== container.health || healthFailingStreak !== container.healthFailingStreak) {
      subject.life = inspected(subject.life, container, clock.now())
      subject.changed = true
    }
    const stale = freshnessOf(container, subject) !== 'live'
    // Without samples only time changes what is thought: crashes age, and a sign that still stands is seen once more.
    const mayChange = subject.life.signs.crashTimesMs.length > 0 || subject.assessment.light === 'critical'
    if (subject.stale !== stale || (stale && mayChange)) subject.changed = true
    if (subject.changed) evaluate(container, subject)
  }

  /** Old samples say nothing of now: then only the signs of life count. */
  const evaluate = (container: Container, subject: Subject): void => {
    const { window, life } = subject
    const stale = freshnessOf(container, subject) !== 'live'
    window.life = { ...life.signs, at: stale ? clock.now() : Math.max(life.signs.at, window.latest?.at ?? 0) }
    subject.assessment = assess(
      stale ? { ...createWindow(window.containerId), life: window.life } : window,
      ports.calibration(),
    )
    subject.stale = stale
    subject.changed = false
    // Nobody sees what becomes of a container that runs and gives no readings.
    if (stale && container.state === 'running') ports.scores.cutShort(container.id)
    else ports.scores.assessed(subject.assessment)
    const failing = window.saturation.ms >= SATURATION_FAILS_MS
    if (failing && !subject.saturationFailed) ports.scores.failed(container.id)
    subject.saturationFailed = failing
  }

  const intervalOf = (containerId: string): number => {
    const subject = subjects.get(containerId)
    const container = ports.inventory().containers.get(containerId)
    if (subject === undefined || container === undefined) return ALERT_INTERVAL_MS
    const young = subject.window.cpuCores.length < WINDOW_SAMPLES
    const calm = subject.assessment.light === 'low' && !watches.get(container.key)?.incident
    return calm && !young ? ports.calmIntervalMs() : ALERT_INTERVAL_MS
  }

  const freshnessOf = (container: Container, { window, heardAtMs }: Subject): Tracked['freshness'] => {
    if (window.latest === null) return 'none'
    // A reading from a time that has not come yet is from before the clock was set back.
    const ageMs = Math.abs(clock.now() - heardAtMs)
    return container.state === 'running' && ageMs <= STALE_MS + intervalOf(container.id) ? 'live' : 'stale'
  }

  /** Containers that run and have an open incident: of those that ended the host is not the reason. */
  const countTroubled = (): number => {
    const { containers } = ports.inventory()
    let count = 0
    for (const { incident } of watches.values())
      if (incident !== null && containers.get(incident.containerId)?.state === 'running') count += 1
    return count
  }

  /** Incidents whose container is gone or was replaced end; those of an engine that is away wait. */
  const closeDeparted = (current: ReadonlyMap<string, Container>) => {
    if (ports.inventory().engine.state !== 'ok') return
    for (const { key, incident } of watches.values()) {
      if (incident === null) continue
      const container = current.get(key)
      if (container?.id === incident.containerId) {
        missingSinceMs.delete(key)
        continue
      }
      const since = missingSinceMs.get(key) ?? clock.now()
      missingSinceMs.set(key, since)
      if (clock.now() - since < GONE_MS) continue
      missingSinceMs.delete(key)
      tell(key, { type: 'removed' }, situationOf(departed(incident)))
    }
  }

  const forgetGone = (containers: ReadonlyMap<string, Container>, current: ReadonlyMap<string, Container>) => {
    for (const id of subjects.keys()) {
      if (containers.has(id)) continue
      subjects.delete(id)
      turning.delete(id)
      ports.scores.cutShort(id)
    }
    for (const [key, { incident, actionTimesMs }] of watches) {
      if (incident === null && actionTimesMs.length === 0 && !current.has(key)) watches.delete(key)
    }
  }

  return {
    async round() {
      try {
        host.look()
        const { containers } = ports.inventory()
        sampler.sync(containers.values())
        troubled = countTroubled()
        const [all, atFirst] = [[...containers.values()], currentByKey()]
        const observations = [...seenBetween, ...lookAt(all.slice(0, CONTAINERS_AT_A_STRETCH), atFirst)]
        seenBetween = []
        for (let from = CONTAINERS_AT_A_STRETCH; from < all.length; from += CONTAINERS_AT_A_STRETCH) {
          await ports.breathe()
          observations.push(...lookAt(all.slice(from, from + CONTAINERS_AT_A_STRETCH), atFirst))
        }
        lookForStorm()
        const current = currentByKey()
        closeDeparted(current)
        takeBackDue()
        forgetGone(containers, current)
        ports.onObserved(clock.now(), observations)
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'a round of the loop failed')
      }
    },
    get suspects() {
      return suspects.size > 0
    },
    lookCloser() {
      try {
        const { containers } = ports.inventory()
        const closer = [...suspects].flatMap((id) => containers.get(id) ?? [])
        suspects.clear()
        if (closer.length > 0) seenBetween.push(...lookAt(closer, currentByKey()))
      } catch (error) {
        log.error({ reason: messageOf(error) }, 'a closer look failed')
      }
    },
    onEngineEvent(event) {
      const container = ports.inventory().containers.get(event.containerId)
      if (container === undefined) return
      const subject = subjectOf(container)
      const { life, turn } = notice(subject.life, event)
      subject.life = life
      subject.changed = true
      if (turn === null) return
      if (FAILURES.has(turn.kind)) ports.scores.failed(container.id)
      if (turn.kind === 'planned-stop' || turn.kind === 'completed') ports.scores.cutShort(container.id)
      if (turn.kind === 'started') {
        beginLife(subject.window)
        subject.early = null
        sampler.reset(container.id)
      }
      evaluate(container, subject)
      tell(container.key, { type: 'turned', turn }, situationOf(container))
    },
    warm(container, window) {
      const subject = subjectOf(container)
      if (subject.early === null || subject.startedAt !== container.startedAt) return
      const seenUntil = window.latest?.at ?? 0
      for (const sample of subject.early) if (sample.at > seenUntil) observeAcrossGap(window, sample)
      Object.assign(subject, { window, early: null, changed: subject.window.latest !== null })
    },
    warmed() {
      mayBeWarmed = false
      for (const subject of subjects.values()) subject.early = null
    },
    resume(open, restarts, leased) {
      for (const incident of leased) leases.note(incident)
      for (const incident of open) unsettled.take(incident)
      host.restore(restarts)
      for (const incident of open) watches.set(incident.containerKey, { ...newWatch(incident.containerKey), incident })
      for (const { containerKey, at } of restarts) {
        const watch = watches.get(containerKey) ?? newWatch(containerKey)
        const actionTimesMs = [...watch.actionTimesMs, at].sort((a, b) => a - b)
        watches.set(containerKey, { ...watch, actionTimesMs, attempts: actionTimesMs.length })
      }
      for (const incident of open) tell(incident.containerKey, { type: 'resumed' }, situationOf(departed(incident)))
    },
    answer(incident, actionId, word, by, reason) {
      host.look()
      const container = ports.inventory().containers.get(incident.containerId) ?? departed(incident)
      return tell(incident.containerKey, { type: 'operator', actionId, word, by, reason }, situationOf(container))
    },
    get brake() {
      host.look()
      const rail = hostRail(hostFacts(), settings, clock.now())
      return rail === null ? null : { reason: rail.reason, endsWithAWord: rail.endsWithAWord ?? false }
    },
    intervalOf,
    tracked: (containers = ports.inventory().containers.values()) =>
      Array.from(containers, (container) => {
        const subject = subjectOf(container)
        return {
          container,
          mode: autonomy.modeOf(container).mode,
          protectedBecause: protectionOf(container, ports.ownContainerId),
          sample: subject.window.latest,
          assessment: subject.assessment,
          freshness: freshnessOf(container, subject),
          openIncidentId: watches.get(container.key)?.incident?.id ?? null,
        }
      }),
    async settled() {
      while (inFlight !== null) await inFlight
    },
  }
}

/** A container that is not there any more, as its incident knew it. */
function departed(incident: Incident): Container {
  const { snapshot } = incident
  return {
    id: incident.containerId,
    key: incident.containerKey,
    name: incident.containerName,
    image: snapshot.image,
    imageId: '',
    state: 'removing',
    pid: null,
    health: 'none',
    healthFailingStreak: 0,
    composeProject: incident.composeProject,
    composeService: null,
    composeNumber: null,
    createdAt: null,
    startedAt: snapshot.startedAt,
    exitCode: snapshot.exitCode,
    oomKilled: false,
    restartCount: snapshot.restartCount,
    memoryLimitBytes: snapshot.memoryLimitBytes,
    cpuLimitCores: snapshot.cpuLimitCores,
    stopGraceSeconds: 10,
    networkMode: null,
    networks: [],
    labels: {},
  }
}
