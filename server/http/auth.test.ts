import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createApiStandIn, NOW } from './service-stand-in.ts'

const TOKEN = 'a token of sufficient length'
const bearer = { authorization: `Bearer ${TOKEN}` }

describe('the Host header', () => {
  const { ask } = createApiStandIn({
    allowedHosts: ['Board.example', '0.0.0.0', '10.0.0.7:8443', 'fd00::7', '[fd00::8]'],
  })
  const statusFor = async (host: string) => (await ask('/api/health', { headers: { host } })).status

  test.each([
    'localhost',
    'localhost:7070',
    'LOCALHOST:7070',
    '127.0.0.1:7070',
    '[::1]',
    '[::1]:7070',
    'board.example',
    'BOARD.example:443',
    '10.0.0.7',
    '10.0.0.7:1',
    '[fd00::7]:7070',
    '[FD00::8]',
  ])('%s is answered', async (host) => expect(await statusFor(host)).toBe(200))

  test.each([
    'evil.example',
    'localhost.evil.example',
    'evil.example:7070',
    'localhost:7070.evil.example',
    '127.0.0.1.nip.io',
    'localhost@evil.example',
    '[::2]',
    '10.0.0.8',
    '',
  ])('%s is not: another name may point here', async (host) => {
    const response = await ask('/api/containers', { headers: { host } })
    expect(response.status).toBe(421)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })

  test('is checked before anything else, also for health, files and the login', async () => {
    const guarded = createApiStandIn({ token: TOKEN })
    for (const path of ['/healthz', '/login', '/', '/api/live', '/metrics'])
      expect((await guarded.ask(path, { headers: { ...bearer, host: 'evil.example' } })).status).toBe(421)
  })

  test('lets nobody in by luck', async () => {
    await fc.assert(
      fc.asyncProperty(fc.domain(), async (host) => {
        fc.pre(host !== 'board.example')
        expect(await statusFor(host)).toBe(421)
      }),
    )
  })
})

