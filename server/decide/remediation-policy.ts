import type { Cause } from '../contracts/assessment.ts'
import type { Mode } from '../contracts/incident.ts'
import type { Container } from '../contracts/telemetry.ts'

/** The operator's settings that decide what may be done; hashed into every audit entry. */
export type PolicySettings = {
  /** Probability from which on it acts alone in `auto`. */
  threshold: number
  /** Least time between two restarts of one container. */
  cooldownMs: number
  /** Most restarts of one container within an hour, unless its label says otherwise. */
  maxRestartsPerHour: number
}

/** What is going on on the host as a whole. */
export type HostFacts = {
  actionInFlight: boolean
  containers: number
  /** Containers with an open incident. */
  troubled: number
}

/** `act`: do it now. `ask`: an operator decides. `record`: write down what would have been done. `wait`: not now. `none`: nothing to do. */
export type Verdict = { verdict: 'act' | 'ask' | 'record' | 'wait' | 'none'; reason: string }

const HOUR_MS = 3_600_000

/** Above this share of containers in trouble at once it is the host, not they; shares count from five containers on. */
const HANDS_OFF_SHARE = 0.4
const SHARES_COUNT_FROM = 5

/** Images of the program's own surroundings; restarting them would blind or mute it. */
const OWN_SURROUNDINGS = /(^|\/)(dockerpulse|socket-proxy|docker-socket-proxy|ollama)(:|@|$)/

/** A warning label counts unless it clearly says no: a misspelt yes must not be read as leave to act. */
function isSet(container: Container, label: string): boolean {
  const value = container.labels[label]
  return value !== undefined && !['false', '0', 'no', 'off'].includes(value.trim().toLowerCase())
}

/**
 * Why a container is never acted upon, or `null`: the program itself, its socket proxy and model server, and what is
 * labelled `dockerpulse.ignore`.
 */
export function protectionOf(container: Container, ownContainerId: string | null): string | null {
  if (container.id === ownContainerId) return 'it is DockerPulse itself'
  if (isSet(container, 'dockerpulse.ignore')) return 'its label dockerpulse.ignore forbids it'
  if (OWN_SURROUNDINGS.test(container.image)) return 'DockerPulse needs it to work'
  return null
}

const MODES: readonly Mode[] = ['observe', 'shadow', 'approve', 'earned', 'auto']

/**
 * The container's mode: its label where it has one, else the host's. A label that is no mode means observe: whoever
 * misspelt it wanted something else than the host's.
 */
export function modeOf(container: Container, hostMode: Mode): Mode {
  const label = container.labels['dockerpulse.mode']?.trim().toLowerCase()
  if (label === undefined) return hostMode
  return MODES.find((mode) => mode === label) ?? 'observe'
}

/** Labels of a container that say nothing the program understands, one sentence each. */
export function labelProblems(container: Container): string[] {
  const problems: string[] = []
  const mode = container.labels['dockerpulse.mode']
  if (mode !== undefined && !MODES.some((known) => known === mode.trim().toLowerCase()))
    problems.push(`its label dockerpulse.mode="${mode}" is none of ${MODES.join(', ')}: it is only observed`)
  const restarts = container.labels['dockerpulse.max-restarts']
  if (restarts !== undefined && !/^\d{1,3}$/.test(restarts))
    problems.push(`its label dockerpulse.max-restarts="${restarts}" is not a whole number: the host's setting counts`)
  return problems
}

/** The label's `dockerpulse.max-restarts` an hour where it is a whole number, else the setting. */
export function maxRestartsOf(container: Container, settings: PolicySettings): number {
  const label = container.labels['dockerpulse.max-restarts'] ?? ''
  return /^\d{1,3}$/.test(label) ? Number(label) : settings.maxRestartsPerHour
}

/**
 * Whether a container may be restarted now, and why. `probability` is what the assessment says, `restartTimesMs` the
 * restarts that the program itself asked for.
 */
export function decideRestart(input: {
  at: number
  container: Container
  cause: Cause
  probability: number | null
  mode: Mode
  protectedBecause: string | null
  restartTimesMs: readonly number[]
  host: HostFacts
  settings: PolicySettings
}): Verdict {
  const { at, container, cause, probability, mode, protectedBecause, restartTimesMs, host, settings } = input
  const percent = (share: number) => `${Math.round(share * 100)} %`
  if (mode === 'observe') return { verdict: 'none', reason: 'mode observe: seen, nothing decided' }
  if (protectedBecause !== null) return { verdict: 'none', reason: protectedBecause }
  if (cause === 'crash-loop')
    return { verdict: 'none', reason: 'the engine restarts it already: another restart would not help' }
  if (container.state !== 'running') return { verdict: 'none', reason: `it is ${container.state}, not running` }
  if (probability === null || !(probability >= settings.threshold))
    return {
      verdict: 'none',
      reason: `confidence ${probability === null ? 'unknown' : percent(probability)} is below the threshold of ${percent(settings.threshold)}`,
    }
  const confident = `confidence ${percent(probability)} is at or above the threshold of ${percent(settings.threshold)}`
  if (mode === 'shadow') return { verdict: 'record', reason: `${confident}; mode shadow: nothing is touched` }

  const lastHour = restartTimesMs.filter((restart) => at - restart < HOUR_MS)
  const allowed = maxRestartsOf(container, settings)
  if (lastHour.length >= allowed)
    return {
      verdict: 'ask',
      reason: `it was restarted ${lastHour.length} times in the last hour, ${allowed} are allowed`,
    }
  const newest = restartTimesMs.at(-1)
  if (newest !== undefined && at - newest < settings.cooldownMs)
    return {
      verdict: 'wait',
      reason: `cool-down: ${Math.ceil((settings.cooldownMs - (at - newest)) / 1000)} s since the last restart are left`,
    }
  if (host.containers >= SHARES_COUNT_FROM && host.troubled / host.containers > HANDS_OFF_SHARE)
    return {
      verdict: 'ask',
      reason: `${host.troubled} of ${host.containers} containers are in trouble at once: it is rather the host than they`,
    }
  if (mode === 'approve') return { verdict: 'ask', reason: `${confident}; mode approve: an operator decides` }
  if (mode === 'earned')
    return { verdict: 'ask', reason: `${confident}; mode earned: no record yet that allows acting alone` }
  if (isSet(container, 'dockerpulse.critical'))
    return { verdict: 'ask', reason: `${confident}; its label dockerpulse.critical demands a person` }
  if (host.actionInFlight) return { verdict: 'wait', reason: 'another action is running on this host' }
  return { verdict: 'act', reason: `${confident}; mode auto` }
}

/** A stop takes at most this share of the time that is left until the failure. */
const GRACE_SHARE_OF_TIME_LEFT = 1 / 3

/**
 * Seconds between SIGTERM and SIGKILL: the container's own grace, shortened where the failure would come first, never
 * below one.
 */
export function stopGraceSeconds(configuredSeconds: number, timeToLimitMs: number | null): number {
  if (timeToLimitMs === null) return configuredSeconds
  return Math.max(1, Math.min(configuredSeconds, Math.floor((timeToLimitMs / 1000) * GRACE_SHARE_OF_TIME_LEFT)))
}
