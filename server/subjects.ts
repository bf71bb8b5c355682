import { assess, notEvaluated } from './analyse/assess.ts'
import { inspected, type Life, type LifeTurn, newLife, notice } from './analyse/life.ts'
import { SATURATION_FAILS_MS } from './analyse/saturation.ts'
import { WINDOW_SAMPLES } from './analyse/series.ts'
import { beginLife, createWindow, observeAcrossGap, type Window } from './analyse/window.ts'
import type { Assessment, Calibration } from './contracts/assessment.ts'
import type { Clock } from './contracts/ports.ts'
import type { Container, EngineEvent, Sample } from './contracts/telemetry.ts'
import { labelProblems } from './decide/remediation-policy.ts'
import { isCalm } from './decide/sampling-policy.ts'
import type { Log } from './log.ts'
import type { ScoreBook } from './score-book.ts'
import type { Observation } from './store/stored-metrics.ts'

/** Ends and turns that are failures. */
const FAILURES: ReadonlySet<LifeTurn['kind']> = new Set(['oom', 'crash', 'crash-loop', 'unhealthy'])

/** Without a reading for so long, what was thought of a container no longer holds. */
const STALE_MS = 5_000

/** So many first samples are kept for a window from before the start; by then one has warmed up without. */
const MOST_EARLY = 120

/** Whoever is not calm, and whoever is too young to tell, is read each second. */
const ALERT_INTERVAL_MS = 1_000

/** What is seen and thought of a container now. */
export type Seen = { sample: Sample | null; assessment: Assessment; freshness: 'live' | 'stale' | 'none' }

export type Subjects = {
  /** Takes what was read of a container, and thinks again where something changed. */
  observe(container: Container, samples: readonly Sample[]): Observation[]
  /** Takes what the engine says of a container, and gives what that means for its life, or `null`. */
  notice(container: Container, event: EngineEvent): LifeTurn | null
  seen(container: Container): Seen
  /** The same without its freshness, of one that was seen before. */
  known(containerId: string): Pick<Seen, 'sample' | 'assessment'> | null
  /** How often a container is to be read: calm ones as the budget allows, all others each second. */
  intervalOf(containerId: string): number
  /** Takes a window that has seen what was stored of a container before the start; what came since is added to it. */
  warm(container: Container, window: Window): void
  /** No such window comes any more: what was kept for them is let go. */
  warmed(): void
  /** Forgets all but these, and gives the ids of those forgotten. */
  forgetOthers(present: ReadonlyMap<string, unknown>): string[]
}

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
 * The containers as the program sees them: a window of samples, the signs of life, and what is thought of both. Holds what
 * `analyse` has to remember, and decides nothing.
 */
export function createSubjects(ports: {
  clock: Clock
  log: Log
  /** The failure model as it is now. */
  calibration: () => Calibration
  scores: Pick<ScoreBook, 'assessed' | 'failed' | 'cutShort'>
  calmIntervalMs: () => number
  containers: () => ReadonlyMap<string, Container>
  /** Whether an incident of it is open. */
  isInTrouble: (containerKey: string) => boolean
}): Subjects {
  const { clock, log } = ports
  const subjects = new Map<string, Subject>()
  let mayBeWarmed = true

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

  const intervalOf = (containerId: string): number => {
    const subject = subjects.get(containerId)
    const container = ports.containers().get(containerId)
    if (subject === undefined || container === undefined) return ALERT_INTERVAL_MS
    const young = subject.window.cpuCores.length < WINDOW_SAMPLES
    const calm = isCalm(subject.assessment) && !ports.isInTrouble(container.key)
    return calm && !young ? ports.calmIntervalMs() : ALERT_INTERVAL_MS
  }

  const freshnessOf = (container: Container, { window, heardAtMs }: Subject): Seen['freshness'] => {
    if (window.latest === null) return 'none'
    // A reading from a time that has not come yet is from before the clock was set back.
    const ageMs = Math.abs(clock.now() - heardAtMs)
    return container.state === 'running' && ageMs <= STALE_MS + intervalOf(container.id) ? 'live' : 'stale'
  }

  const hear = (subject: Subject, sample: Sample): void => {
    observeAcrossGap(subject.window, sample)
    if (subject.early !== null && subject.early.push(sample) > MOST_EARLY) subject.early = null
    subject.heardAtMs = clock.now()
    subject.changed = true
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

  return {
    observe(container, samples) {
      const subject = subjectOf(container)
      for (const sample of samples) hear(subject, sample)
      reassess(container, subject)
      const { key: containerKey, name: containerName } = container
      return samples.map((sample) => ({ containerKey, containerName, sample, assessment: subject.assessment }))
    },
    notice(container, event) {
      const subject = subjectOf(container)
      const { life, turn } = notice(subject.life, event)
      subject.life = life
      subject.changed = true
      if (turn === null) return null
      if (FAILURES.has(turn.kind)) ports.scores.failed(container.id)
      if (turn.kind === 'planned-stop' || turn.kind === 'completed') ports.scores.cutShort(container.id)
      if (turn.kind === 'started') {
        beginLife(subject.window)
        subject.early = null
      }
      evaluate(container, subject)
      return turn
    },
    seen(container) {
      const subject = subjectOf(container)
      const { window, assessment } = subject
      return { sample: window.latest, assessment, freshness: freshnessOf(container, subject) }
    },
    known(containerId) {
      const subject = subjects.get(containerId)
      return subject === undefined ? null : { sample: subject.window.latest, assessment: subject.assessment }
    },
    intervalOf,
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
    forgetOthers(present) {
      const gone: string[] = []
      for (const id of subjects.keys()) {
        if (present.has(id)) continue
        subjects.delete(id)
        ports.scores.cutShort(id)
        gone.push(id)
      }
      return gone
    },
  }
}
