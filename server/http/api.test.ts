import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ContainerView, IncidentView, Problem, SampleColumns } from '../contracts/api.ts'
import { RecordingEntry } from '../contracts/black-box.ts'
import { ScoreboardView } from '../contracts/scoreboard.ts'
import { ServiceStatus, SourceStatus } from '../contracts/status.ts'
import { RequestError } from '../errors.ts'
import { chartRange } from './containers.ts'
import {
  ACTION_ID,
  aStatus,
  CONTAINER_ID,
  createApiStandIn,
  INCIDENT_ID,
  NOBODYS_ID,
  NOW,
  RECORDING,
} from './service-stand-in.ts'

/** Every path with a problem must say so in problem details, with the status in the body too. */
async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body = Problem.parse(await response.json())
  expect(body.status).toBe(response.status)
  return body
}

const post = (body: NonNullable<RequestInit['body']> | null, contentType?: string) => ({
  method: 'POST',
  body,
  headers: contentType === undefined ? {} : { 'content-type': contentType },
})

describe('a happy answer fits its contract:', () => {
  const { ask } = createApiStandIn()
  test.each<[string, z.ZodType]>([
    ['/api/health', z.strictObject({ status: z.literal('ok'), version: z.string(), source: SourceStatus })],
    ['/api/status', ServiceStatus.strict()],
    ['/api/scoreboard', ScoreboardView.strict()],
    ['/api/containers', z.array(ContainerView.strict())],
    [`/api/containers/${CONTAINER_ID}/samples`, SampleColumns.strict()],
    ['/api/incidents', z.array(IncidentView.strict())],
    [`/api/incidents/${INCIDENT_ID}`, IncidentView.strict()],
    [`/api/incidents/${INCIDENT_ID}/black-box`, z.array(RecordingEntry.strict())],
  ])('%s', async (path, schema) => {
    const response = await ask(path)
    expect(response.status).toBe(200)
    expect(schema.safeParse(await response.json()).error).toBeUndefined()
  })

  test('a recording comes byte for byte as it was hashed', async () => {
    const response = await ask(`/api/incidents/${INCIDENT_ID}/black-box/1`)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.text()).toBe(RECORDING)
  })

  test('the report is a page that may run and load nothing', async () => {
    const response = await ask(`/api/incidents/${INCIDENT_ID}/report.html`)
    expect(response.headers.get('content-type')).toContain('text/html')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('an approval and a rejection reach the service with their reason', async () => {
    const { ask: say, service } = createApiStandIn()
    for (const word of ['approve', 'reject']) {
      const response = await say(`/api/actions/${ACTION_ID}/${word}`, post('{"reason":"I looked"}', 'application/json'))
      expect(IncidentView.strict().safeParse(await response.json()).error).toBeUndefined()
    }
    expect(service.asked).toEqual([
      { actionId: ACTION_ID, word: 'approve', reason: 'I looked' },
      { actionId: ACTION_ID, word: 'reject', reason: 'I looked' },
    ])
  })

  test('an approval without a body, or with an empty one, has an empty reason', async () => {
    const { ask: say, service } = createApiStandIn()
    expect((await say(`/api/actions/${ACTION_ID}/approve`, post(null))).status).toBe(200)
    expect((await say(`/api/actions/${ACTION_ID}/approve`, post('{}', 'application/json'))).status).toBe(200)
    expect(service.asked).toEqual(Array(2).fill({ actionId: ACTION_ID, word: 'approve', reason: '' }))
  })
})

describe('readiness', () => {
  const down = { state: 'down', detail: 'gone', since: '2026-03-01T12:00:00.000Z' } as const
  const readinessOf = async (different: Partial<ServiceStatus>) => {
    const { ask } = createApiStandIn({ service: { status: () => aStatus(different) } })
    const [json, plain] = await Promise.all([ask('/api/ready'), ask('/readyz')])
    expect(plain.status).toBe(json.status)
    return { status: json.status, ready: ((await json.json()) as { ready: boolean }).ready }
  }

  test('is there with engine and store, a missing model or not', async () => {
    expect(await readinessOf({})).toEqual({ status: 200, ready: true })
    expect(await readinessOf({ model: { ...down, name: 'none' } })).toEqual({ status: 200, ready: true })
  })

  test('is not without the engine or the store', async () => {
    const { engine, store } = aStatus()
    expect(await readinessOf({ engine: { ...engine, ...down } })).toEqual({ status: 503, ready: false })
    expect(await readinessOf({ store: { ...store, ...down } })).toEqual({ status: 503, ready: false })
  })
})

describe('what is wrong is refused, and said:', () => {
  const { ask } = createApiStandIn()
  const samples = `/api/containers/${CONTAINER_ID}/samples`

  test.each([
    ['/api/nothing', 404],
    ['/api/containers/', 404],
    ['/index.html', 404],
    [`/api/containers/${'b'.repeat(64)}/samples`, 404],
    [`/api/incidents/${NOBODYS_ID}`, 404],
    [`/api/incidents/${NOBODYS_ID}/report.html`, 404],
    [`/api/incidents/${NOBODYS_ID}/black-box`, 404],
    [`/api/incidents/${NOBODYS_ID}/black-box/1`, 404],
    [`/api/incidents/${INCIDENT_ID}/black-box/2`, 404],
    [`/api/incidents/${INCIDENT_ID}/black-box/0`, 400],
    [`/api/incidents/${INCIDENT_ID}/black-box/1.0`, 400],
    [`/api/incidents/${INCIDENT_ID}/black-box/1e3`, 400],
    [`/api/incidents/${INCIDENT_ID}/black-box/..%2f1`, 400],
    ['/api/incidents/..%2f..%2faudit/black-box', 400],
    ['/api/incidents/1/black-box/1', 400],
    ['/api/containers/shop-api-1/samples', 400],
    [`/api/containers/${'A'.repeat(64)}/samples`, 400],
    [`/api/containers/${'a'.repeat(63)}%2f/samples`, 400],
    ['/api/incidents/1', 400],
    ["/api/incidents/' or 1=1 --", 400],
    [`${samples}?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`, 400],
    [`${samples}?from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z`, 400],
    [`${samples}?from=0001-01-01T00:00:00Z`, 400],
    [`${samples}?to=1000000000-01-01T00:00:00Z`, 400],
    [`${samples}?to=%2B1000000000-01-01T00:00:00Z`, 400],
    [`${samples}?from=yesterday`, 400],
    [`${samples}?from=1700000000000`, 400],
    [`${samples}?from=2026-02-30T00:00:00Z`, 400],
    [`${samples}?step=0`, 400],
    [`${samples}?step=-1000`, 400],
    [`${samples}?step=999`, 400],
    [`${samples}?step=1e99`, 400],
    [`${samples}?step=NaN`, 400],
    [`${samples}?step=Infinity`, 400],
    [`${samples}?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z&step=1000`, 400],
    ['/api/incidents?limit=0', 400],
    ['/api/incidents?limit=501', 400],
    ['/api/incidents?offset=-1', 400],
    ['/api/incidents?offset=1e12', 400],
    ['/api/incidents?open=maybe', 400],
  ])('%s', async (path, status) => {
    const response = await ask(path)
    expect(response.status).toBe(status)
    await problemOf(response)
  })

  const approve = `/api/actions/${ACTION_ID}/approve`

  test.each<[string, string, RequestInit & { headers?: Record<string, string> }, number]>([
    ['malformed JSON', approve, post('{"reason":', 'application/json'), 400],
    ['JSON of another form', approve, post('[1]', 'application/json'), 400],
    ['a reason that is none', approve, post('{"reason":7}', 'application/json'), 400],
    ['a reason without end', approve, post(JSON.stringify({ reason: 'x'.repeat(501) }), 'application/json'), 400],
    ['another content type', approve, post('{"reason":"x"}', 'text/plain'), 415],
    ['a form', approve, post('reason=x', 'application/x-www-form-urlencoded'), 415],
    ['a body of 65 KiB', approve, post('x'.repeat(65 * 1024), 'application/json'), 413],
    ['a malformed action id', '/api/actions/1/approve', post('{}', 'application/json'), 400],
    ['an unknown action', `/api/actions/${NOBODYS_ID}/approve`, post('{}', 'application/json'), 404],
    ['an unknown word', `/api/actions/${ACTION_ID}/force`, post('{}', 'application/json'), 404],
    ['reading what is to be written', approve, {}, 404],
    ['writing what is to be read', '/api/containers', { method: 'DELETE' }, 404],
  ])('%s', async (_, path, init, status) => {
    const response = await ask(path, init)
    expect(response.status).toBe(status)
    await problemOf(response)
  })

  test('a body that says nothing of its length is cut off too', async () => {
    let sent = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 16 * 1024
        controller.enqueue(new Uint8Array(16 * 1024))
      },
    })
    const init = { ...post(body, 'application/json'), duplex: 'half' as const }
    expect((await ask(approve, init)).status).toBe(413)
    expect(sent).toBeLessThan(256 * 1024)
  })

  test('an operator’s word that comes too late is a conflict, with the reason', async () => {
    const answer = async () => {
      throw new RequestError(409, 'the proposal has expired')
    }
    const response = await createApiStandIn({ service: { answer } }).ask(approve, post('{}', 'application/json'))
    expect(response.status).toBe(409)
    expect((await problemOf(response)).detail).toBe('the proposal has expired')
  })
})

