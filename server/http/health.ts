import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { PartStatus, ServiceStatus, SourceStatus } from '../contracts/status.ts'
import { json, problemResponses, validationHook } from './openapi.ts'
import type { Service } from './service.ts'

const health = createRoute({
  method: 'get',
  path: '/api/health',
  summary: 'Whether the service lives; needs no token',
  responses: {
    200: json(z.object({ status: z.literal('ok'), version: z.string(), source: SourceStatus }), 'it lives'),
  },
})

const Readiness = z.object({
  ready: z.boolean(),
  engine: PartStatus,
  store: PartStatus,
  audit: PartStatus,
  model: PartStatus,
})

const ready = createRoute({
  method: 'get',
  path: '/api/ready',
  summary: 'Readiness part by part; a missing model is degraded, not unready',
  responses: {
    200: json(Readiness, 'engine and store can be used'),
    503: json(Readiness, 'engine or store cannot be used'),
    ...problemResponses(401, 421),
  },
})

const status = createRoute({
  method: 'get',
  path: '/api/status',
  summary: 'The service itself: mode, parts, counters',
  responses: { 200: json(ServiceStatus, 'the status'), ...problemResponses(401, 421) },
})

/** Liveness, readiness and status. */
export function healthRoutes(service: Service) {
  const routes = new OpenAPIHono({ defaultHook: validationHook })
    .openapi(health, (context) => context.json(healthOf(service), 200))
    .openapi(ready, (context) => {
      const { engine, store, audit, model } = service.status()
      const usable = engine.state === 'ok' && store.state !== 'down'
      const parts = { ready: usable, engine: pick(engine), store: pick(store), audit: pick(audit), model: pick(model) }
      return usable ? context.json(parts, 200) : context.json(parts, 503)
    })
    .openapi(status, (context) => context.json(service.status(), 200))
  routes.get('/healthz', (context) => context.text('ok\n'))
  routes.get('/readyz', (context) => {
    const { engine, store } = service.status()
    return engine.state === 'ok' && store.state !== 'down' ? context.text('ok\n') : context.text('not ready\n', 503)
  })
  return routes
}

function healthOf(service: Service) {
  const { version, source } = service.status()
  return { status: 'ok' as const, version, source }
}

function pick({ state, detail, since }: PartStatus): PartStatus {
  return { state, detail, since }
}
