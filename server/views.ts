import type { ContainerView, IncidentView, SampleColumns } from './contracts/api.ts'
import type { Forecast } from './contracts/assessment.ts'
import type { Incident } from './contracts/incident.ts'
import type { Container } from './contracts/telemetry.ts'
import type { Tracked } from './guard.ts'
import type { History } from './store/history.ts'

/** ISO 8601 with milliseconds. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}

const isoOrNull = (ms: number | null) => (ms === null ? null : isoTime(ms))

/** Digits that nobody reads make a third of a live stream. */
const DECIMALS = 4

const rounded = (value: number | null | undefined, decimals = DECIMALS): number | null =>
  value == null ? null : Math.round(value * 10 ** decimals) / 10 ** decimals

const roundedForecast = <F extends Forecast | null>(forecast: F, decimals: number): F =>
  forecast === null
    ? forecast
    : {
        ...forecast,
        horizonMs: forecast.horizonMs,
        value: rounded(forecast.value, decimals)!,
        lower: rounded(forecast.lower, decimals)!,
        upper: rounded(forecast.upper, decimals)!,
        lower80: rounded(forecast.lower80, decimals)!,
        upper80: rounded(forecast.upper80, decimals)!,
      }

/** A container as the API shows it: shares and cores to four decimals, bytes and milliseconds whole. */
export function containerView({
  container,
  mode,
  protectedBecause,
  sample,
  assessment,
  freshness,
  openIncidentId,
}: Tracked): ContainerView {
  return {
    id: container.id,
    key: container.key,
    name: container.name,
    image: container.image,
    state: container.state,
    health: container.health,
    composeProject: container.composeProject,
    composeService: container.composeService,
    startedAt: isoOrNull(container.startedAt),
    restartCount: container.restartCount,
    mode,
    protectedBecause,
    light: assessment.light,
    probability: rounded(assessment.probability),
    cause: assessment.cause,
    timeToLimitMs: rounded(assessment.timeToLimitMs, 0),
    timeToLimitLowerMs: rounded(assessment.timeToLimitLowerMs, 0),
    timeToLimitUpperMs: rounded(assessment.timeToLimitUpperMs, 0),
    pidsTimeToLimit: assessment.pidsTimeToLimit,
    freshness,
    sampledAt: isoOrNull(sample?.at ?? null),
    cpuCores: rounded(sample?.cpuCores),
    cpuShareOfLimit: rounded(sample?.cpuShareOfLimit),
    cpuLimitCores: container.cpuLimitCores,
    throttledShare: rounded(sample?.throttledShare),
    logErrorsPerMinute: rounded(assessment.logErrorsPerMinute, 1),
    workingSetBytes: sample?.workingSetBytes ?? null,
    memoryLimitBytes: container.memoryLimitBytes,
    memoryShareOfLimit: rounded(sample?.memoryShareOfLimit),
    pids: sample?.pids ?? null,
    cpuCoresForecast: roundedForecast(assessment.cpuCoresForecast, DECIMALS),
    memoryBytesForecast: roundedForecast(assessment.memoryBytesForecast, 0),
    cpuCoresFarForecasts: assessment.cpuCoresFarForecasts.map((forecast) => roundedForecast(forecast, DECIMALS)),
    memoryBytesFarForecasts: assessment.memoryBytesFarForecasts.map((forecast) => roundedForecast(forecast, 0)),
    cpuAnomalyScore: rounded(assessment.cpuAnomalyScore, 2),
    memoryAnomalyScore: rounded(assessment.memoryAnomalyScore, 2),
    cpuZScore: rounded(assessment.cpuZScore, 2),
    memoryZScore: rounded(assessment.memoryZScore, 2),
    evidence: assessment.evidence,
    openIncidentId,
  }
}

/** An incident as the API shows it: times as ISO 8601. */
export function incidentView(incident: Incident): IncidentView {
  const { openedAt, closedAt, actions, history, explanation, snapshot } = incident
  return {
    ...incident,
    openedAt: isoTime(openedAt),
    closedAt: isoOrNull(closedAt),
    failures: incident.failures.map(({ at, kind }) => ({ at: isoTime(at), kind })),
    actions: actions.map((action) => ({
      ...action,
      at: isoTime(action.at),
      crossedAt: isoOrNull(action.crossedAt),
      startedAt: isoOrNull(action.startedAt),
      askedAt: isoOrNull(action.askedAt),
      finishedAt: isoOrNull(action.finishedAt),
      leaseUntil: isoOrNull(action.leaseUntil),
      takenBackAt: isoOrNull(action.takenBackAt),
    })),
    history: history.map((entry) => ({ ...entry, at: isoTime(entry.at) })),
    explanation: explanation === null ? null : { ...explanation, at: isoTime(explanation.at) },
    snapshot: { ...snapshot, at: isoTime(snapshot.at), startedAt: isoOrNull(snapshot.startedAt) },
  }
}

const HISTORY_COLUMNS = [
  'cpuCores',
  'cpuCoresMin',
  'cpuCoresMax',
  'cpuCoresP95',
  'cpuCoresForecast',
  'cpuCoresLower',
  'cpuCoresUpper',
  'workingSetBytes',
  'workingSetBytesMin',
  'workingSetBytesMax',
  'workingSetBytesP95',
  'memoryBytesForecast',
  'memoryBytesLower',
  'memoryBytesUpper',
  'throttledShare',
  'probability',
  'networkReceiveBytesPerSecond',
  'networkTransmitBytesPerSecond',
  'blockReadBytesPerSecond',
  'blockWriteBytesPerSecond',
  'cpuPressureSomeShare',
  'memoryPressureSomeShare',
  'ioPressureSomeShare',
] as const

const FORECAST_COLUMNS = [
  'cpuCoresForecast',
  'cpuCoresLower',
  'cpuCoresUpper',
  'memoryBytesForecast',
  'memoryBytesLower',
  'memoryBytesUpper',
] as const

function pick<Name extends string>(history: History, names: readonly Name[]): Record<Name, (number | null)[]> {
  return Object.fromEntries(names.map((name) => [name, history[name] ?? []])) as Record<Name, (number | null)[]>
}

/** Stored columns as the API shows them. */
export function sampleColumns(
  query: { containerId: string; fromMs: number; toMs: number },
  container: Container | null,
  { tier, stepMs, seen, ahead }: { tier: SampleColumns['tier']; stepMs: number; seen: History; ahead: History },
  forecastHorizonMs: number,
): SampleColumns {
  return {
    containerId: query.containerId,
    from: isoTime(query.fromMs),
    to: isoTime(query.toMs),
    stepMs,
    forecastHorizonMs,
    memoryLimitBytes: container?.memoryLimitBytes ?? null,
    cpuLimitCores: container?.cpuLimitCores ?? null,
    tier,
    at: seen.at,
    ...pick(seen, HISTORY_COLUMNS),
    ahead: { at: ahead.at, ...pick(ahead, FORECAST_COLUMNS) },
  }
}
