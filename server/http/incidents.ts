import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { IncidentView } from '../contracts/api.ts'
import { RequestError } from '../errors.ts'
import { json, problemResponses, validationHook } from './openapi.ts'
import type { Service } from './service.ts'

const params = z.object({ id: z.uuid() })

const list = createRoute({
  method: 'get',
  path: '/api/incidents',
  summary: 'Incidents, newest first',
  request: {
    query: z.object({
      limit: z.coerce.number().int().min(1).max(500).default(50),
      offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
      open: z.enum(['true', 'false']).optional(),
    }),
  },
  responses: { 200: json(z.array(IncidentView), 'the incidents'), ...problemResponses(400, 401, 421) },
})

const one = createRoute({
  method: 'get',
  path: '/api/incidents/{id}',
  summary: 'One incident with its evidence, actions and history',
  request: { params },
  responses: { 200: json(IncidentView, 'the incident'), ...problemResponses(400, 401, 404, 421) },
})

const report = createRoute({
  method: 'get',
  path: '/api/incidents/{id}/report.html',
  summary: 'The audit report of an incident',
  request: { params },
  responses: {
    200: { description: 'the report', content: { 'text/html': { schema: z.string() } } },
    ...problemResponses(400, 401, 404, 421),
  },
})

const answer = (word: 'approve' | 'reject') =>
  createRoute({
    method: 'post',
    path: `/api/actions/{id}/${word}`,
    summary: `An operator's word: ${word} a proposed action`,
    request: {
      params,
      // Said to be required so that a request without one is validated too, and gets the default.
      body: {
        required: true,
        content: { 'application/json': { schema: z.object({ reason: z.string().max(500).default('') }) } },
      },
    },
    responses: {
      200: json(IncidentView, 'the incident as it is now'),
      ...problemResponses(400, 401, 403, 404, 409, 413, 415, 421),
    },
  })

/** A report runs no script and loads nothing. */
const REPORT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'"

/** `/api/incidents`, the reports below it, and the operator's word on actions. */
export function incidentRoutes(service: Service) {
  return new OpenAPIHono({ defaultHook: validationHook })
    .openapi(list, async (context) => {
      const { limit, offset, open } = context.req.valid('query')
      return context.json(
        await service.incidents({ limit, offset, ...(open === undefined ? {} : { open: open === 'true' }) }),
        200,
      )
    })
    .openapi(one, async (context) => {
      const incident = await service.incident(context.req.valid('param').id)
      if (incident === null) throw new RequestError(404, 'there is no incident with that id')
      return context.json(incident, 200)
    })
    .openapi(report, async (context) => {
      const page = await service.report(context.req.valid('param').id)
      if (page === null) throw new RequestError(404, 'there is no incident with that id')
      return context.html(page, 200, { 'content-security-policy': REPORT_POLICY })
    })
    .openapi(answer('approve'), async (context) => {
      const { id } = context.req.valid('param')
      return context.json(await service.answer(id, 'approve', context.req.valid('json').reason), 200)
    })
    .openapi(answer('reject'), async (context) => {
      const { id } = context.req.valid('param')
      return context.json(await service.answer(id, 'reject', context.req.valid('json').reason), 200)
    })
}
