import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { Recording, RecordingEntry } from '../contracts/black-box.ts'
import { RequestError } from '../errors.ts'
import { json, problemResponses, validationHook } from './openapi.ts'
import type { Service } from './service.ts'

const list = createRoute({
  method: 'get',
  path: '/api/incidents/{id}/black-box',
  summary: 'What was recorded of an incident, with the SHA-256 that the audit log holds too',
  request: { params: z.object({ id: z.uuid() }) },
  responses: { 200: json(z.array(RecordingEntry), 'the recordings'), ...problemResponses(400, 401, 404, 421) },
})

const one = createRoute({
  method: 'get',
  path: '/api/incidents/{id}/black-box/{number}',
  summary: 'One recording, byte for byte as it was hashed',
  request: {
    params: z.object({ id: z.uuid(), number: z.string().regex(/^[1-9]\d{0,3}$/, 'must be a number from 1') }),
  },
  responses: { 200: json(Recording, 'the recording'), ...problemResponses(400, 401, 404, 421, 503) },
})

/** `/api/incidents/:id/black-box`. */
export function blackBoxRoutes(service: Service) {
  return new OpenAPIHono({ defaultHook: validationHook })
    .openapi(list, async (context) => {
      const entries = await service.recordings(context.req.valid('param').id)
      if (entries === null) throw new RequestError(404, 'there is no incident with that id')
      return context.json(entries, 200)
    })
    .openapi(one, async (context) => {
      const { id, number } = context.req.valid('param')
      const text = await service.recording(id, Number(number))
      if (text === null) throw new RequestError(404, 'there is no such recording of that incident')
      // Parsed and written again it could be another text, with another hash.
      return context.body(text, 200, { 'content-type': 'application/json' }) as never
    })
}
