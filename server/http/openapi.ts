import { type Hook, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Env } from 'hono'
import type { ZodType } from 'zod'
import { Problem } from '../contracts/api.ts'
import { LiveEvent } from '../contracts/live-event.ts'
import type { RoleEnv } from './auth.ts'
import { describeIssues, problem } from './problem.ts'

/** Describes the routes that no schema validates: the live stream and the metrics. */
export function describePlainRoutes(api: OpenAPIHono<RoleEnv>): void {
  const plain = (path: string, summary: string, type: string, schema: ZodType, ...statuses: number[]) =>
    api.openAPIRegistry.registerPath({
      method: 'get',
      path,
      summary,
      responses: {
        200: { description: summary, content: { [type]: { schema } } },
        ...problemResponses(...statuses),
      },
    })
  plain(
    '/api/live',
    'Server-Sent Events: a snapshot, then ticks, incidents and status; resumes with Last-Event-ID',
    'text/event-stream',
    LiveEvent,
    401,
    403,
    421,
    503,
  )
  plain('/metrics', 'Prometheus exposition of the program and of its assessments', 'text/plain', z.string(), 401, 421)
}

/** A JSON answer in a route's description. */
export function json<Schema extends ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

const WHEN: Record<number, string> = {
  400: 'a parameter is wrong',
  401: 'the token is missing or wrong',
  403: 'a page of another site asks, or a viewer wants something changed',
  404: 'there is no such thing',
  409: 'the situation does not allow it any more',
  413: 'the body is larger than 64 KiB',
  415: 'the body is not JSON',
  421: 'the Host header is not on the list',
  503: 'it cannot be had now',
}

type ProblemResponse = { description: string; content: { 'application/problem+json': { schema: typeof Problem } } }

/** The problem-details answers of a route's description. */
export function problemResponses<Status extends number>(...statuses: Status[]): Record<Status, ProblemResponse> {
  const entries = statuses.map((status) => [
    status,
    { description: WHEN[status] ?? 'it failed', content: { 'application/problem+json': { schema: Problem } } },
  ])
  return Object.fromEntries(entries)
}

/** Answers what a route's schemas refuse. */
export const validationHook: Hook<unknown, Env, string, Response | undefined> = (result, context) =>
  result.success ? undefined : problem(context, 400, describeIssues(result.error.issues))
