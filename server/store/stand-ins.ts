import type { Incident } from '../contracts/incident.ts'
import type { Observation } from './stored-metrics.ts'

/** A container id that is told apart by its last digits. */
export const idOf = (number: number): string => number.toString(16).padStart(64, '0')

/** One container's second for tests. */
export function observation(
  container: number,
  at: number,
  sample: Partial<Observation['sample']> = {},
  assessment: Partial<Observation['assessment']> = {},
): Observation {
  const containerId = idOf(container)
  return {
    containerKey: `shop/web/${container}`,
    containerName: `shop-web-${container}`,
    sample: {
      containerId,
      at,
      cpuCores: 0.5,
      cpuShareOfLimit: 0.5,
      throttledShare: 0,
      throttledPeriods: 0,
      memoryUsageBytes: 2e6,
      workingSetBytes: 1e6,
      unreclaimableBytes: 5e5,
      anonBytes: 4e5,
      fileBytes: 3e5,
      kernelBytes: 1e5,
      swapBytes: 0,
      oomKills: 0,
      memoryLimitBytes: 64e6,
      memoryShareOfLimit: 0.1,
      pids: 2,
      pidsLimit: null,
      networkReceiveBytesPerSecond: 160,
      networkTransmitBytesPerSecond: 320,
      blockReadBytesPerSecond: null,
      blockWriteBytesPerSecond: null,
      cpuPressureSomeShare: 0,
      cpuPressureFullShare: 0,
      memoryPressureSomeShare: null,
      memoryPressureFullShare: null,
      ioPressureSomeShare: null,
      ioPressureFullShare: null,
      logErrorsPerSecond: null,
      ...sample,
    },
    assessment: {
      containerId,
      at,
      probability: 0.25,
      light: 'low',
      cause: null,
      timeToLimitMs: null,
      timeToLimitLowerMs: null,
      timeToLimitUpperMs: null,
      pidsTimeToLimit: null,
      cpuCoresForecast: null,
      memoryBytesForecast: null,
      cpuCoresFarForecasts: [],
      memoryBytesFarForecasts: [],
      cpuZScore: null,
      memoryZScore: null,
      cpuAnomalyScore: null,
      memoryAnomalyScore: null,
      logErrorsPerMinute: null,
      evidence: [],
      ...assessment,
    },
  }
}

/** A version 4 UUID that is told apart by its last digits. */
export const uuidOf = (number: number): string => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`

/** An open incident for tests. */
export function incident(number: number, changes: Partial<Incident> = {}): Incident {
  return {
    id: uuidOf(number),
    containerKey: 'shop/web/1',
    containerId: idOf(1),
    containerName: 'shop-web-1',
    composeProject: 'shop',
    mode: 'shadow',
    cause: 'memory-limit',
    openedAt: 1_000_000 + number,
    closedAt: null,
    phase: 'detected',
    light: 'critical',
    probability: 0.9,
    evidence: [],
    snapshot: {
      at: 1_000_000,
      image: 'web:1',
      startedAt: null,
      restartCount: 0,
      exitCode: null,
      health: 'none',
      memoryLimitBytes: null,
      cpuLimitCores: null,
      sample: null,
      assessment: null,
    },
    explanation: null,
    ending: null,
    failures: [],
    actions: [],
    history: [],
    historyOmitted: 0,
    ...changes,
  }
}

/** An action for tests. */
export function action(
  number: number,
  state: Incident['actions'][number]['state'],
  forced = true,
): Incident['actions'][number] {
  return {
    id: uuidOf(number),
    kind: 'restart',
    deed: { kind: 'restart' },
    runbook: null,
    leaseUntil: null,
    takenBackAt: null,
    state,
    at: 1_000_000,
    crossedAt: null,
    startedAt: null,
    askedAt: null,
    finishedAt: null,
    by: 'dockerpulse',
    forced,
    probability: 0.9,
    threshold: 0.85,
    stopGraceSeconds: 10,
    reason: 'test',
  }
}
