export type Language = 'en' | 'es'

const NBSP = '\u00a0'
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** What is shown where there is no value. */
export const NOTHING = '\u2013'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Index into `BYTE_UNITS` for three figures before the next unit starts: 1 000 MiB is written 0.98 GiB. */
function byteUnit(bytes: number): number {
  let unit = 0
  for (let rest = Math.abs(bytes); rest >= 999.5 && unit < BYTE_UNITS.length - 1; rest /= 1024) unit++
  return unit
}

/** Decimals that leave a number at most three significant figures, after rounding. */
function decimals(value: number): number {
  const size = Math.abs(value)
  if (size < 9.995) return 2
  return size < 99.95 ? 1 : 0
}

export type Format = ReturnType<typeof createFormat>

/**
 * Numbers as the page shows them: at most three significant figures, always with a unit, binary units for memory,
 * cores for CPU (1 is one core busy). `null` becomes a dash.
 */
export function createFormat(language: Language, timeZone?: string) {
  const fixed = [0, 1, 2].map(
    (digits) =>
      new Intl.NumberFormat(language, {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
        useGrouping: false,
      }),
  )
  /** For limits and axes, which are round as a rule: 1 GiB, not 1.00 GiB. */
  const atMost = [0, 1, 2].map(
    (digits) => new Intl.NumberFormat(language, { maximumFractionDigits: digits, useGrouping: false }),
  )
  const clock = new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZone,
  })
  const day = new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short', timeZone })

  const figures = (value: number): string => fixed[decimals(value)]!.format(value)

  const scaled = (bytes: number, unit: number): string =>
    unit === 0 ? fixed[0]!.format(bytes) : figures(bytes / 1024 ** unit)

  function bytes(value: number | null): string {
    if (value === null) return NOTHING
    const unit = byteUnit(value)
    return `${scaled(value, unit)}${NBSP}${BYTE_UNITS[unit]}`
  }

  function share(value: number | null): string {
    if (value === null) return NOTHING
    const percent = value * 100
    if (percent > 0 && percent < 1) return `<${NBSP}1${NBSP}%`
    if (percent > 99 && percent < 100) return `>${NBSP}99${NBSP}%`
    return `${fixed[0]!.format(percent)}${NBSP}%`
  }

  function duration(ms: number | null): string {
    if (ms === null) return NOTHING
    const of = (count: number, unit: string) => `${Math.floor(count)}${NBSP}${unit}`
    if (ms < MINUTE) return of(Math.max(ms, 0) / SECOND, 's')
    if (ms < 10 * MINUTE && ms % MINUTE >= SECOND) return `${of(ms / MINUTE, 'min')} ${of((ms % MINUTE) / SECOND, 's')}`
    if (ms < HOUR) return of(ms / MINUTE, 'min')
    if (ms < DAY)
      return ms % HOUR >= MINUTE ? `${of(ms / HOUR, 'h')} ${of((ms % HOUR) / MINUTE, 'min')}` : of(ms / HOUR, 'h')
    return ms % DAY >= HOUR ? `${of(ms / DAY, 'd')} ${of((ms % DAY) / HOUR, 'h')}` : of(ms / DAY, 'd')
  }

  /** A signed change; nothing where it rounds to zero. */
  function change(value: number, write: (size: number) => string): string {
    const size = write(Math.abs(value))
    if (size === write(0)) return ''
    return `${value > 0 ? '+' : '\u2212'}${size}`
  }

  const plain = (value: number): string => atMost[decimals(value)]!.format(value)

  return {
    bytes,
    plain,
    plainBytes(value: number): string {
      const unit = byteUnit(value)
      return `${plain(value / 1024 ** unit)}${NBSP}${BYTE_UNITS[unit]}`
    },
    share,
    duration,
    /** An interval of times, open where it has no end: `20 s – 1 min`, `> 20 s`. */
    between: (lowerMs: number, upperMs: number | null): string =>
      upperMs === null ? `>${NBSP}${duration(lowerMs)}` : `${duration(lowerMs)} \u2013 ${duration(upperMs)}`,
    change,
    count: (value: number): string => fixed[0]!.format(value),
    cores: (value: number | null): string => (value === null ? NOTHING : figures(value)),
    /** A score from 0 to 1 that is no probability. */
    score: (value: number | null): string => (value === null ? NOTHING : fixed[2]!.format(value)),
    /** A z-score or a contribution in log-odds, with its sign. */
    signed: (value: number | null): string =>
      value === null ? NOTHING : `${value < 0 ? '\u2212' : '+'}${fixed[1]!.format(Math.abs(value))}`,
    /** Both in the unit of the larger: `412 → 498 MiB`. */
    bytesToForecast(now: number | null, forecast: number | null): string {
      if (now === null || forecast === null) return bytes(now)
      const unit = byteUnit(Math.max(now, forecast))
      return `${scaled(now, unit)} \u2192 ${scaled(forecast, unit)}${NBSP}${BYTE_UNITS[unit]}`
    },
    coresToForecast(now: number | null, forecast: number | null): string {
      if (now === null) return NOTHING
      return forecast === null ? figures(now) : `${figures(now)} \u2192 ${figures(forecast)}`
    },
    time: (at: number | string): string => clock.format(new Date(at)),
    dateAndTime: (at: number | string): string => `${day.format(new Date(at))}, ${clock.format(new Date(at))}`,
  }
}
