import { type Logger, pino } from 'pino'

export type Log = Logger

/** Values under these names never reach a log line, at any of the depths that we log. */
const SECRET_FIELDS = ['token', 'password', 'secret', 'authorization', 'cookie']
const REDACTED = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])

/** Structured log, one JSON line per thing that happened, on standard error: standard output belongs to the commands' results. */
export function createLog(level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[secret]' },
    },
    pino.destination({ fd: 2, sync: true }),
  )
}
