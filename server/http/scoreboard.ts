import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { CalibrationChange, ScoreboardView } from '../contracts/scoreboard.ts'
import { json, problemResponses, validationHook } from './openapi.ts'
import type { Service } from './service.ts'

const scoreboard = createRoute({
  method: 'get',
  path: '/api/scoreboard',
  summary: "How the program's own predictions did over the last 30 days",
  responses: { 200: json(ScoreboardView, 'the scoreboard'), ...problemResponses(401, 421) },
})

const change = createRoute({
  method: 'put',
  path: '/api/calibration',
  summary: "Allows the program's own corrections of its failure model, or takes them back and forbids them (own false)",
  request: { body: { required: true, content: { 'application/json': { schema: CalibrationChange } } } },
  responses: { 200: json(ScoreboardView, 'as it is now'), ...problemResponses(400, 401, 403, 413, 415, 421) },
})

/** `/api/scoreboard` and `/api/calibration`. */
export function scoreboardRoutes(service: Service) {
  return new OpenAPIHono({ defaultHook: validationHook })
    .openapi(scoreboard, (context) => context.json(service.scoreboard(), 200))
    .openapi(change, async (context) => context.json(await service.setCalibration(context.req.valid('json')), 200))
}
