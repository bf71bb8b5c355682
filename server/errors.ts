/** Something the program cannot do, said so that a person knows what to do next. */
export class AppError extends Error {
  override name = 'AppError'
}

/** Wrong configuration: the program stops before it starts. */
export class ConfigError extends AppError {
  override name = 'ConfigError'
}

export type EngineErrorKind = 'unreachable' | 'timeout' | 'refused' | 'not-found' | 'conflict' | 'protocol' | 'failed'

/** A call to the Docker engine that did not work. Only `unreachable`, `timeout` and `protocol` speak of the engine itself. */
export class EngineError extends AppError {
  override name = 'EngineError'
  readonly kind: EngineErrorKind
  constructor(kind: EngineErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** The database cannot be opened or written in a way that a person must mend. */
export class StoreError extends AppError {
  override name = 'StoreError'
}

/** The audit log cannot be opened or written; without it nothing may be done to a container. */
export class AuditError extends AppError {
  override name = 'AuditError'
}

/** A request the API refuses; `status` is its HTTP status. */
export class RequestError extends AppError {
  override name = 'RequestError'
  readonly status: 400 | 401 | 403 | 404 | 409 | 413 | 421 | 422 | 429 | 503
  constructor(status: RequestError['status'], message: string) {
    super(message)
    this.status = status
  }
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.replace(/\s+/g, ' ').trim()
}