test('what fails inside stays inside: the answer is a 500 without a word of it, the log has it', async () => {
  const { ask, logged } = createApiStandIn({
    service: {
      incidents: () => Promise.reject(new Error('SELECT secret FROM /data/dockerpulse.duckdb failed')),
      containers: () => {
        throw new TypeError("Cannot read properties of undefined (reading 'x')")
      },
    },
  })
  for (const path of ['/api/incidents', '/api/containers', '/metrics']) {
    const response = await ask(path)
    expect(response.status).toBe(500)
    expect((await problemOf(response)).detail).toBe('something went wrong inside; the log says what')
  }
  expect(logged[0]).toMatchObject({
    msg: 'a request failed',
    reason: 'SELECT secret FROM /data/dockerpulse.duckdb failed',
  })
})

describe('the range of a chart', () => {
  test('is the newest quarter of an hour in steps of two seconds where nothing is said', () => {
    expect(chartRange({}, NOW)).toEqual({ fromMs: NOW - 900_000, toMs: NOW, stepMs: 2_000 })
  })

  test('has whole numbers and at most 5000 points, or is refused, whatever is asked', () => {
    const instant = fc
      .date({ noInvalidDate: true, min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z') })
      .map((date) => date.toISOString())
    const query = fc.record(
      { from: instant, to: instant, step: fc.integer({ min: 1_000, max: 86_400_000 }) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(query, (asked) => {
        try {
          const { fromMs, toMs, stepMs } = chartRange(asked, NOW)
          expect([fromMs, toMs, stepMs].every(Number.isSafeInteger)).toBe(true)
          expect((toMs - fromMs) / stepMs).toBeLessThanOrEqual(5_000)
          expect(fromMs).toBeLessThan(toMs)
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError)
        }
      }),
    )
  })
})

describe('/openapi.json', () => {
  type Description = {
    openapi: string
    paths: Record<
      string,
      Record<string, { responses: Record<string, { content?: Record<string, { schema: object }> }> }>
    >
  }
  const describeApi = async () => (await (await createApiStandIn().ask('/openapi.json')).json()) as Description

  test('describes every route of the API, with the schema of each answer', async () => {
    const { openapi, paths } = await describeApi()
    expect(openapi).toBe('3.1.0')
    expect(
      Object.entries(paths)
        .flatMap(([path, item]) => Object.keys(item).map((method) => `${method} ${path}`))
        .sort(),
    ).toEqual([
      'get /api/autonomy',
      'get /api/containers',
      'get /api/containers/{id}/samples',
      'get /api/health',
      'get /api/incidents',
      'get /api/incidents/{id}',
      'get /api/incidents/{id}/black-box',
      'get /api/incidents/{id}/black-box/{number}',
      'get /api/incidents/{id}/report.html',
      'get /api/live',
      'get /api/ready',
      'get /api/scoreboard',
      'get /api/session',
      'get /api/status',
      'get /metrics',
      'post /api/actions/{id}/approve',
      'post /api/actions/{id}/reject',
      'put /api/calibration',
      'put /api/modes',
      'put /api/stop',
    ])
    for (const item of Object.values(paths))
      for (const { responses } of Object.values(item))
        for (const { content } of Object.values(responses))
          for (const { schema } of Object.values(content ?? {})) expect(Object.keys(schema).length).toBeGreaterThan(0)
  })

  test('says what a container is, field by field', async () => {
    const schema = (await describeApi()).paths['/api/containers']?.get?.responses['200']?.content?.['application/json']
      ?.schema
    expect(schema).toMatchObject({
      type: 'array',
      items: { properties: { light: { enum: ['low', 'medium', 'critical'] } } },
    })
  })
})

test('every answer, good or bad, forbids framing, sniffing and telling other sites where one was', async () => {
  const { ask } = createApiStandIn()
  for (const path of ['/api/containers', '/api/nothing', '/api/incidents/1', '/']) {
    const { headers } = await ask(path)
    expect(headers.get('x-frame-options')).toBe('DENY')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('same-origin')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})
