/** A row of features in 0..1, whether it came true, and how much it counts. */
export type Row = { x: Float64Array; y: number; weight: number }

export type Fit = { intercept: number; weights: Float64Array }

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z))

/** Mean negative log-likelihood with an L2 penalty on the weights, not on the intercept. */
function loss(rows: readonly Row[], { intercept, weights }: Fit, penalty: number, total: number): number {
  let sum = 0
  for (const { x, y, weight } of rows) {
    let z = intercept
    for (let j = 0; j < weights.length; j++) z += weights[j]! * x[j]!
    // log(1 + exp(-z)) without overflow.
    const margin = y === 1 ? z : -z
    sum += weight * (margin > 0 ? Math.log1p(Math.exp(-margin)) : -margin + Math.log1p(Math.exp(margin)))
  }
  let squares = 0
  for (const w of weights) squares += w * w
  return sum / total + (penalty / 2) * squares
}

/** Mean negative log-likelihood of a fit on rows. */
export const logLoss = (rows: readonly Row[], fit: Fit): number =>
  loss(
    rows,
    fit,
    0,
    rows.reduce((sum, { weight }) => sum + weight, 0),
  )

const MOST_STEPS = 500
const TOLERANCE = 1e-9

/**
 * Logistic regression with weights that are not negative, penalised by `penalty`/2 x their squares: projected Newton
 * (Bertsekas, SIAM J. Control Optim. 20, 1982). Coordinates at 0 that want below it stay there; the others take a Newton
 * step, halved until the loss falls.
 */
export function fitLogistic(rows: readonly Row[], penalty: number): Fit {
  const features = rows[0]?.x.length ?? 0
  const size = features + 1
  let total = 0
  let positives = 0
  for (const { y, weight } of rows) {
    total += weight
    positives += weight * y
  }
  const share = Math.min(1 - 1e-6, Math.max(1e-6, positives / total))
  let fit: Fit = { intercept: Math.log(share / (1 - share)), weights: new Float64Array(features) }
  let current = loss(rows, fit, penalty, total)
  for (let step = 0; step < MOST_STEPS; step++) {
    const gradient = new Float64Array(size)
    const hessian = Array.from({ length: size }, () => new Float64Array(size))
    for (const { x, y, weight } of rows) {
      let z = fit.intercept
      for (let j = 0; j < features; j++) z += fit.weights[j]! * x[j]!
      const p = sigmoid(z)
      const slope = (weight / total) * (p - y)
      const bend = (weight / total) * p * (1 - p)
      const at = (j: number) => (j === features ? 1 : x[j]!)
      for (let j = 0; j < size; j++) {
        const xj = at(j)
        if (xj === 0) continue
        gradient[j]! += slope * xj
        const row = hessian[j]!
        for (let k = 0; k <= j; k++) row[k]! += bend * xj * at(k)
      }
    }
    for (let j = 0; j < size; j++) {
      if (j < features) {
        gradient[j]! += penalty * fit.weights[j]!
        hessian[j]![j]! += penalty
      }
      hessian[j]![j]! += 1e-9
      for (let k = j + 1; k < size; k++) hessian[j]![k] = hessian[k]![j]!
    }
    const free = Array.from({ length: size }, (_, j) => j).filter(
      (j) => j === features || fit.weights[j]! > 0 || gradient[j]! < 0,
    )
    const direction = solve(
      free.map((j) => free.map((k) => hessian[j]![k]!)),
      free.map((j) => -gradient[j]!),
    )
    let moved = false
    for (let scale = 1; scale > 1e-8; scale /= 2) {
      const weights = Float64Array.from(fit.weights)
      let intercept = fit.intercept
      for (const [index, j] of free.entries()) {
        if (j === features) intercept += scale * direction[index]!
        else weights[j] = Math.max(0, weights[j]! + scale * direction[index]!)
      }
      const next = loss(rows, { intercept, weights }, penalty, total)
      if (next >= current) continue
      moved = current - next > TOLERANCE * (1 + Math.abs(current))
      fit = { intercept, weights }
      current = next
      break
    }
    if (!moved) break
  }
  return fit
}

/** Solves a x = b by Gaussian elimination with pivots. */
function solve(a: number[][], b: number[]): number[] {
  const n = b.length
  const rows = a.map((row, index) => [...row, b[index]!])
  for (let column = 0; column < n; column++) {
    let pivot = column
    for (let r = column + 1; r < n; r++) if (Math.abs(rows[r]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = r
    ;[rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!]
    for (let r = column + 1; r < n; r++) {
      const factor = rows[r]![column]! / rows[column]![column]!
      for (let k = column; k <= n; k++) rows[r]![k]! -= factor * rows[column]![k]!
    }
  }
  const x = new Array<number>(n).fill(0)
  for (let r = n - 1; r >= 0; r--) {
    let sum = rows[r]![n]!
    for (let k = r + 1; k < n; k++) sum -= rows[r]![k]! * x[k]!
    x[r] = sum / rows[r]![r]!
  }
  return x
}