describe('a page of another site', () => {
  const { ask, live } = createApiStandIn()
  const approve = '/api/actions/00000000-0000-4000-8000-00000000aaaa/approve'

  test.each<Record<string, string>>([
    { origin: 'https://evil.example' },
    { origin: 'http://localhost:9999' },
    { origin: 'http://127.0.0.1:7070' },
    { origin: 'null' },
    { origin: 'nonsense' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://localhost:7070', 'sec-fetch-site': 'cross-site' },
  ])('neither writes nor listens: %o', async (headers) => {
    expect((await ask(approve, { method: 'POST', headers })).status).toBe(403)
    expect((await ask('/login', { method: 'POST', headers })).status).toBe(403)
    expect((await ask('/api/live', { headers })).status).toBe(403)
    expect(live.clients).toBe(0)
  })

  test.each<Record<string, string>>([
    {},
    { origin: 'http://localhost:7070', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { origin: 'http://localhost:7070', host: 'LOCALHOST:7070' },
  ])('is not what a page of ours, or a program, is: %o', async (headers) => {
    expect((await ask(approve, { method: 'POST', headers })).status).toBe(200)
  })
})

describe('with a token', () => {
  const { api, ask } = createApiStandIn({ token: TOKEN })

  /** Every route that there is, with its parameters filled in; what is new is guarded without being listed. */
  const inventory = [
    ...new Set(
      api.routes
        .filter(({ method, path }) => method !== 'ALL' && path !== '/*' && path !== '*')
        .map(
          ({ method, path }) => `${method} ${path.replace(/:id(\{[^}]*\})?/g, '00000000-0000-4000-8000-00000000aaaa')}`,
        ),
    ),
    'GET /',
    'GET /anything/else',
    'GET /_app/immutable/x.js',
    'GET /favicon.ico',
  ]
  const OPEN = ['GET /api/health', 'GET /healthz', 'GET /login', 'POST /login']

  test('the inventory of routes is the whole of them', () => {
    expect(inventory.length).toBeGreaterThan(18)
    for (const route of OPEN) expect(inventory).toContain(route)
    expect(inventory).toContain('GET /metrics')
    expect(inventory).toContain('GET /openapi.json')
  })

  test.each(inventory)('%s', async (route) => {
    const [method = '', path = ''] = route.split(' ')
    const { status } = await ask(path, { method })
    if (OPEN.includes(route)) expect(status).not.toBe(403)
    else expect(status).toBe(401)
    const open = route === 'POST /login' ? 401 : 200
    if (OPEN.includes(route)) expect(status).toBe(open)
  })

  test('a path that only looks like an open one is closed', async () => {
    for (const path of [
      '/api/health/',
      '/api/health/x',
      '/healthz/../api/containers',
      '//healthz',
      '/Healthz',
      '/login/x',
      '/api/health%2f..%2fcontainers',
    ])
      expect((await ask(path)).status, path).toBe(401)
  })

  test('the right bearer opens, in any spelling of the word', async () => {
    for (const authorization of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`])
      expect((await ask('/api/containers', { headers: { authorization } })).status).toBe(200)
  })

  test.each([
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Bearer ${TOKEN.toUpperCase()}`,
  ])('a wrong one does not: "%s"', async (authorization) => {
    const response = await ask('/api/containers', { headers: { authorization } })
    expect(response.status).toBe(401)
    expect(await response.text()).not.toContain(TOKEN)
  })

  test('a person is led to the login, a program is told', async () => {
    const response = await ask('/', { headers: { accept: 'text/html,*/*' } })
    expect([response.status, response.headers.get('location')]).toEqual([303, '/login'])
    expect((await ask('/', { headers: { accept: '*/*' } })).status).toBe(401)
  })
})

describe('the login', () => {
  const form = (token: string) => ({
    method: 'POST',
    body: new URLSearchParams({ token }),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })

  /** An API whose clock stands where it is put, and the cookie of a login at NOW. */
  async function loggedIn() {
    let now = NOW
    const standIn = createApiStandIn({ token: TOKEN, service: { now: () => now } })
    const response = await standIn.ask('/login', form(TOKEN))
    const [cookie = ''] = (response.headers.get('set-cookie') ?? '').split(';')
    return {
      ...standIn,
      response,
      cookie,
      setNow: (ms: number) => {
        now = ms
      },
      statusWith: async (value: string) =>
        (await standIn.ask('/api/containers', { headers: { cookie: value } })).status,
    }
  }

  test('gives a cookie that scripts and other sites do not get, and that opens', async () => {
    const { response, cookie, statusWith } = await loggedIn()
    expect([response.status, response.headers.get('location')]).toEqual([303, '/'])
    expect(response.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Strict$/)
    expect(await statusWith(cookie)).toBe(200)
    expect(cookie).not.toContain(TOKEN)
  })

  test('lasts a week', async () => {
    const { cookie, statusWith, setNow } = await loggedIn()
    setNow(NOW + 7 * 86_400_000 - 1_000)
    expect(await statusWith(cookie)).toBe(200)
    setNow(NOW + 7 * 86_400_000)
    expect(await statusWith(cookie)).toBe(401)
  })

  test('cannot be forged: another expiry, another signature, another token, nonsense', async () => {
    const { cookie, statusWith } = await loggedIn()
    const [name, value = ''] = cookie.split('=')
    const [expires = '', signature = ''] = value.split('.')
    for (const forged of [
      `${Number(expires) + 1}.${signature}`,
      `${expires}.${signature.slice(0, -2)}AA`,
      `0${expires}.${signature}x`,
      `${expires}.`,
      `.${signature}`,
      '99999999999',
      'NaN.NaN',
      '1e12.x',
      '',
    ])
      expect(await statusWith(`${name}=${forged}`), forged).toBe(401)
    const other = createApiStandIn({ token: 'another token of sufficient length' })
    expect((await other.ask('/api/containers', { headers: { cookie } })).status).toBe(401)
  })

  test('answers twenty wrong tokens a minute and no more, and takes the right one at any time', async () => {
    const { ask, setNow } = await loggedIn()
    for (let attempt = 0; attempt < 20; attempt++)
      expect((await ask('/login', form(`guess ${attempt}`))).status).toBe(401)
    expect((await ask('/login', form('guess'))).status).toBe(429)
    expect((await ask('/login', form(TOKEN))).status).toBe(303)
    setNow(NOW + 60_000)
    expect((await ask('/login', form('guess'))).status).toBe(401)
  })

  test('is not confused by files, repeated fields or none', async () => {
    const { ask } = await loggedIn()
    const file = new FormData()
    file.set('token', new File([TOKEN], 'token'))
    expect((await ask('/login', { method: 'POST', body: file })).status).toBe(401)
    expect((await ask('/login', { method: 'POST' })).status).toBe(401)
  })

  test('shows a page that runs no script, and none where no token is set', async () => {
    const { ask } = await loggedIn()
    const response = await ask('/login')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(await response.text()).toContain('<form method="post" action="/login">')
    expect((await createApiStandIn().ask('/login')).status).toBe(303)
  })
})

describe('a viewer', () => {
  const VIEWER = 'a viewer token of sufficient length'
  const viewer = { authorization: `Bearer ${VIEWER}` }
  const approve = '/api/actions/00000000-0000-4000-8000-00000000aaaa/approve'
  const json = { ...viewer, 'content-type': 'application/json' }
  const open = () => {
    const refused: string[] = []
    return {
      refused,
      ...createApiStandIn({
        token: TOKEN,
        viewerToken: VIEWER,
        service: { viewerRefused: (what) => void refused.push(what) },
      }),
    }
  }

  test.each(['/api/containers', '/api/incidents', '/api/autonomy', '/api/scoreboard', '/metrics', '/openapi.json'])(
    'reads %s',
    async (path) => expect((await open().ask(path, { headers: viewer })).status).toBe(200),
  )

  test.each([
    ['POST', approve, { reason: 'it looks fine' }],
    ['POST', approve.replace('approve', 'reject'), {}],
    ['PUT', '/api/modes', { scope: 'host', name: '', mode: 'auto', reason: '' }],
    ['PUT', '/api/stop', { on: true, reason: '' }],
    ['PUT', '/api/stop', { on: false, reason: '' }],
    ['DELETE', '/api/a-route-that-may-come', {}],
  ])('may not %s %s, and is told why', async (method, path, body) => {
    const { ask, refused } = open()
    const response = await ask(path, { method, headers: json, body: JSON.stringify(body) })
    expect(response.status).toBe(403)
    expect(((await response.json()) as { detail: string }).detail).toContain('the token of an operator')
    expect(refused).toEqual([`${method} ${path}`])
  })

  test('logs in like an operator, and stays a viewer', async () => {
    const { ask } = open()
    const sessionOf = async (token: string) => {
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      const response = await ask('/login', {
        method: 'POST',
        headers: form,
        body: new URLSearchParams({ token }).toString(),
      })
      return { cookie: response.headers.get('set-cookie')!.split(';')[0]! }
    }
    const roleOf = async (headers: Record<string, string>) =>
      ((await (await ask('/api/session', { headers })).json()) as { role: string }).role
    const session = await sessionOf(VIEWER)
    expect(await roleOf(session)).toBe('viewer')
    expect(await roleOf(await sessionOf(TOKEN))).toBe('operator')
    expect((await ask(approve, { method: 'POST', headers: session })).status).toBe(403)
    // An operator's word beside a viewer's cookie counts.
    expect(await roleOf({ ...session, authorization: `Bearer ${TOKEN}` })).toBe('operator')
  })

  test('is nobody where no token is set: everybody is an operator', async () => {
    const { ask } = createApiStandIn()
    expect(await (await ask('/api/session')).json()).toEqual({ role: 'operator' })
  })
})
