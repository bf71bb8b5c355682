import { seededUniform } from '../../server/analyse/seeded-stand-in.ts'

const REPEATS = 2_000
/** Any will do; a fixed one makes two runs say the same. */
const SEED = 1

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** The geometric mean of each group, and of those with equal weight; from logarithms of the values. */
export const geometricMean = (groups: readonly (readonly number[])[]): number => Math.exp(mean(groups.map(mean)))

/**
 * The 95 % percentile interval (Efron, 1979) of the geometric mean over groups, drawing series anew within each group.
 * From logarithms of the values; groups are not empty.
 */
export function bootstrapInterval(groups: readonly (readonly number[])[], repeats = REPEATS): [number, number] {
  const uniform = seededUniform(SEED)
  const draw = (group: readonly number[]) => group.map(() => group[Math.floor(uniform() * group.length)]!)
  const means = Float64Array.from({ length: repeats }, () => geometricMean(groups.map(draw))).sort()
  const at = (share: number) => means[Math.round(share * (repeats - 1))]!
  return [at(0.025), at(0.975)]
}
