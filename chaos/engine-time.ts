/** The engine's time that means "never". */
export const ZERO_TIME = '0001-01-01T00:00:00Z'

/** Epoch milliseconds as the engine writes times: RFC 3339 with nanoseconds. */
export function engineTime(atMs: number | null): string {
  if (atMs === null) return ZERO_TIME
  const whole = Math.floor(atMs)
  const rest = Math.floor((atMs - whole) * 1e6)
  return `${new Date(whole).toISOString().slice(0, -1)}${String(rest).padStart(6, '0')}Z`
}

/** Epoch milliseconds as decimal nanoseconds, which a double could not hold. */
export function nanoseconds(atMs: number): string {
  const whole = Math.floor(atMs)
  return `${whole}${String(Math.floor((atMs - whole) * 1e6)).padStart(6, '0')}`
}

/**
 * A time in a query: Unix seconds with an optional fraction, or RFC 3339; `null` where absent. Throws the engine's own
 * complaint for anything else.
 */
export function parseQueryTime(text: string | null): number | null {
  if (text === null || text === '') return null
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw new Error(`strconv.ParseInt: parsing "${text}": invalid syntax`)
  return at
}

/** How long ago, in the words of `docker ps`. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.floor(seconds / 60)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.floor(minutes / 60 + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`
  return `${Math.floor(hours / 24 / 7)} weeks`
}
