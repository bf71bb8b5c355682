import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { ScoreboardView } from '../contracts/scoreboard.ts'
import { json, problemResponses, validationHook } from './openapi.ts'
import type { Service } from './service.ts'

const scoreboard = createRoute({
  method: 'get',
  path: '/api/scoreboard',
  summary: "How the program's own predictions did over the last 30 days",
  responses: { 200: json(ScoreboardView, 'the scoreboard'), ...problemResponses(401, 421) },
})

/** `/api/scoreboard`. */
export function scoreboardRoutes(service: Service) {
  return new OpenAPIHono({ defaultHook: validationHook }).openapi(scoreboard, (context) =>
    context.json(service.scoreboard(), 200),
  )
}
