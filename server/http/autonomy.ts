import { createRoute, OpenAPIHono } from '@hono/zod-openapi'
import { Autonomy, ModeChange, StopChange } from '../contracts/autonomy.ts'
import { json, problemResponses, validationHook } from './openapi.ts'
import type { Service } from './service.ts'

const show = createRoute({
  method: 'get',
  path: '/api/autonomy',
  summary: 'How much the program may do by itself now, what an operator set, and the record that it has earned',
  responses: { 200: json(Autonomy, 'modes, stop switch and records'), ...problemResponses(401, 421) },
})

const setMode = createRoute({
  method: 'put',
  path: '/api/modes',
  summary: 'Sets the mode of the host, a compose project or a container, or takes it back (mode null)',
  request: { body: { required: true, content: { 'application/json': { schema: ModeChange } } } },
  responses: { 200: json(Autonomy, 'as it is now'), ...problemResponses(400, 401, 403, 404, 413, 415, 421) },
})

const setStop = createRoute({
  method: 'put',
  path: '/api/stop',
  summary: 'The stop switch: on, and nothing more is done to any container, also in the middle of an action',
  request: { body: { required: true, content: { 'application/json': { schema: StopChange } } } },
  responses: { 200: json(Autonomy, 'as it is now'), ...problemResponses(400, 401, 403, 413, 415, 421) },
})

/** `/api/autonomy`, `/api/modes` and `/api/stop`. */
export function autonomyRoutes(service: Service) {
  return new OpenAPIHono({ defaultHook: validationHook })
    .openapi(show, (context) => context.json(service.autonomy(), 200))
    .openapi(setMode, async (context) => context.json(await service.setMode(context.req.valid('json')), 200))
    .openapi(setStop, async (context) => context.json(await service.setStop(context.req.valid('json')), 200))
}
