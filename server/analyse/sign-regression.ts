/** Steps towards the sign of the error: at first one over the number of steps, later this small. */
const FINAL_RATE = 0.005
const FIRST_RATE = 0.3

/**
 * One step of least-absolute-deviation regression: moves `weights` along the normalised features by the sign of the
 * error (normalised sign LMS; Mathews and Cho 1987). Neither scale nor unit of the features matters.
 */
export function learnSign(
  weights: Float32Array,
  features: Float64Array,
  from: number,
  error: number,
  steps: number,
): void {
  let square = 0
  for (let index = 0; index < weights.length; index++) square += features[from + index]! * features[from + index]!
  if (square === 0 || error === 0) return
  const rate = (Math.max(FINAL_RATE, FIRST_RATE / steps) * Math.sign(error)) / Math.sqrt(square)
  for (let index = 0; index < weights.length; index++) {
    weights[index] = weights[index]! + rate * features[from + index]!
  }
}

/** Sum of weights times features. */
export function weightedSum(weights: Float32Array, features: Float64Array, from: number): number {
  let sum = 0
  for (let index = 0; index < weights.length; index++) sum += weights[index]! * features[from + index]!
  return sum
}
