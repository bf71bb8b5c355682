import type { Floats } from './forecast-history.ts'

/** Errors count by three tenths over the last ten steps, by seven tenths over the last hundred. */
const SLOW_SHARE = 0.01
const FAST_SHARE = 0.1
const FAST_WEIGHT = 0.3

/** The last value, the first of the experts, counts twice: whoever contradicts it has to be better. */
const LAST_VALUE_WEIGHT = 2

/** What the experts' forecasts have been worth so far at their horizon. */
export type Mixture = {
  readonly slowErrors: Float32Array
  readonly fastErrors: Float32Array
  scored: number
}

export function createMixture(experts: number, floats: Floats): Mixture {
  return { slowErrors: floats(experts), fastErrors: floats(experts), scored: 0 }
}

/** Takes what came of the experts' `forecasts`. */
export function scoreExperts(mixture: Mixture, forecasts: Float64Array, value: number): void {
  const { slowErrors, fastErrors } = mixture
  mixture.scored++
  const slow = Math.max(SLOW_SHARE, 1 / mixture.scored)
  const fast = Math.max(FAST_SHARE, 1 / mixture.scored)
  for (let index = 0; index < slowErrors.length; index++) {
    const error = Math.abs(forecasts[index]! - value)
    slowErrors[index] = slowErrors[index]! + slow * (error - slowErrors[index]!)
    fastErrors[index] = fastErrors[index]! + fast * (error - fastErrors[index]!)
  }
}

/** Takes `times` outcomes that all experts had foretold exactly. */
export function scoreExactForecasts(mixture: Mixture, times: number): void {
  mixture.scored += times
  const slow = (1 - SLOW_SHARE) ** times
  const fast = (1 - FAST_SHARE) ** times
  for (let index = 0; index < mixture.slowErrors.length; index++) {
    mixture.slowErrors[index] = slow * mixture.slowErrors[index]!
    mixture.fastErrors[index] = fast * mixture.fastErrors[index]!
  }
}

const MAX_EXPERTS = 64
const weights = new Float64Array(MAX_EXPERTS)
const order = new Uint8Array(MAX_EXPERTS)

/** The value below and above which lies half of the weight each; the lower one where two would do. */
export function weightedMedian(values: Float64Array, weights: Float64Array, count: number): number {
  let total = 0
  for (let index = 0; index < count; index++) {
    let place = index
    while (place > 0 && values[order[place - 1]!]! > values[index]!) {
      order[place] = order[place - 1]!
      place--
    }
    order[place] = index
    total += weights[index]!
  }
  let below = 0
  for (let place = 0; place < count; place++) {
    below += weights[order[place]!]!
    if (below >= total / 2) return values[order[place]!]!
  }
  return values[order[count - 1]!]!
}

/** Weighted median of the experts' forecasts. Their weight falls with the fourth power of their recent absolute error. */
export function mix(mixture: Mixture, forecasts: Float64Array): number {
  const { slowErrors, fastErrors } = mixture
  const count = slowErrors.length
  if (mixture.scored === 0) return forecasts[0]!
  let least = Number.POSITIVE_INFINITY
  for (let index = 0; index < count; index++) {
    const error = (1 - FAST_WEIGHT) * slowErrors[index]! + FAST_WEIGHT * fastErrors[index]!
    weights[index] = error
    if (error < least) least = error
  }
  for (let index = 0; index < count; index++) {
    const error = weights[index]!
    weights[index] = error === least ? 1 : (least / error) ** 4
  }
  weights[0] = LAST_VALUE_WEIGHT * weights[0]!
  return weightedMedian(forecasts, weights, count)
}
