import { existsSync, rmSync, writeFileSync } from 'node:fs'
import type { Autonomy, AutonomyRecord, Judgement, ModeChange, OperatorSettings } from './contracts/autonomy.ts'
import type { ActionKind, Mode } from './contracts/incident.ts'
import type { Container } from './contracts/telemetry.ts'
import { type AutonomySettings, mayActAlone, trackRecord } from './decide/autonomy.ts'
import { failureAvoided } from './decide/avoided.ts'
import type { RemedyRecord } from './decide/ladder.ts'
import { modeOf } from './decide/modes.ts'
import { messageOf } from './errors.ts'
import type { Log } from './log.ts'
import type { AutonomyStore } from './store/autonomy.ts'

/** Older decisions say little of the program as it is now. */
const DAYS_JUDGED = 90
const DAY_MS = 86_400_000

/** Of one container so many judgements are kept at hand. */
const MOST_OF_ONE = 200

/** Why nothing is done by itself now, and whether an operator's word ends that. */
export type Brake = { reason: string; endsWithAWord: boolean } | null

export type AutonomyBook = {
  modeOf(container: Container): { mode: Mode; from: string }
  /** Why the stop switch is on, or `null`. The file counts at once, also where nothing else works any more. */
  stopped(): string | null
  readonly resumedAtMs: number
  /** What became of decisions on a container, by kind of action, oldest first. */
  judgementsOf(containerKey: string): Partial<Record<ActionKind, readonly Judgement[]>>
  /** How remedies did on a container for one cause. */
  remediesOf(containerKey: string, cause: string): Partial<Record<ActionKind, RemedyRecord>>
  take(judgements: readonly Judgement[]): void
  /** Rejects where the disk refuses; nothing is changed then. */
  setMode(change: ModeChange): Promise<void>
  /**
   * Turns the stop switch on with a reason, or off; off also lets it go on after actions that did not help. Where the
   * disk refuses it counts all the same, until the service ends.
   */
  setStop(reason: string | null, by: string): Promise<void>
  view(brake: Brake, modeOfKey: (containerKey: string) => Mode | null): Omit<Autonomy, 'labelled'>
}

const EMPTY: OperatorSettings = {
  host: null,
  projects: {},
  containers: {},
  stopped: null,
  stopChanged: null,
  resumedAtMs: 0,
}

/** The mode that a record allows beyond the present one. */
const SUGGESTED: Partial<Record<Mode, Mode>> = { shadow: 'earned', approve: 'earned' }

