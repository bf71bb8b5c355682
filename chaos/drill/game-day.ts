import { z } from 'zod'
import type { IncidentView } from '../../server/contracts/api.ts'
import { messageOf } from '../../server/errors.ts'
import type { Injection, Injector, Victim } from '../injector.ts'
import type { Strike } from './game-day-plan.ts'
import { type DoneFault, JudgedActions, judgeActions } from './judged-actions.ts'

/** Services that people use, from the first to the last moment of a day, watched by a DockerPulse of their own. */
export type Field = AsyncDisposable & {
  readonly url: string
  readonly services: readonly Victim[]
  readonly injector: Injector
  /** Epoch milliseconds. */
  now(): number
  /** Resolves a second later. */
  second(): Promise<void>
  /** What became of the requests from outside since this was asked last. */
  measure(): Promise<Measured>
}

/** Requests from outside. `failedSeconds`: without an answer, of a service, or of the entrance by the share that failed. */
export type Measured = { requests: number; failed: number; failedSeconds: number }

/** What became of the requests of a game day. */
export const GameDayFigures = z.object({
  requests: z.number(),
  failedRequests: z.number(),
  failureMinutes: z.number(),
  strikes: z.number(),
  /** Faults that could not be done, or not taken back. */
  skipped: z.array(z.string()),
  incidents: z.number(),
  actions: z.number(),
  /** Of the automatic ones, by what was really done to the containers; `null` of a day from before it was counted. */
  judged: JudgedActions.nullable().default(null),
})
export type GameDayFigures = z.infer<typeof GameDayFigures>

/** One request to each service. */
export async function measureEach(
  services: readonly Victim[],
  answers: (service: Victim) => Promise<boolean>,
): Promise<Measured> {
  const answered = await Promise.all(services.map(answers))
  const failed = answered.filter((one) => !one).length
  return { requests: services.length, failed, failedSeconds: failed }
}

const INCIDENTS = 500

/** Plays a game day: the planned faults, while requests are measured. Every fault is taken back. */
export async function playGameDay(
  field: Field,
  options: {
    strikes: readonly Strike[]
    seconds: number
    signal?: AbortSignal
    onSecond?: (second: number, failed: number) => void
  },
): Promise<GameDayFigures> {
  const { strikes, seconds, signal, onSecond } = options
  const { services, injector, url } = field
  const skipped: string[] = []
  const atWork: { until: number; injection: Injection }[] = []
  const done: DoneFault[] = []
  let [requests, failedRequests, failedSeconds] = [0, 0, 0]
  const takeBack = async (dueBy: number) => {
    for (const one of atWork.filter(({ until }) => until <= dueBy)) {
      atWork.splice(atWork.indexOf(one), 1)
      await one.injection.takeBack().catch((error) => skipped.push(messageOf(error)))
    }
  }
  try {
    for (let second = 0; second < seconds && !signal?.aborted; second++) {
      for (const { atSeconds, service, fault, durationSeconds } of strikes) {
        if (atSeconds !== second) continue
        const fromMs = field.now()
        await injector.inject(fault, services[service]!, { seconds: durationSeconds + 20 }).then(
          (injection) => {
            atWork.push({ until: second + durationSeconds, injection })
            const untilMs = fromMs + durationSeconds * 1000
            done.push({ containerName: services[service]!.name, fault, fromMs, untilMs })
          },
          (error) => skipped.push(`${fault.kind} in ${services[service]!.name}: ${messageOf(error)}`),
        )
      }
      await takeBack(second)
      await field.second()
      const measured = await field.measure()
      requests += measured.requests
      failedRequests += measured.failed
      failedSeconds += measured.failedSeconds
      onSecond?.(second, failedRequests)
    }
  } finally {
    await takeBack(Number.POSITIVE_INFINITY)
  }
  const response = await fetch(`${url}/api/incidents?limit=${INCIDENTS}`)
  const incidents = (await response.json()) as IncidentView[]
  return {
    requests,
    failedRequests,
    failureMinutes: failedSeconds / 60,
    strikes: strikes.length,
    skipped,
    incidents: incidents.length,
    actions: incidents.flatMap(({ actions }) => actions).filter(({ startedAt }) => startedAt !== null).length,
    judged: judgeActions(incidents, done),
  }
}
