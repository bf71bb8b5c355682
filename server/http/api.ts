import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { compress } from 'hono/compress'
import { secureHeaders } from 'hono/secure-headers'
import { RequestError } from '../errors.ts'
import type { Log } from '../log.ts'
import { hostAllowList, loginRoutes, type RoleEnv, sameOrigin, type Tokens, tokenRule, viewerRule } from './auth.ts'
import { autonomyRoutes } from './autonomy.ts'
import { blackBoxRoutes } from './black-box.ts'
import { containerRoutes } from './containers.ts'
import { healthRoutes } from './health.ts'
import { incidentRoutes } from './incidents.ts'
import type { Live } from './live.ts'
import { createMetrics } from './metrics.ts'
import { describePlainRoutes } from './openapi.ts'
import { createErrorHandler, problem } from './problem.ts'
import { scoreboardRoutes } from './scoreboard.ts'
import type { Service } from './service.ts'
import { sessionRoutes } from './session.ts'
import { staticFiles } from './static-files.ts'

const MAX_BODY_BYTES = 64 * 1024

/** The whole HTTP surface: who may ask, the routes by noun, the live stream, and the dashboard's files. */
export function createApi(options: {
  service: Service
  live: Live
  log: Log
  tokens: Tokens
  allowedHosts: readonly string[]
  dashboardFolder: string
}) {
  const { service, live, log, tokens, allowedHosts, dashboardFolder } = options
  const metrics = createMetrics(service, () => live.clients)
  const login = loginRoutes(tokens, service.now)
  const api = new OpenAPIHono<RoleEnv>()
  api.onError(createErrorHandler(log))
  api.notFound((context) => problem(context, 404, `there is nothing at ${context.req.path.slice(0, 200)}`))
  api.use(hostAllowList(allowedHosts))
  // The content policies differ by page, so each page sets its own. Without any referrer the login's Origin would be null.
  api.use(
    secureHeaders({ xFrameOptions: 'DENY', referrerPolicy: 'same-origin', crossOriginResourcePolicy: 'same-origin' }),
  )
  api.on(['POST', 'PUT', 'PATCH', 'DELETE'], '*', sameOrigin)
  api.use('/api/live', sameOrigin)
  api.use(
    bodyLimit({
      maxSize: MAX_BODY_BYTES,
      onError: () => {
        throw new RequestError(413, 'the request is larger than 64 KiB')
      },
    }),
  )
  api.use(tokenRule(tokens, service.now))
  api.use(viewerRule(service.viewerRefused))
  api.get('/api/live', (context) =>
    context.req.method === 'HEAD' ? live.head() : live.connect(context.req.header('last-event-id')),
  )
  api.use(compress())
  api.get('/login', login.show)
  api.post('/login', login.submit)
  api.get('/metrics', async (context) =>
    context.text(await metrics.render(), 200, { 'content-type': metrics.contentType }),
  )
  const routes = api
    .route('/', healthRoutes(service))
    .route('/', containerRoutes(service))
    .route('/', incidentRoutes(service))
    .route('/', blackBoxRoutes(service))
    .route('/', scoreboardRoutes(service))
    .route('/', autonomyRoutes(service))
    .route('/', sessionRoutes())
  describePlainRoutes(api)
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'DockerPulse',
      version: service.status().version,
      description: 'Predictive operations for one Docker host.',
    },
  })
  api.use(staticFiles(dashboardFolder))
  return routes
}

/** For typed clients. */
export type Api = ReturnType<typeof createApi>
