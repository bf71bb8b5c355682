import { setTimeout as sleep } from 'node:timers/promises'
import type { ContainerView, IncidentView } from '../server/contracts/api.ts'
import { AppError } from '../server/errors.ts'
import type { WatchedService } from './stress-demo-service.ts'
import type { DemoStage } from './stress-demo-stage.ts'
import { clean, SHAPES, type Terminal } from './stress-demo-terminal.ts'
import type { DemoWords } from './stress-demo-words.ts'

const LOOK_EVERY_MS = 1_000
/** At high speed the service's clock outruns a reader; more questions than this would outrun the service. */
const SHORTEST_LOOK_MS = 150
/** Where nothing changes, a line so often, in seconds of the service's clock. */
const LINE_EVERY_SECONDS = 5
/** A limit further away than this is the noise of a calm container. */
const LONGEST_TIME_TO_LIMIT_MS = 120_000
const MIB = 1024 ** 2
/** After these nothing more comes of an action by itself. */
const FAILED_STATES = ['recorded', 'rejected', 'expired', 'refused', 'failed', 'ineffective', 'unknown']

export type Play = {
  service: WatchedService
  stage: DemoStage
  words: DemoWords
  terminal: Terminal
  unattended: boolean
  signal: AbortSignal
}

const quoted = (play: Play, text: string) => play.terminal.paint(`« ${clean(text)} »`, 'strong')

function title(play: Play, text: string): void {
  play.terminal.say(`\n${play.terminal.paint(`── ${text} ──`, 'strong')}`)
}

/** What the service says of a container, on one line. */
function lineOf({ words, terminal }: Play, view: ContainerView): string {
  const { probability, light, workingSetBytes, memoryLimitBytes, timeToLimitMs } = view
  if (probability === null) return `${terminal.paint(`? ${words.unknown}`, 'quiet')}  ${clean(view.name)}`
  const parts = [
    terminal.paint(`${SHAPES[light]} ${words.light[light]}`, light),
    `${words.probability} ${Math.round(probability * 100)} %`,
  ]
  if (workingSetBytes !== null && memoryLimitBytes !== null)
    parts.push(
      `${words.memory} ${Math.round(workingSetBytes / MIB)} ${words.of} ${Math.round(memoryLimitBytes / MIB)} MiB`,
    )
  if (timeToLimitMs !== null && timeToLimitMs <= LONGEST_TIME_TO_LIMIT_MS)
    parts.push(words.limitIn(Math.round(timeToLimitMs / 1000)))
  return `${clean(view.name)}  ${parts.join('  ')}`
}

/** The victim, or whoever is worst. */
function shownOf({ stage: { victim } }: Play, views: readonly ContainerView[]): ContainerView | undefined {
  if (victim !== null) return views.find(({ name }) => name === victim)
  return views.toSorted((a, b) => (b.probability ?? -1) - (a.probability ?? -1))[0]
}

/** Prints a line when something has changed, or when none came for a while. */
function createTicker(play: Play): (views: readonly ContainerView[]) => void {
  let firstMs: number | null = null
  let lastSeconds = Number.NEGATIVE_INFINITY
  let last = ''
  return (views) => {
    const view = shownOf(play, views)
    if (view === undefined) return
    const sampledMs = view.sampledAt === null ? null : Date.parse(view.sampledAt)
    firstMs ??= sampledMs
    const seconds = sampledMs === null || firstMs === null ? lastSeconds : (sampledMs - firstMs) / 1000
    const kind = `${view.name} ${view.light} ${view.probability === null}`
    if (kind === last && seconds - lastSeconds < LINE_EVERY_SECONDS) return
    last = kind
    lastSeconds = seconds
    const clock = Number.isFinite(seconds) ? `${Math.round(seconds)} s` : ''
    play.terminal.say(`  ${clock.padStart(6)}  ${lineOf(play, view)}`)
  }
}

function pause({ stage, signal }: Play): Promise<void> {
  return sleep(Math.max(SHORTEST_LOOK_MS, LOOK_EVERY_MS / stage.speed), undefined, { signal })
}

/** Real milliseconds that so many seconds of the service's clock take. */
const realMs = ({ stage: { speed } }: Play, seconds: number) => (seconds * 1000) / speed

/** Act 1. Resolves with the incidents that are history by then. */
export async function showCalm(play: Play): Promise<Set<string>> {
  const { service, stage, words, terminal } = play
  title(play, words.calm.title)
  terminal.say(words.calm.about)
  const tick = createTicker(play)
  const until = Date.now() + realMs(play, stage.calmSeconds)
  const latest = until + realMs(play, stage.patienceSeconds)
  let views = await service.containers()
  terminal.say(words.calm.containers(views.length))
  for (;;) {
    tick(views)
    const isSeen = shownOf(play, views)?.freshness === 'live'
    if (Date.now() >= until && isSeen) break
    if (Date.now() > latest) throw new AppError('the service has no fresh reading of the victim: look at its page')
    await pause(play)
    views = await service.containers()
  }
  terminal.say(words.calm.done)
  return new Set((await service.incidents()).filter(({ closedAt }) => closedAt !== null).map(({ id }) => id))
}

