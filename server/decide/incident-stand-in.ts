import { lightOf } from '../analyse/risk.ts'
import type { Assessment, Evidence } from '../contracts/assessment.ts'
import type { Action, Incident } from '../contracts/incident.ts'
import { Runbook } from '../contracts/runbook.ts'
import type { Container, Sample } from '../contracts/telemetry.ts'
import type { Surroundings } from './ladder.ts'
import type { HostFacts } from './rails.ts'
import type { PolicySettings } from './remediation-policy.ts'

/** A running container with a limit of 128 MiB that nobody has anything against. */
export function aContainer(different: Partial<Container> = {}): Container {
  return {
    id: 'a'.repeat(64),
    key: 'shop/api/1',
    name: 'shop-api-1',
    image: 'shop/api:1.4',
    imageId: `sha256:${'1'.repeat(64)}`,
    state: 'running',
    health: 'none',
    pid: null,
    logPath: null,
    healthFailingStreak: 0,
    composeProject: 'shop',
    composeService: 'api',
    composeNumber: 1,
    createdAt: 1_000,
    startedAt: 2_000,
    exitCode: null,
    oomKilled: false,
    restartCount: 0,
    memoryLimitBytes: 128 * 1024 ** 2,
    cpuLimitCores: 1,
    stopGraceSeconds: 10,
    networkMode: 'bridge',
    networks: ['bridge'],
    endpoints: {},
    labels: {},
    ...different,
  }
}

/** A quiet second of it. */
export function aSample(different: Partial<Sample> = {}): Sample {
  return {
    containerId: 'a'.repeat(64),
    at: 10_000,
    cpuCores: 0.2,
    cpuShareOfLimit: 0.2,
    throttledShare: 0,
    throttledPeriods: 0,
    memoryUsageBytes: 40 * 1024 ** 2,
    workingSetBytes: 32 * 1024 ** 2,
    unreclaimableBytes: 30 * 1024 ** 2,
    anonBytes: 28 * 1024 ** 2,
    fileBytes: 10 * 1024 ** 2,
    kernelBytes: 2 * 1024 ** 2,
    swapBytes: 0,
    oomKills: 0,
    memoryLimitBytes: 128 * 1024 ** 2,
    memoryShareOfLimit: 0.25,
    pids: 4,
    pidsLimit: null,
    networkReceiveBytesPerSecond: 100,
    networkTransmitBytesPerSecond: 200,
    blockReadBytesPerSecond: 0,
    blockWriteBytesPerSecond: 0,
    cpuPressureSomeShare: 0,
    cpuPressureFullShare: 0,
    memoryPressureSomeShare: 0,
    memoryPressureFullShare: 0,
    ioPressureSomeShare: 0,
    ioPressureFullShare: 0,
    logErrorsPerSecond: 0,
    ...different,
  }
}

export const MEMORY_EVIDENCE: Evidence = {
  feature: 'memoryExceedance',
  text: 'memory that cannot be reclaimed grows 4 MiB/s and is at 60 % of its 128 MiB limit: the limit is 13 s away',
  value: 1,
  contribution: 8,
}

/** What is thought of it: the light follows from the probability, as it does in the program. */
export function anAssessment(probability: number | null, different: Partial<Assessment> = {}): Assessment {
  return {
    containerId: 'a'.repeat(64),
    at: 10_000,
    probability,
    light: lightOf(probability),
    cause: probability === null || probability < 0.5 ? null : 'memory-limit',
    timeToLimitMs: probability === null || probability < 0.5 ? null : 13_000,
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
    evidence: probability === null || probability < 0.5 ? [] : [MEMORY_EVIDENCE],
    ...different,
  }
}

export const SETTINGS: PolicySettings = {
  threshold: 0.85,
  cooldownMs: 300_000,
  maxActionsPerHour: 3,
  budgetShare: 0.1,
  quietHours: null,
  minJudged: 5,
  minPrecisionLower: 0.8,
}

/** A host on which nothing stands in the way. */
export function aHost(different: Partial<HostFacts> = {}): HostFacts {
  return {
    actionInFlight: false,
    containers: 1,
    troubled: 1,
    turning: 0,
    openedAtMs: [],
    actions: [],
    stopped: null,
    resumedAtMs: 0,
    minuteOfDay: 720,
    ...different,
  }
}

/** Nobody around. */
export function someSurroundings(different: Partial<Surroundings> = {}): Surroundings {
  return {
    hostCores: 4,
    hostMemoryTotalBytes: 8 * 1024 ** 3,
    hostMemoryAvailableBytes: 4 * 1024 ** 3,
    neighbour: null,
    dependents: [],
    sharesNetwork: false,
    inForce: [],
    records: {},
    ...different,
  }
}

/** A runbook that restarts, whatever it is, where a person would. */
export const RESTART_RUNBOOK: Runbook = Runbook.parse({
  name: 'restart-it',
  title: 'Restart it',
  trigger: { causes: ['memory-limit', 'cpu-saturation', 'unhealthy', 'unknown'], light: 'medium' },
  solutions: [{ action: 'restart' }],
  escalate: 'a person must look',
})

/** What a situation needs beside the container itself. */
export const AROUND = {
  followsFrom: null,
  runbook: RESTART_RUNBOOK,
  surroundings: someSurroundings(),
  judgements: {},
}

/** UUIDv4s in counting order. */
export function countingIds(): () => string {
  let count = 0
  return () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`
}

export function anAction(different: Partial<Action> = {}): Action {
  return {
    id: '00000000-0000-4000-8000-00000000aaaa',
    kind: 'restart',
    deed: { kind: 'restart' },
    runbook: null,
    state: 'executed',
    at: 20_000,
    crossedAt: 19_000,
    startedAt: 20_000,
    askedAt: 20_100,
    finishedAt: 21_000,
    by: 'dockerpulse',
    forced: true,
    probability: 0.91,
    threshold: 0.85,
    stopGraceSeconds: 4,
    leaseUntil: null,
    takenBackAt: null,
    reason: 'confidence 91 % is at or above the threshold of 85 %; mode auto',
    ...different,
  }
}

export function anIncident(different: Partial<Incident> = {}): Incident {
  const container = aContainer()
  return {
    id: '00000000-0000-4000-8000-00000000bbbb',
    containerKey: container.key,
    containerId: container.id,
    containerName: container.name,
    composeProject: container.composeProject,
    mode: 'auto',
    cause: 'memory-limit',
    openedAt: 20_000,
    closedAt: null,
    phase: 'verifying',
    light: 'critical',
    probability: 0.91,
    evidence: [MEMORY_EVIDENCE],
    snapshot: {
      at: 20_000,
      image: container.image,
      startedAt: container.startedAt,
      restartCount: 0,
      exitCode: null,
      health: 'none',
      memoryLimitBytes: container.memoryLimitBytes,
      cpuLimitCores: container.cpuLimitCores,
      sample: aSample(),
      assessment: anAssessment(0.91),
    },
    explanation: null,
    ending: null,
    failures: [],
    actions: [anAction()],
    history: [{ at: 20_000, event: 'incident.opened', text: MEMORY_EVIDENCE.text }],
    historyOmitted: 0,
    ...different,
  }
}
