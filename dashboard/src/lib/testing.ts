import type { Autonomy, AutonomyRecord, ContainerView } from './api.ts'

/** A healthy running container for the tests, with what a test wants different. */
export function containerView(different: Partial<ContainerView> = {}): ContainerView {
  const name = different.name ?? 'shop-api-1'
  return {
    id: 'a'.repeat(64),
    key: name,
    name,
    image: 'shop/api:1',
    state: 'running',
    health: 'none',
    composeProject: 'shop',
    composeService: 'api',
    startedAt: '2026-11-20T08:00:00.000Z',
    restartCount: 0,
    mode: 'shadow',
    protectedBecause: null,
    light: 'low',
    probability: 0.02,
    cause: null,
    timeToLimitMs: null,
    timeToLimitLowerMs: null,
    timeToLimitUpperMs: null,
    pidsTimeToLimit: null,
    freshness: 'live',
    sampledAt: '2026-11-20T09:00:00.000Z',
    cpuCores: 0.25,
    cpuShareOfLimit: 0.25,
    cpuLimitCores: 1,
    throttledShare: 0,
    logErrorsPerMinute: 0,
    workingSetBytes: 100 * 1024 ** 2,
    memoryLimitBytes: 512 * 1024 ** 2,
    memoryShareOfLimit: 100 / 512,
    pids: 3,
    cpuCoresForecast: null,
    memoryBytesForecast: null,
    cpuCoresFarForecasts: [],
    memoryBytesFarForecasts: [],
    cpuZScore: null,
    memoryZScore: null,
    cpuAnomalyScore: null,
    memoryAnomalyScore: null,
    evidence: [],
    openIncidentId: null,
    ...different,
  }
}

/** A service in shadow where nobody changed anything and nothing was judged yet. */
export function autonomy(different: Partial<Autonomy> = {}): Autonomy {
  return {
    configuredMode: 'shadow',
    settings: { host: null, projects: {}, containers: {}, stopped: null, stopChanged: null, resumedAtMs: 0 },
    labelled: {},
    brake: null,
    brakeEndsWithAWord: false,
    overall: {
      judged: 0,
      right: 0,
      unknown: 0,
      precision: null,
      precisionLower: 0,
      done: 0,
      falseActions: 0,
      failureAvoidedMs: 0,
      assumedActions: 0,
    },
    records: [],
    ...different,
  }
}

export function autonomyRecord(different: Partial<AutonomyRecord> = {}): AutonomyRecord {
  return {
    containerKey: 'shop-api-1',
    kind: 'restart',
    judged: 20,
    right: 20,
    unknown: 0,
    precision: 1,
    precisionLower: 0.92,
    mayActAlone: true,
    reason: '20 of 20 decisions were right',
    suggestion: null,
    ...different,
  }
}