/** The incident that is being told, and how far. */
type Story = { incident: IncidentView; linesTold: number; statesTold: Map<string, string>; healing: boolean }

function tellIncident(play: Play, { incident }: Story): void {
  const { words, terminal } = play
  const cause = words.cause[incident.cause]
  terminal.say(`\n  ${terminal.paint(words.incident(clean(incident.containerName), cause), 'critical')}`)
  const timeToLimitMs = incident.snapshot.assessment?.timeToLimitMs ?? null
  if (timeToLimitMs !== null) terminal.say(`  ${words.forewarned(Math.round(timeToLimitMs / 1000))}`)
  for (const { text } of incident.evidence) terminal.say(`    · ${clean(text)}`)
}

/** Tells what has come to an incident since. */
function tellNews(play: Play, story: Story): void {
  const { words, terminal } = play
  const { incident } = story
  const history = incident.history.slice(story.linesTold)
  story.linesTold = incident.history.length
  const { actions } = incident
  if (actions.length > 0 && !story.healing) {
    story.healing = true
    title(play, words.healing.title)
    terminal.say(words.healing.about)
  }
  for (const action of actions) {
    if (story.statesTold.get(action.id) === action.state) continue
    const isFirst = !story.statesTold.has(action.id)
    story.statesTold.set(action.id, action.state)
    const colour = action.state === 'verified' ? 'good' : FAILED_STATES.includes(action.state) ? 'critical' : 'medium'
    terminal.say(`\n  ${terminal.paint(words.action[action.state], colour)}`)
    if (isFirst) terminal.say(`    ${words.reason}: ${quoted(play, action.reason)}`)
    if (action.state === 'proposed') terminal.say(`  ${words.proposed}`)
  }
  for (const { event, text } of history) terminal.say(`    ${words.serviceSays}: ${clean(event)} ${quoted(play, text)}`)
}

/** Why nothing good comes of this incident any more, or `null`. */
function disappointment({ unattended }: Play, incident: IncidentView): string | null {
  const newest = incident.actions.at(-1)
  const why = clean(newest?.reason ?? incident.history.at(-1)?.text ?? '')
  if (newest?.state === 'proposed' && unattended) return `the service asks an operator, and --yes has none: ${why}`
  if (newest?.state === 'recorded') return `the service only recorded what it would have done: ${why}`
  if (incident.closedAt === null && incident.phase !== 'escalated') return null
  const story = incident.history.map(({ at, event, text }) => `${at} ${event}: ${text}`).join('; ')
  return `the incident ended in "${incident.phase}" without a restart that helped (${newest?.state ?? 'no action'}): ${why} (${clean(story)})`
}

/** Acts 2 and 3: the attack, what the service sees and does. Resolves with the incident once its cure is verified. */
export async function showAttackAndHealing(play: Play, past: Set<string>): Promise<IncidentView> {
  const { service, stage, words, terminal } = play
  const { victim } = stage
  title(play, words.attack.title)
  await stage.attack()
  terminal.say(victim === null ? words.attack.byScript : words.attack.about(clean(victim)))
  terminal.say(words.attack.waiting)
  const tick = createTicker(play)
  const done = new Set(past)
  let story: Story | null = null
  let deadline = Date.now() + realMs(play, stage.patienceSeconds)
  while (Date.now() < deadline) {
    const [views, incidents] = await Promise.all([service.containers(), service.incidents()])
    tick(views)
    const wanted = ({ id, containerName }: IncidentView) =>
      story === null ? !done.has(id) && (victim === null || containerName === victim) : id === story.incident.id
    const incident = incidents.find(wanted)
    if (incident !== undefined) {
      if (story === null) {
        story = { incident, linesTold: 0, statesTold: new Map(), healing: false }
        deadline = Date.now() + realMs(play, stage.patienceSeconds)
        tellIncident(play, story)
      }
      story.incident = incident
      tellNews(play, story)
      const verified = incident.actions.find(({ state }) => state === 'verified')
      if (verified !== undefined && incident.closedAt !== null) {
        const tookMs = Date.parse(incident.closedAt) - Date.parse(incident.openedAt)
        terminal.say(`\n${terminal.paint(words.healed(Math.round(tookMs / 1000)), 'good')}`)
        return incident
      }
      const reason = verified === undefined ? disappointment(play, incident) : null
      if (reason !== null) {
        if (victim !== null) throw new AppError(reason)
        terminal.say(`  ${words.leftAlone(clean(incident.containerName))}`)
        done.add(incident.id)
        story = null
      }
    }
    await pause(play)
  }
  throw new AppError(
    story === null
      ? `no incident opened within ${stage.patienceSeconds} s: look at the service's page and its log`
      : `the cure was not verified within ${stage.patienceSeconds} s: look at the incident on the service's page`,
  )
}
