import type { Api, ContainerView, IncidentView, LiveEvent, Scoreboard, ServiceStatus } from './api.ts'
import { asOfNow } from './mark.ts'
import { applyTick } from './ticks.ts'
import { remember, type Totals, total } from './totals.ts'

/** A tick comes each second: five without one mean that what is on the screen may no longer be true. */
const STALE_AFTER_MS = 5_000
/** A connection that is silent for so long is taken for dead, whatever the browser thinks of it. */
const SILENT_AFTER_MS = 12_000
const RETRY_MS = 3_000
/** The ticks of one round come one soon after the other: the page is drawn once for those within this time. */
const DRAWN_AFTER_MS = 100
const INCIDENTS_KEPT = 100
const SCOREBOARD_EVERY_MS = 30_000

const LIGHT_URGENCY = { low: 1, medium: 2, critical: 3 } as const

/** What waits for an answer goes before what is merely bad; what is closed comes last. */
function urgency(incident: IncidentView): number {
  if (incident.closedAt !== null) return 0
  return incident.phase === 'awaiting-approval' ? 4 : LIGHT_URGENCY[incident.light]
}

export type Live = ReturnType<typeof createLive>

/** The state of the host as the service tells it, kept current over one stream for as long as `start` runs. */
export function createLive(api: Api) {
  let containers = $state.raw<ContainerView[]>([])
  let incidents = $state.raw<IncidentView[]>([])
  let status = $state.raw<ServiceStatus | null>(null)
  let scoreboard = $state.raw<Scoreboard | null>(null)
  let totals = $state.raw<Totals[]>([])
  let announced = $state.raw<IncidentView | null>(null)
  let newsAt = $state.raw<number | null>(null)
  let serverTime = $state.raw(Date.now())
  let now = $state.raw(Date.now())

  /** Containers by id as the service told them last: ticks say only what changed. */
  let told = new Map<string, ContainerView>()
  let toldAt = ''
  /** When the newest event came, on both clocks. */
  let heard: { at: number; serverTime: number } | null = null
  let drawing: ReturnType<typeof setTimeout> | undefined

  let source: EventSource | null = null
  let openedAt = 0

  function keep(changed: readonly IncidentView[]): void {
    const byId = new Map(incidents.map((incident) => [incident.id, incident]))
    for (const incident of changed) byId.set(incident.id, incident)
    incidents = [...byId.values()]
      .sort((a, b) => urgency(b) - urgency(a) || b.openedAt.localeCompare(a.openedAt) || a.id.localeCompare(b.id))
      .slice(0, INCIDENTS_KEPT)
  }

  function setClocks(): void {
    now = Date.now()
    if (heard === null) return
    newsAt = heard.at
    serverTime = heard.serverTime
  }

  function draw(): void {
    clearTimeout(drawing)
    drawing = undefined
    setClocks()
    containers = [...told.values()].map(asOfNow)
    const open = incidents.filter((incident) => incident.closedAt === null).length
    totals = remember(totals, total(Date.parse(toldAt), containers, open))
  }

  function receive(event: LiveEvent): void {
    heard = { at: Date.now(), serverTime: Date.parse(event.at) }
    if (event.type === 'tick') {
      applyTick(told, event)
      toldAt = event.at
      drawing ??= setTimeout(draw, DRAWN_AFTER_MS)
      return
    }
    setClocks()
    switch (event.type) {
      case 'snapshot':
        if (status && status.version !== event.status.version) location.reload()
        status = event.status
        incidents = []
        keep(event.incidents)
        told = new Map(event.containers.map((container) => [container.id, container]))
        toldAt = event.at
        draw()
        api.incidents(INCIDENTS_KEPT).then(
          (older) => keep(older.filter(({ id }) => !incidents.some((incident) => incident.id === id))),
          () => {},
        )
        break
      case 'incident':
        if (event.incident.closedAt === null && !incidents.some(({ id }) => id === event.incident.id)) {
          announced = event.incident
        }
        keep([event.incident])
        break
      case 'status':
        status = event.status
        break
    }
  }

  function open(): void {
    source?.close()
    openedAt = Date.now()
    source = api.live()
    for (const type of ['snapshot', 'tick', 'incident', 'status'] satisfies LiveEvent['type'][]) {
      source.addEventListener(type, (event: MessageEvent<string>) => receive(JSON.parse(event.data) as LiveEvent))
    }
  }

  function keepScore(): void {
    api.scoreboard().then(
      (current) => {
        scoreboard = current
      },
      () => {},
    )
  }

  /** A stream tells nothing of a session that ended, so an ordinary request asks before each new attempt. */
  function supervise(): void {
    setClocks()
    const closed = source?.readyState === EventSource.CLOSED && now - openedAt > RETRY_MS
    const silent = now - Math.max(newsAt ?? 0, openedAt) > SILENT_AFTER_MS
    if (!closed && !silent) return
    if (closed) api.incidents(1).catch(() => {})
    open()
  }

  return {
    get containers() {
      return containers
    },
    /** The most urgent first, then the newest. */
    get incidents() {
      return incidents
    },
    get status() {
      return status
    },
    get scoreboard() {
      return scoreboard
    },
    get totals() {
      return totals
    },
    /** The newest incident that opened while the page was watching. */
    get announced() {
      return announced
    },
    /** When the service was last heard, on the clock of this computer; `null` before the first time. */
    get newsAt() {
      return newsAt
    },
    get silentMs() {
      return newsAt === null ? null : Math.max(0, now - newsAt)
    },
    get stale() {
      return newsAt !== null && now - newsAt > STALE_AFTER_MS
    },
    /** The time on the service's clock. */
    get serverNow() {
      return newsAt === null ? now : serverTime + (now - newsAt)
    },
    /** Connects and stays connected until the function it returns is called. */
    start(): () => void {
      open()
      keepScore()
      const timer = setInterval(supervise, 1_000)
      const scoreTimer = setInterval(keepScore, SCOREBOARD_EVERY_MS)
      return () => {
        clearInterval(timer)
        clearInterval(scoreTimer)
        clearTimeout(drawing)
        source?.close()
      }
    },
  }
}
