import type { Assessment, Cause } from '../contracts/assessment.ts'
import type { Facts } from '../contracts/runbook.ts'
import type { HostFigures } from '../contracts/status.ts'
import type { Container, Sample } from '../contracts/telemetry.ts'

const HOUR_MS = 3_600_000

const shareOf = (part: number | null | undefined, whole: number | null | undefined): number | null =>
  part == null || whole == null || whole <= 0 ? null : part / whole

/** What a runbook can ask about, from what is known now. `failures` are those of the open incident. */
export function factsOf(known: {
  at: number
  container: Container
  sample: Sample | null
  assessment: Assessment | null
  cause: Cause | null
  failures: readonly { at: number; kind: string }[]
  host: HostFigures | null
  neighbourCpuShareOfHost: number | null
}): Facts {
  const { at, container, sample, assessment, cause, failures, host, neighbourCpuShareOfHost } = known
  const lastHour = failures.filter((failure) => at - failure.at < HOUR_MS)
  const seconds = assessment?.timeToLimitMs ?? null
  return {
    probability: assessment?.probability ?? null,
    timeToLimitSeconds: seconds === null ? null : seconds / 1000,
    state: container.state,
    health: container.health,
    cause,
    cpuShareOfLimit: sample?.cpuShareOfLimit ?? null,
    memoryShareOfLimit: sample?.memoryShareOfLimit ?? null,
    pidsShareOfLimit: shareOf(sample?.pids, sample?.pidsLimit),
    throttledShare: sample?.throttledShare ?? null,
    oomKillsLastHour: lastHour.filter(({ kind }) => kind === 'oom').length,
    crashesLastHour: lastHour.filter(({ kind }) => kind === 'crash').length,
    restartCount: container.restartCount,
    hostCpuBusyShare: host?.cpuBusyShare ?? null,
    hostMemoryAvailableShare: shareOf(host?.memoryAvailableBytes, host?.memoryTotalBytes),
    hostDiskFreeShare: shareOf(host?.diskFreeBytes, host?.diskTotalBytes),
    neighbourCpuShareOfHost,
    containerName: container.name,
    composeProject: container.composeProject,
    composeService: container.composeService,
    image: container.image,
  }
}
