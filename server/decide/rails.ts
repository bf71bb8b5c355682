/** An action that the program asked for, and whether it helped; `null` while nobody knows. */
export type HostAction = { at: number; containerKey: string; helped: boolean | null }

/** What is going on on the host as a whole. */
export type HostFacts = {
  actionInFlight: boolean
  containers: number
  /** Containers that run and have an incident of their own: not one that follows from one that they depend on. */
  troubled: number
  /** Containers that have just turned critical, so that their incidents are about to open. */
  turning: number
  /** When the incidents of the last minutes opened, oldest first. */
  openedAtMs: readonly number[]
  /** The program's own actions of the last hours, oldest first. */
  actions: readonly HostAction[]
  /** Why nothing may be done at all: the stop switch. */
  stopped: string | null
  /** An operator looked at failed actions at that time and let it go on. */
  resumedAtMs: number
  /** Minute of the day on the host's clock, 0..1439. */
  minuteOfDay: number
}

/** Minutes of the day from which and to which a person is asked; may go over midnight. */
export type QuietHours = { fromMinute: number; toMinute: number }

export type RailSettings = {
  /** Share of the containers that may be acted upon within ten minutes, at least one. */
  budgetShare: number
  /** Most actions on one container within an hour; then it is in quarantine. */
  maxActionsPerHour: number
  /** Least time between two actions on one container; doubles with each one until it was healthy for long. */
  cooldownMs: number
  quietHours: QuietHours | null
}

/** `hold`: not at all, `ask`: only with a person's leave, `wait`: not yet. `endsWithAWord`: an operator's word ends it. */
export type Rail = { verdict: 'hold' | 'ask' | 'wait'; reason: string; endsWithAWord?: true }

export const BUDGET_WINDOW_MS = 600_000
const HOUR_MS = 3_600_000

/** Above this share of containers in trouble at once it is the host, not they; shares count from five containers on. */
const HANDS_OFF_SHARE = 0.4
export const SHARES_COUNT_FROM = 5

/** So many incidents, and so large a share, within a minute are a storm; it lasts until a minute has passed without. */
const STORM_INCIDENTS = 5
const STORM_SHARE = 0.2
export const STORM_WINDOW_MS = 60_000

/** So many actions in a row without improvement stop everything for so long, or until an operator lets it go on. */
const FAILURES_UNTIL_PAUSE = 2
const PAUSE_MS = 1_800_000

/** A cool-down never grows beyond this. */
const LONGEST_COOLDOWN_MS = 6 * HOUR_MS

/** A container calm for so long has recovered: its attempts are forgotten. */
export const SUSTAINED_HEALTH_MS = 600_000

export function isQuiet({ fromMinute, toMinute }: QuietHours, minuteOfDay: number): boolean {
  return fromMinute <= toMinute
    ? minuteOfDay >= fromMinute && minuteOfDay < toMinute
    : minuteOfDay >= fromMinute || minuteOfDay < toMinute
}

/** Incidents of the last minute, and those about to open, if they are a storm, else `null`. */
export function stormOf({ openedAtMs, turning, containers }: HostFacts, at: number): number | null {
  if (containers < SHARES_COUNT_FROM) return null
  const lately = turning + openedAtMs.filter((opened) => Math.abs(at - opened) < STORM_WINDOW_MS).length
  return lately >= STORM_INCIDENTS && lately / containers >= STORM_SHARE ? lately : null
}

/** Until when everything is paused because the newest actions did not help, or `null`. */
export function pausedUntilMs({ actions, resumedAtMs }: HostFacts, at: number): number | null {
  const judged = actions.filter(({ helped }) => helped !== null).slice(-FAILURES_UNTIL_PAUSE)
  const newest = judged.at(-1)
  if (judged.length < FAILURES_UNTIL_PAUSE || newest === undefined || judged.some(({ helped }) => helped)) return null
  const until = newest.at + PAUSE_MS
  return newest.at > resumedAtMs && at < until ? until : null
}

/** The cool-down after the n-th attempt (1 first) since the container was healthy for long: it doubles. */
export const cooldownAfter = (attempts: number, cooldownMs: number): number =>
  Math.min(LONGEST_COOLDOWN_MS, cooldownMs * 2 ** Math.max(0, attempts - 1))

/** What holds for the whole host, before any container is looked at; `null` where nothing stands in the way. */
export function hostRail(host: HostFacts, settings: RailSettings, at: number): Rail | null {
  if (host.stopped !== null) return { verdict: 'hold', reason: `the stop switch is on: ${host.stopped}` }
  const storm = stormOf(host, at)
  if (storm !== null)
    return {
      verdict: 'hold',
      reason: `storm: ${storm} incidents within a minute on ${host.containers} containers: a person must look`,
    }
  if (host.containers >= SHARES_COUNT_FROM && host.troubled / host.containers > HANDS_OFF_SHARE)
    return {
      verdict: 'ask',
      reason: `${host.troubled} of ${host.containers} containers are in trouble at once: it is rather the host than they`,
    }
  const pausedUntil = pausedUntilMs(host, at)
  if (pausedUntil !== null)
    return {
      verdict: 'ask',
      reason: `the last ${FAILURES_UNTIL_PAUSE} actions did not help: paused for ${Math.ceil((pausedUntil - at) / 60_000)} min, or until an operator resumes`,
      endsWithAWord: true,
    }
  if (settings.quietHours !== null && isQuiet(settings.quietHours, host.minuteOfDay))
    return { verdict: 'ask', reason: 'quiet hours: a person decides' }
  return null
}

/**
 * What holds for one container: quarantine, cool-down, the host's budget. `actionTimesMs` are the program's own actions
 * on it, oldest first, `attempts` those since it was healthy for long, `lastWasGentle` whether the newest interrupted
 * nothing (a raised limit), `mostPerHour` its own limit.
 */
export function containerRail(
  input: {
    at: number
    containerKey: string
    actionTimesMs: readonly number[]
    attempts: number
    lastWasGentle: boolean
    mostPerHour: number
  },
  host: HostFacts,
  settings: RailSettings,
): Rail | null {
  const { at, containerKey, actionTimesMs, attempts, lastWasGentle, mostPerHour } = input
  const lastHour = actionTimesMs.filter((time) => at - time < HOUR_MS).length
  if (lastHour >= mostPerHour)
    return {
      verdict: 'ask',
      reason: `quarantine: it was acted upon ${lastHour} times in the last hour, ${mostPerHour} are allowed`,
    }
  const newest = actionTimesMs.at(-1)
  const cooldownMs = cooldownAfter(attempts, settings.cooldownMs)
  if (newest !== undefined && !lastWasGentle && at - newest < cooldownMs)
    return {
      verdict: 'wait',
      reason: `cool-down: ${Math.ceil((cooldownMs - (at - newest)) / 1000)} s since the last action are left`,
    }
  const touched = new Set(
    host.actions.filter((action) => Math.abs(at - action.at) < BUDGET_WINDOW_MS).map((action) => action.containerKey),
  )
  const budget = Math.max(1, Math.floor(host.containers * settings.budgetShare))
  if (host.containers >= SHARES_COUNT_FROM && !touched.has(containerKey) && touched.size >= budget)
    return {
      verdict: 'ask',
      reason: `budget: ${touched.size} of ${host.containers} containers were acted upon within ten minutes, ${budget} are allowed`,
    }
  return null
}
