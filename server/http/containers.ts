import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { ContainerView, SampleColumns } from '../contracts/api.ts'
import { ContainerId } from '../contracts/telemetry.ts'
import { RequestError } from '../errors.ts'
import { json, problemResponses, validationHook } from './openapi.ts'
import type { Service } from './service.ts'

const DEFAULT_RANGE_MS = 15 * 60_000
const MAX_RANGE_MS = 800 * 86_400_000
const DEFAULT_POINTS = 500
const MAX_POINTS = 5_000
const MIN_STEP_MS = 1_000

const list = createRoute({
  method: 'get',
  path: '/api/containers',
  summary: 'All containers with their lights, probabilities and forecasts',
  responses: { 200: json(z.array(ContainerView), 'the containers'), ...problemResponses(401, 421) },
})

const samples = createRoute({
  method: 'get',
  path: '/api/containers/{id}/samples',
  summary: 'Columns of samples, forecasts and bands of one container',
  request: {
    params: z.object({ id: ContainerId }),
    query: z.object({
      from: z.iso.datetime({ offset: true }).optional(),
      to: z.iso.datetime({ offset: true }).optional(),
      step: z.coerce.number().int().min(MIN_STEP_MS).max(86_400_000).optional(),
    }),
  },
  responses: { 200: json(SampleColumns, 'the columns'), ...problemResponses(400, 401, 404, 421) },
})

/** The range of a chart query, checked and completed: newest 15 minutes in about 500 steps by default. */
export function chartRange(
  query: { from?: string | undefined; to?: string | undefined; step?: number | undefined },
  nowMs: number,
): { fromMs: number; toMs: number; stepMs: number } {
  const toMs = query.to === undefined ? nowMs : Date.parse(query.to)
  const fromMs = query.from === undefined ? toMs - DEFAULT_RANGE_MS : Date.parse(query.from)
  const range = toMs - fromMs
  if (range <= 0) throw new RequestError(400, 'from must be before to')
  if (range > MAX_RANGE_MS) throw new RequestError(400, 'the range is longer than 800 days')
  const stepMs = query.step ?? Math.max(MIN_STEP_MS, Math.ceil(range / DEFAULT_POINTS / MIN_STEP_MS) * MIN_STEP_MS)
  if (range / stepMs > MAX_POINTS)
    throw new RequestError(400, `more than ${MAX_POINTS} points: ask for a shorter range or a longer step`)
  return { fromMs, toMs, stepMs }
}

/** `/api/containers` and what hangs below it. */
export function containerRoutes(service: Service) {
  return new OpenAPIHono({ defaultHook: validationHook })
    .openapi(list, (context) => context.json(service.containers(), 200))
    .openapi(samples, async (context) => {
      const { id } = context.req.valid('param')
      const range = chartRange(context.req.valid('query'), service.now())
      const columns = await service.samples({ containerId: id, ...range })
      if (columns === null) throw new RequestError(404, 'no container with that id was seen')
      return context.json(columns, 200)
    })
}
