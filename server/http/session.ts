import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { Session } from '../contracts/api.ts'
import type { RoleEnv } from './auth.ts'
import { json, problemResponses } from './openapi.ts'

const show = createRoute({
  method: 'get',
  path: '/api/session',
  summary: 'What the token of this request lets it do',
  responses: { 200: json(Session, 'operator or viewer'), ...problemResponses(401, 421) },
})

/** `/api/session`. */
export const sessionRoutes = () =>
  new OpenAPIHono<RoleEnv>().openapi(show, (context) => context.json({ role: context.get('role') }, 200))
