import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Problem } from '../contracts/api.ts'
import { messageOf, RequestError } from '../errors.ts'
import type { Log } from '../log.ts'

const TITLES: Record<number, string> = {
  400: 'Bad request',
  401: 'Not logged in',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unsupported media type',
  421: 'Misdirected request',
  422: 'Cannot be done',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available',
}

/** An error as RFC 9457 problem details. */
export function problem(context: Context, status: ContentfulStatusCode, detail: string): Response {
  const body: Problem = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, detail }
  return context.body(JSON.stringify(body), status, { 'content-type': 'application/problem+json' })
}

/** The one place where anything thrown becomes an answer; what we did not foresee is logged and stays inside. */
export function createErrorHandler(log: Log) {
  return (error: unknown, context: Context): Response => {
    if (error instanceof RequestError) return problem(context, error.status, error.message)
    if (error instanceof HTTPException) return problem(context, error.status, error.message || 'malformed request')
    log.error({ path: context.req.path, reason: messageOf(error) }, 'a request failed')
    return problem(context, 500, 'something went wrong inside; the log says what')
  }
}

/** One line for a person from zod's issues. */
export function describeIssues(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  return issues.map(({ path, message }) => `${path.map(String).join('.') || 'body'}: ${message}`).join('; ')
}
