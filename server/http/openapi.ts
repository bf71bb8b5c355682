import type { Hook } from '@hono/zod-openapi'
import type { Env } from 'hono'
import type { ZodType } from 'zod'
import { Problem } from '../contracts/api.ts'
import { describeIssues, problem } from './problem.ts'

/** A JSON answer in a route's description. */
export function json<Schema extends ZodType>(schema: Schema, description: string) {
  return { description, content: { 'application/json': { schema } } }
}

const WHEN: Record<number, string> = {
  400: 'a parameter is wrong',
  401: 'the token is missing or wrong',
  404: 'there is no such thing',
  409: 'the situation does not allow it any more',
  421: 'the Host header is not on the list',
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