/** What an operator set, and what became of the program's decisions; both outlive a restart of the service. */
export async function openAutonomyBook(options: {
  store: AutonomyStore
  log: Log
  now: () => number
  configuredMode: Mode
  /** A file that stops all actions while it is there. */
  stopFile: string
  settings: AutonomySettings
}): Promise<AutonomyBook> {
  const { store, log, now, configuredMode, stopFile, settings: rule } = options
  let operator: OperatorSettings = (await store.settings()) ?? EMPTY
  const byContainer = new Map<string, Judgement[]>()
  const remember = (judgement: Judgement) => {
    const known = (byContainer.get(judgement.containerKey) ?? []).filter(
      ({ actionId }) => actionId !== judgement.actionId,
    )
    byContainer.set(judgement.containerKey, [...known, judgement].slice(-MOST_OF_ONE))
  }
  let prunedAtMs = Number.NEGATIVE_INFINITY
  /** Once a day; what cannot be removed today is tomorrow. */
  const prune = async (): Promise<void> => {
    if (Math.abs(now() - prunedAtMs) < DAY_MS) return
    prunedAtMs = now()
    await store.prune(now() - DAYS_JUDGED * DAY_MS).catch((error: unknown) => {
      log.error({ reason: messageOf(error) }, 'old judgements could not be removed')
    })
  }
  await prune()
  for (const judgement of await store.judgements(now() - DAYS_JUDGED * DAY_MS)) remember(judgement)

  const byKind = (containerKey: string): Partial<Record<ActionKind, Judgement[]>> =>
    Object.groupBy(byContainer.get(containerKey) ?? [], ({ kind }) => kind)

  const keep = async (next: OperatorSettings) => {
    await store.saveSettings(next)
    operator = next
  }

  const fileStops = (): boolean => {
    try {
      return existsSync(stopFile)
    } catch {
      return true
    }
  }

  const stopped = () => operator.stopped ?? (fileStops() ? `the file ${stopFile} is there` : null)

  return {
    modeOf: (container) => modeOf(container, configuredMode, operator),
    stopped,
    get resumedAtMs() {
      return operator.resumedAtMs
    },
    judgementsOf: byKind,
    remediesOf(containerKey, cause) {
      const records: Partial<Record<ActionKind, RemedyRecord>> = {}
      for (const [kind, judgements] of Object.entries(byKind(containerKey)) as [ActionKind, Judgement[]][]) {
        const done = judgements.filter((one) => one.done && one.cause === cause)
        const durations = done.flatMap(({ durationMs }) => durationMs ?? [])
        records[kind] = {
          helped: done.filter(({ outcome }) => outcome === 'right').length,
          failed: done.filter(({ outcome }) => outcome === 'wrong').length,
          meanDurationMs: durations.length === 0 ? null : durations.reduce((a, b) => a + b, 0) / durations.length,
        }
      }
      return records
    },
    take(judgements) {
      void prune()
      for (const judgement of judgements) {
        remember(judgement)
        store.saveJudgement(judgement).catch((error: unknown) => {
          log.error({ actionId: judgement.actionId, reason: messageOf(error) }, 'judgement could not be stored')
        })
      }
    },
    async setMode({ scope, name, mode }) {
      const withMode = (modes: Record<string, Mode>) => {
        const { [name]: _, ...others } = modes
        return mode === null ? others : { ...others, [name]: mode }
      }
      if (scope === 'host') await keep({ ...operator, host: mode })
      else if (scope === 'project') await keep({ ...operator, projects: withMode(operator.projects) })
      else await keep({ ...operator, containers: withMode(operator.containers) })
    },
    async setStop(reason, by) {
      // In force before anything is written: a disk that refuses must not keep the switch from working.
      operator = {
        ...operator,
        stopped: reason,
        stopChanged: { by, atMs: now() },
        resumedAtMs: reason === null ? now() : operator.resumedAtMs,
      }
      if (reason === null) rmSync(stopFile, { force: true })
      else
        try {
          writeFileSync(stopFile, `${reason}\n`)
        } catch (error) {
          log.error({ reason: messageOf(error) }, 'the stop file could not be written')
        }
      await store.saveSettings(operator).catch((error: unknown) => {
        log.error({ reason: messageOf(error) }, 'the stop switch could not be stored')
      })
    },
    view(brake, modeOfKey) {
      const all = [...byContainer.values()].flat()
      const done = all.filter((one) => one.done)
      const records: AutonomyRecord[] = [...byContainer.keys()].flatMap((containerKey) => {
        const present = modeOfKey(containerKey)
        return (Object.entries(byKind(containerKey)) as [ActionKind, Judgement[]][]).map(([kind, judgements]) => {
          const { allowed, reason } = mayActAlone(judgements, rule)
          return {
            containerKey,
            kind,
            ...trackRecord(judgements),
            mayActAlone: allowed,
            reason,
            suggestion: allowed && present !== null ? (SUGGESTED[present] ?? null) : null,
          }
        })
      })
      return {
        configuredMode,
        settings: { ...operator, stopped: stopped() },
        brake: brake?.reason ?? null,
        brakeEndsWithAWord: brake?.endsWithAWord ?? false,
        overall: {
          ...trackRecord(all),
          done: done.length,
          falseActions: done.filter(({ outcome }) => outcome === 'wrong').length,
          ...failureAvoided(all),
        },
        records: records.sort((a, b) => b.judged - a.judged).slice(0, 500),
      }
    },
  }
}
