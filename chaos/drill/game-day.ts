import type { IncidentView } from '../../server/contracts/api.ts'
import { messageOf } from '../../server/errors.ts'
import type { Injection, Injector, Victim } from '../injector.ts'
import type { Strike } from './game-day-plan.ts'

/** Services that people use, watched by a DockerPulse of their own. */
export type Field = AsyncDisposable & {
  readonly url: string
  readonly services: readonly Victim[]
  readonly injector: Injector
  /** Resolves a second later. */
  second(): Promise<void>
  /** Whether a request from outside is answered now. */
  answers(service: Victim): Promise<boolean>
}

/** What became of the requests, one a second to every service. */
export type GameDayFigures = {
  requests: number
  failedRequests: number
  /** Service-minutes without an answer. */
  failureMinutes: number
  strikes: number
  /** Faults that could not be done. */
  skipped: string[]
  incidents: number
  actions: number
}

const INCIDENTS = 500

/** Plays a game day: the planned faults, and a request a second to every service. Every fault is taken back. */
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
  let failedRequests = 0
  let requests = 0
  const takeBack = async (dueBy: number) => {
    for (const one of atWork.filter(({ until }) => until <= dueBy)) {
      atWork.splice(atWork.indexOf(one), 1)
      await one.injection.takeBack()
    }
  }
  try {
    for (let second = 0; second < seconds && !signal?.aborted; second++) {
      for (const { atSeconds, service, fault, durationSeconds } of strikes) {
        if (atSeconds !== second) continue
        await injector.inject(fault, services[service]!, { seconds: durationSeconds + 20 }).then(
          (injection) => atWork.push({ until: second + durationSeconds, injection }),
          (error) => skipped.push(`${fault.kind} in ${services[service]!.name}: ${messageOf(error)}`),
        )
      }
      await takeBack(second)
      await field.second()
      const answered = await Promise.all(services.map((service) => field.answers(service)))
      const failed = answered.filter((one) => !one).length
      requests += services.length
      failedRequests += failed
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
    failureMinutes: failedRequests / 60,
    strikes: strikes.length,
    skipped,
    incidents: incidents.length,
    actions: incidents.flatMap(({ actions }) => actions).filter(({ startedAt }) => startedAt !== null).length,
  }
}
