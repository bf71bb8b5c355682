import type { Calibration, Cause, Evidence, Light } from '../contracts/assessment.ts'

/** What the failure model looks at: each in 0..1, with the words for a person and the failure it points at. */
export type Feature = { name: string; value: number; text: string; cause: Cause | null }

/** From these probabilities on the light changes. */
export const MEDIUM_FROM = 0.5
export const CRITICAL_FROM = 0.85

/** The traffic light of a probability; unknown is not lit: low, and shown as not evaluated. */
export function lightOf(probability: number | null): Light {
  if (probability === null || !(probability >= MEDIUM_FROM)) return 'low'
  return probability < CRITICAL_FROM ? 'medium' : 'critical'
}

/** A feature must change the log-odds by this much to be worth a person's words; one that is not counts nothing. */
const MIN_CONTRIBUTION = 0.05

export type Risk = { probability: number; cause: Cause | null; evidence: Evidence[] }

/**
 * Logistic model: log-odds = intercept + sum of weight x feature. Gives the probability of a failure within the
 * calibration's horizon, its evidence (largest contribution first; with the intercept it adds up to the log-odds) and the
 * failure that most of it points at. A feature without a weight, or without a finite value, counts nothing.
 */
export function failureRisk(features: readonly Feature[], calibration: Calibration): Risk {
  let logOdds = calibration.intercept
  const byCause = new Map<Cause, number>()
  const evidence: Evidence[] = []
  for (const { name, value, text, cause } of features) {
    const contribution = (calibration.weights[name] ?? 0) * value
    if (!(Math.abs(contribution) >= MIN_CONTRIBUTION)) continue
    logOdds += contribution
    evidence.push({ feature: name, text, value, contribution })
    if (cause !== null && contribution > 0) byCause.set(cause, (byCause.get(cause) ?? 0) + contribution)
  }
  evidence.sort((a, b) => b.contribution - a.contribution)
  let cause: Cause | null = null
  for (const [candidate, weight] of byCause) {
    if (cause === null || weight > byCause.get(cause)!) cause = candidate
  }
  return { probability: 1 / (1 + Math.exp(-logOdds)), cause, evidence }
}
