/** The longest season looked at, 336 steps (a week of half-hours), and what a forecast reads around it. */
export const CAPACITY = 352

/** How many of the newest values `copyRecent` gives: 120 steps of season and a pattern of eight before them. */
export const RECENT = 128

/** The newest 352 values of a series, single precision, relative to an origin of the caller's choice. */
export type History = {
  readonly values: Float32Array
  newest: number
  /** All values ever taken, also those forgotten. */
  count: number
}

/** Gives a part of a forecaster its place for so many numbers. */
export type Floats = (length: number) => Float32Array

export function createHistory(floats: Floats): History {
  return { values: floats(CAPACITY), newest: -1, count: 0 }
}

export function remember(history: History, value: number): void {
  history.newest = history.newest + 1 === CAPACITY ? 0 : history.newest + 1
  history.values[history.newest] = value
  history.count++
}

/** Remembers `times` more of a value that all those kept have, or none is kept and it is 0. */
export function rememberSame(history: History, times: number): void {
  history.newest = (history.newest + times) % CAPACITY
  history.count += times
}

/** The value `age` steps before the newest; the oldest one kept where that is too long ago. */
export function valueAt(history: History, age: number): number {
  const known = Math.min(age, history.count - 1, CAPACITY - 1)
  const index = history.newest - known
  return history.values[index < 0 ? index + CAPACITY : index]!
}

export function isKept(history: History, age: number): boolean {
  return age < history.count && age < CAPACITY
}

/** Writes the newest 128 values, newest first, into `recent`; before the first value stands the first. */
export function copyRecent(history: History, recent: Float64Array): void {
  for (let age = 0; age < RECENT; age++) recent[age] = valueAt(history, age)
}
