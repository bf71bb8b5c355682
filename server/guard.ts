import type { Executor } from './act/executor.ts'
import { createAround, NOTHING_AROUND } from './around.ts'
import type { AutonomyBook, Brake } from './autonomy-book.ts'
import type { EngineState } from './collect/inventory.ts'
import type { Sampler } from './collect/sampler.ts'
import type { Calibration } from './contracts/assessment.ts'
import type { AuditEvent, AuditRecord } from './contracts/audit.ts'
import type { Explanation, Incident, Mode } from './contracts/incident.ts'
import type { Clock } from './contracts/ports.ts'
import type { Runbook } from './contracts/runbook.ts'
import type { HostFigures } from './contracts/status.ts'
import type { Container, EngineEvent } from './contracts/telemetry.ts'
import {
  advance,
  type Effect,
  hasOwnTrouble,
  newWatch,
  type Situation,
  type Stimulus,
  type Watch,
} from './decide/incident-machine.ts'
import { judge } from './decide/judge.ts'
import { hostRail } from './decide/rails.ts'
import { type PolicySettings, protectionOf } from './decide/remediation-policy.ts'
import { isSuspect } from './decide/watch-clocks.ts'
import { messageOf } from './errors.ts'
import { createHostRecord } from './host-record.ts'
import { createLeaseKeeper } from './lease-keeper.ts'
import { createLeases } from './leases.ts'
import type { Log } from './log.ts'
import type { ScoreBook } from './score-book.ts'
import type { Observation } from './store/stored-metrics.ts'
import { createSubjects, type Seen, type Subjects } from './subjects.ts'
import { createUnsettled } from './unsettled.ts'

/** One container as the guard sees it now. */
export type Tracked = Seen & {
  container: Container
  mode: Mode
  protectedBecause: string | null
  openIncidentId: string | null
}

export type Guard = Pick<Subjects, 'warm' | 'warmed' | 'intervalOf'> & {
  /** One round of the loop: take samples, assess, decide, act. Never rejects. */
  round(): Promise<void>
  /** Whether somebody has just turned critical: then `lookCloser` is worth it before the next round. */
  readonly suspects: boolean
  /** Looks again at those who have just turned critical, where there is another reading of them. Never throws. */
  lookCloser(): void
  onEngineEvent(event: EngineEvent): void
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
  /** Resolves when no action is in flight any more. */
  settled(): Promise<void>
}

/**
 * Above so many, containers are read, assessed and told of in stretches of at least half of that: of thousands none waits
 * for all the others. Between two stretches requests and events get their turn.
 */
const CONTAINERS_AT_ONCE = 100
const MOST_STRETCHES = 20

const stretchOf = (containers: number): number =>
  containers <= CONTAINERS_AT_ONCE
    ? CONTAINERS_AT_ONCE
    : Math.max(CONTAINERS_AT_ONCE / 2, Math.ceil(containers / MOST_STRETCHES))

const NOTHING_SEEN = { sample: null, assessment: null } as const

const NOT_AUDITED = 'not done: the audit log cannot be written'

/** Compose removes before it creates again: a container that is gone may be back under its key within this time. */
const GONE_MS = 10_000

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
  const watches = new Map<string, Watch>()
  const missingSinceMs = new Map<string, number>()
  let inFlight: Promise<void> | null = null
  let troubled = 0
  /** Containers that have just turned critical. */
  const suspects = new Set<string>()
  /** Those of them that have no incident yet. */
  const turning = new Set<string>()
  /** What was seen of them between two rounds. */
  let seenBetween: Observation[] = []
  const subjects = createSubjects({
    ...ports,
    containers: () => ports.inventory().containers,
    isInTrouble: (key) => watches.get(key)?.incident != null,
  })
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
    seenOf: (id) => subjects.known(id) ?? NOTHING_SEEN,
    inForce: (key) => leases.ofContainer(key).map(({ kind }) => kind),
  })

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
    const seen = subjects.known(container.id) ?? NOTHING_SEEN
    const isCalm = watches.get(container.key)?.incident == null && seen.assessment?.light !== 'critical'
    return {
      at: clock.now(),
      container,
      mode: autonomy.modeOf(container).mode,
      protectedBecause: protectionOf(container, ports.ownContainerId),
      ...seen,
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
    troubled += Number(hasOwnTrouble(step.watch)) - Number(hasOwnTrouble(watch))
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
    usedBytesOf: (id) => subjects.known(id)?.sample?.workingSetBytes ?? null,
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

  /** Reads, assesses and decides, container by container. `current` are those that their key means. */
  const lookAt = (containers: readonly Container[], current: ReadonlyMap<string, Container>): Observation[] => {
    const taken = sampler.take(containers.map(({ id }) => id))
    const samples = Map.groupBy(taken, ({ containerId }) => containerId)
    const readAtMs = clock.now()
    const observations = containers.flatMap((container) => subjects.observe(container, samples.get(container.id) ?? []))
    for (const container of containers)
      if (current.get(container.key) === container) tell(container.key, { type: 'assessed' }, situationOf(container))
    ports.onAssessed(containers, readAtMs)
    return observations
  }

  /** Containers that run and have trouble of their own: of those that ended the host is not the reason. */
  const countTroubled = (): number => {
    const { containers } = ports.inventory()
    let count = 0
    for (const watch of watches.values())
      if (hasOwnTrouble(watch) && containers.get(watch.incident!.containerId)?.state === 'running') count += 1
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
    for (const id of subjects.forgetOthers(containers)) turning.delete(id)
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
        const stretch = stretchOf(all.length)
        const observations = [...seenBetween, ...lookAt(all.slice(0, stretch), atFirst)]
        seenBetween = []
        for (let from = stretch; from < all.length; from += stretch) {
          await ports.breathe()
          observations.push(...lookAt(all.slice(from, from + stretch), atFirst))
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
      const turn = subjects.notice(container, event)
      if (turn === null) return
      if (turn.kind === 'started') sampler.reset(container.id)
      tell(container.key, { type: 'turned', turn }, situationOf(container))
    },
    warm: subjects.warm,
    warmed: subjects.warmed,
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
    intervalOf: subjects.intervalOf,
    tracked: (containers = ports.inventory().containers.values()) =>
      Array.from(containers, (container) => {
        const incident = watches.get(container.key)?.incident
        return {
          container,
          mode: autonomy.modeOf(container).mode,
          protectedBecause: protectionOf(container, ports.ownContainerId),
          ...subjects.seen(container),
          openIncidentId: incident?.id ?? null,
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
    logPath: null,
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
    endpoints: {},
    labels: {},
  }
}
