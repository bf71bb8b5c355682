import { MIB } from './container-spec.ts'
import { EngineRefusal } from './filters.ts'
import type { SimulatedContainer } from './simulated-container.ts'

const LEAST_MEMORY_BYTES = 6 * MIB
/** The kernel's CFS period where none is set. */
const DEFAULT_PERIOD_US = 100_000

/**
 * Applies the body of `/containers/{id}/update` to the container's limits. Zero and absent leave a limit as it is.
 * Throws EngineRefusal, in the engine's words, and then changes nothing.
 */
export function applyUpdate(container: SimulatedContainer, body: Record<string, unknown>, hostCores: number): void {
  const wanted = (name: string) => (typeof body[name] === 'number' ? (body[name] as number) : 0)
  const memory = wanted('Memory')
  const swap = wanted('MemorySwap')
  const nanoCpus = wanted('NanoCpus')
  const quota = wanted('CpuQuota')
  const period = wanted('CpuPeriod')
  const conflict = (reason: string) => new EngineRefusal(409, `Cannot update container ${container.id}: ${reason}`)

  if (memory !== 0 && memory < LEAST_MEMORY_BYTES) throw new EngineRefusal(400, 'Minimum memory limit allowed is 6MB')
  if (nanoCpus < 0 || nanoCpus > hostCores * 1e9)
    throw new EngineRefusal(
      400,
      `Range of CPUs is from 0.01 to ${hostCores}.00, as there are only ${hostCores} CPUs available`,
    )
  if (nanoCpus > 0 && (quota > 0 || period > 0))
    throw new EngineRefusal(400, 'Conflicting options: Nano CPUs and CPU Period cannot both be set')
  if (swap > 0 && memory > swap)
    throw new EngineRefusal(400, 'Minimum memoryswap limit should be larger than memory limit, see usage')
  const hasNanoCpus = container.limits.cpuCores > 0 && container.cpuQuotaUs === 0
  if (quota > 0 && hasNanoCpus)
    throw conflict('Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set')
  if (nanoCpus > 0 && container.cpuQuotaUs > 0)
    throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set')
  if (swap === 0 && container.memorySwapBytes > 0 && memory > container.memorySwapBytes)
    throw conflict(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    )

  if (memory > 0) container.limits.memoryBytes = memory
  if (swap !== 0) container.memorySwapBytes = swap
  if (nanoCpus > 0) container.limits.cpuCores = nanoCpus / 1e9
  if (period > 0) container.cpuPeriodUs = period
  if (quota > 0) container.cpuQuotaUs = quota
  if (container.cpuQuotaUs > 0)
    container.limits.cpuCores = container.cpuQuotaUs / (container.cpuPeriodUs || DEFAULT_PERIOD_US)
}
