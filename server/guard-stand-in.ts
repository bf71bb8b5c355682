import { createExecutor } from './act/executor.ts'
import { loadRunbooks, SHIPPED_RUNBOOKS } from './act/runbooks.ts'
import type { AutonomyBook } from './autonomy-book.ts'
import type { AuditEvent } from './contracts/audit.ts'
import type { Judgement } from './contracts/autonomy.ts'
import type { Incident, Mode } from './contracts/incident.ts'
import type { Engine } from './contracts/ports.ts'
import type { Container, EngineEvent, Sample } from './contracts/telemetry.ts'
import { aContainer, aSample, SETTINGS } from './decide/incident-stand-in.ts'
import { modeOf } from './decide/modes.ts'
import { createGuard } from './guard.ts'
import { createLog } from './log.ts'
import { readCalibration } from './read-calibration.ts'

/** One write to the engine: what, to whom, and what was true then. */
export type Write = { call: string; containerId: string; atMs: number; audited: string[]; signed: boolean }

const { runbooks } = loadRunbooks([SHIPPED_RUNBOOKS])
const calibration = readCalibration()

/** A hex id for a number. */
export const idOf = (number: number): string => number.toString(16).padStart(64, '0')

/**
 * The guard as it is in production, with its policy, executor and runbooks, on a host that exists in memory alone and
 * tells what was written to it. Time moves by hand.
 */
export function createGuardedHost(
  containers: readonly Container[],
  configured: { mode: Mode; ownContainerId?: string; calmIntervalMs?: number },
) {
  let nowMs = 1_700_000_000_000
  const inventory = new Map(containers.map((container) => [container.id, container]))
  const writes: Write[] = []
  const incidents = new Map<string, Incident>()
  const judgements: Judgement[] = []
  const hostNotes: { event: AuditEvent; reason: string }[] = []
  let intended: string[] = []
  let signed = false
  let stopped: string | null = null
  let mode = configured.mode
  let engineState: 'ok' | 'down' = 'ok'
  let ids = 0
  let samples: Sample[] = []
  /** What the engine waits for before it answers a write. */
  let gate: Promise<void> = Promise.resolve()
  let fails = false

  const wrote = async (call: string, containerId: string) => {
    writes.push({ call, containerId, atMs: nowMs, audited: intended, signed })
    signed = false
    await gate
    if (fails) throw new Error('the engine refuses')
    const container = inventory.get(containerId)
    if (container !== undefined && (call === 'restart' || call === 'start'))
      inventory.set(containerId, { ...container, state: 'running', startedAt: nowMs, health: 'none' })
  }
  const engine = {
    inspect: async (id: string) => inventory.get(id) ?? null,
    restart: (id: string) => wrote('restart', id),
    stop: (id: string) => wrote('stop', id),
    start: (id: string) => wrote('start', id),
    pause: (id: string) => wrote('pause', id),
    unpause: (id: string) => wrote('unpause', id),
    updateLimits: (id: string) => wrote('update', id),
  } as unknown as Engine
  const clock = { now: () => nowMs, sleep: async () => {} }
  const autonomy: Parameters<typeof createGuard>[0]['autonomy'] = {
    modeOf: (container: Container) => modeOf(container, mode),
    stopped: () => stopped,
    resumedAtMs: 0,
    judgementsOf: () => ({}),
    remediesOf: () => ({}),
    take: (judged: readonly Judgement[]) => void judgements.push(...judged),
  } satisfies Partial<AutonomyBook>
  const guard = createGuard({
    clock,
    log: createLog('silent'),
    calibration: () => calibration,
    settings: SETTINGS,
    autonomy,
    runbooks,
    hostFigures: () => null,
    ownContainerId: configured.ownContainerId ?? null,
    inventory: () => ({
      containers: inventory,
      engine: { state: engineState, sinceMs: 0, detail: '', description: null },
    }),
    sampler: {
      sync() {},
      take(ids = []) {
        const wanted = new Set(ids)
        return samples.filter(({ containerId }) => wanted.has(containerId))
      },
      reset() {},
    },
    calmIntervalMs: () => configured.calmIntervalMs ?? 1_000,
    breathe: async () => {},
    executor: createExecutor({
      engine,
      clock,
      checkpoint() {
        signed = true
      },
      stopped: () => stopped,
    }),
    explain: () => new Promise(() => {}),
    onOpened() {},
    beforeAction: async () => {},
    newId: () => `00000000-0000-4000-8000-${String(++ids).padStart(12, '0')}`,
    audit({ event, container }) {
      if (event === 'action.intended') intended = [...intended, container?.id ?? '']
    },
    noteHost: (note) => void hostNotes.push(note),
    scores: { assessed() {}, failed() {}, cutShort() {} },
    onAssessed() {},
    onObserved() {},
    onIncident: (incident) => void incidents.set(incident.id, incident),
  })

  const change = (id: string, different: Partial<Container>) => {
    const container = inventory.get(id)
    if (container !== undefined) inventory.set(id, { ...container, ...different })
  }
  return {
    guard,
    writes,
    incidents,
    judgements,
    hostNotes,
    inventory,
    change,
    get nowMs() {
      return nowMs
    },
    get mode() {
      return mode
    },
    pass(ms: number) {
      nowMs += ms
    },
    setMode(next: Mode) {
      mode = next
    },
    setStop(reason: string | null) {
      stopped = reason
    },
    setEngine(state: 'ok' | 'down') {
      engineState = state
    },
    setFails(next: boolean) {
      fails = next
    },
    /** The engine answers nothing until the returned function is called. */
    hold(): () => void {
      let open = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return () => open()
    },
    event(containerId: string, kind: string, different: Partial<EngineEvent> = {}) {
      const name = inventory.get(containerId)?.name ?? ''
      guard.onEngineEvent({
        at: nowMs,
        containerId,
        kind,
        name,
        exitCode: null,
        signal: null,
        health: null,
        ...different,
      })
    },
    /** Seconds of the loop, with a calm sample of each container that runs in each, but for what is `different` in it. */
    async rounds(seconds: number, different: (id: string, second: number) => Partial<Sample> = () => ({})) {
      for (let second = 0; second < seconds; second++) {
        nowMs += 1_000
        samples = [...inventory.values()]
          .filter(({ state }) => state === 'running')
          .map(({ id }) => aSample({ containerId: id, at: nowMs, ...different(id, second) }))
        await guard.round()
        // What was begun in this round is done before the next, unless the engine is held.
        for (let turn = 0; turn < 8; turn++) await Promise.resolve()
      }
    },
  }
}

/** Containers of a host, no two alike. */
export const aFleet = (count: number, different: (index: number) => Partial<Container> = () => ({})): Container[] =>
  Array.from({ length: count }, (_, index) =>
    aContainer({
      id: idOf(index + 1),
      key: `shop/service-${index}/1`,
      name: `shop-service-${index}-1`,
      composeService: `service-${index}`,
      ...different(index),
    }),
  )
