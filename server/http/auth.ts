import { createHmac, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { Role } from '../contracts/api.ts'
import { RequestError } from '../errors.ts'

const COOKIE = 'dockerpulse_session'
const SESSION_SECONDS = 7 * 24 * 3600
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

/** The name in a Host or Origin header's authority, without its port. */
export function hostName(authority: string): string {
  return authority
    .trim()
    .toLowerCase()
    .replace(/:\d{1,5}$/, '')
}

/**
 * Refuses requests whose Host header names somebody else (421): a page of another site that made its name point here
 * must not read or command this service.
 */
export function hostAllowList(configured: readonly string[]): MiddlewareHandler {
  const allowed = new Set([
    ...LOOPBACK_NAMES,
    ...configured.map((host) => hostName(/:.*:/.test(host) && !host.startsWith('[') ? `[${host}]` : host)),
  ])
  return async (context, next) => {
    const host = hostName(context.req.header('host') ?? '')
    if (!allowed.has(host))
      throw new RequestError(
        421,
        `this service does not answer to the name "${host.slice(0, 100)}": add it to DOCKERPULSE_ALLOWED_HOSTS if it should`,
      )
    await next()
  }
}

/** Refuses writes and streams that a page of another site sends with the visitor's cookie. */
export const sameOrigin: MiddlewareHandler = async (context, next) => {
  const site = context.req.header('sec-fetch-site')
  const origin = context.req.header('origin')
  const foreignSite = site !== undefined && site !== 'same-origin' && site !== 'none'
  const foreignOrigin = origin !== undefined && URL.parse(origin)?.host !== context.req.header('host')?.toLowerCase()
  if (foreignSite || foreignOrigin) throw new RequestError(403, 'requests from pages of other sites are refused')
  await next()
}

function equal(a: string, b: string): boolean {
  const digest = (text: string) => createHmac('sha256', 'compare').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

/** A session is its expiry, signed with the token: nothing to store, and a new token ends all sessions. */
function sign(token: string, expiresAtSeconds: number): string {
  return createHmac('sha256', token).update(`session ${expiresAtSeconds}`).digest('base64url')
}

function isSession(token: string, cookie: string, nowMs: number): boolean {
  const [expires = '', signature = ''] = cookie.split('.')
  return /^\d{1,12}$/.test(expires) && Number(expires) * 1000 > nowMs && equal(signature, sign(token, Number(expires)))
}

/** Paths that answer without the token: they tell only that the service lives, or lead to the login. */
const OPEN_PATHS = new Set(['/api/health', '/healthz', '/login'])

/** The tokens by what they let one do; without an operator's everybody is one. */
export type Tokens = { operator: string | null; viewer: string | null }

/** What a request's token lets it do; set by `tokenRule`. */
export type RoleEnv = { Variables: { role: Role } }

const ROLES = ['operator', 'viewer'] as const satisfies readonly Role[]

/** Whose token it is. */
const roleOf = (tokens: Tokens, isRight: (token: string) => boolean): Role | undefined =>
  ROLES.find((role) => tokens[role] !== null && isRight(tokens[role]))

/** With a token set, everything but health needs one: as `Authorization: Bearer`, or by the cookie of the login page. */
export function tokenRule(tokens: Tokens, now: () => number): MiddlewareHandler<RoleEnv> {
  return async (context, next) => {
    if (tokens.operator === null) {
      context.set('role', 'operator')
      return next()
    }
    if (OPEN_PATHS.has(context.req.path)) return next()
    const bearer = /^Bearer (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
    const cookie = getCookie(context, COOKIE) ?? ''
    const role =
      (bearer === undefined ? undefined : roleOf(tokens, (token) => equal(bearer, token))) ??
      roleOf(tokens, (token) => isSession(token, cookie, now()))
    if (role !== undefined) {
      context.set('role', role)
      return next()
    }
    if (context.req.method === 'GET' && context.req.header('accept')?.includes('text/html'))
      return context.redirect('/login', 303)
    throw new RequestError(
      401,
      'needs the token: send "Authorization: Bearer <DOCKERPULSE_TOKEN>", or log in at /login',
    )
  }
}

/** Refuses whatever a viewer wants changed, whichever route it is: a new one is forbidden until it only reads. */
export function viewerRule(refused: (what: string) => void): MiddlewareHandler<RoleEnv> {
  return async (context, next) => {
    const { method, path } = context.req
    if (context.get('role') !== 'viewer' || method === 'GET' || method === 'HEAD' || OPEN_PATHS.has(path)) return next()
    refused(`${method} ${path.slice(0, 200)}`)
    throw new RequestError(
      403,
      'a viewer may look at everything and change nothing: this takes the token of an operator',
    )
  }
}

/** Wrong tokens answered per minute, all visitors together; the token is too long to guess even so. */
const ATTEMPTS_PER_MINUTE = 20

const page = (message: string) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>DockerPulse: log in</title>
<style>body{font:16px system-ui;background:#10151c;color:#e6edf3;display:grid;place-items:center;min-height:100vh;margin:0}
form{display:grid;gap:12px;width:min(22rem,90vw)}input,button{font:inherit;padding:10px;border-radius:6px;border:1px solid #4a5563;background:#182028;color:inherit}
button{background:#2b6cb0;cursor:pointer}p{margin:0}</style></head>
<body><form method="post" action="/login"><h1>DockerPulse</h1><label for="token">Token / Clave</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in / Entrar</button><p role="alert">${message}</p></form></body></html>`

/** The page sends the token to this service and nowhere else, runs no script and loads nothing. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'cache-control': 'no-store',
}

/** The login page and its answer. Mounted at `/login`. */
export function loginRoutes(tokens: Tokens, now: () => number): { show: MiddlewareHandler; submit: MiddlewareHandler } {
  let attempts: number[] = []
  return {
    show: async (context) =>
      tokens.operator === null ? context.redirect('/', 303) : context.html(page(''), 200, PAGE_HEADERS),
    submit: async (context) => {
      if (tokens.operator === null) return context.redirect('/', 303)
      const form = await context.req.parseBody()
      const given = form.token
      const role = typeof given === 'string' ? roleOf(tokens, (token) => equal(given, token)) : undefined
      // The right one is let in whatever others try: guesses of strangers must not lock out its owner.
      if (role === undefined) {
        attempts = attempts.filter((at) => now() - at < 60_000)
        if (attempts.length >= ATTEMPTS_PER_MINUTE) throw new RequestError(429, 'too many wrong tokens: wait a minute')
        attempts.push(now())
        return context.html(page('That is not the token. / Esa no es la clave.'), 401, PAGE_HEADERS)
      }
      const expires = Math.floor(now() / 1000) + SESSION_SECONDS
      setCookie(context, COOKIE, `${expires}.${sign(tokens[role]!, expires)}`, {
        httpOnly: true,
        sameSite: 'Strict',
        secure: new URL(context.req.url).protocol === 'https:',
        path: '/',
        maxAge: SESSION_SECONDS,
      })
      return context.redirect('/', 303)
    },
  }
}
