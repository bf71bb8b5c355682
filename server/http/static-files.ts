import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import type { MiddlewareHandler } from 'hono'
import { RequestError } from '../errors.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}

/** Only pages get this; `inlineScripts` are the hashes of the page's own bootstrap. */
function pagePolicy(page: string): string {
  const inlineScripts = [...page.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, code]) => `'sha256-${createHash('sha256').update(code!).digest('base64')}'`,
  )
  return [
    "default-src 'self'",
    `script-src 'self' ${inlineScripts.join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

type StaticFile = { body: Uint8Array<ArrayBuffer>; headers: Record<string, string> }

/**
 * Serves the built dashboard from a manifest made at the start: a path that is not in it does not exist, whatever it
 * spells. Without a build the page says how to make one.
 */
export function staticFiles(folder: string): MiddlewareHandler {
  const manifest = new Map<string, StaticFile>()
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : []
  for (const entry of files) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const body = new Uint8Array(readFileSync(path))
    const url = `/${relative(folder, path).split(sep).join('/')}`
    const page = extname(path) === '.html'
    manifest.set(url === '/index.html' ? '/' : url, {
      body,
      headers: {
        'content-type': TYPES[extname(path)] ?? 'application/octet-stream',
        'cache-control': url.startsWith('/_app/immutable/') ? 'public, max-age=31536000, immutable' : 'no-cache',
        ...(page ? { 'content-security-policy': pagePolicy(Buffer.from(body).toString('utf8')) } : {}),
      },
    })
  }
  return async (context, next) => {
    if (context.req.method !== 'GET' && context.req.method !== 'HEAD') return next()
    const file = manifest.get(context.req.path)
    if (file !== undefined) return context.body(file.body, 200, file.headers)
    if (context.req.path === '/')
      throw new RequestError(503, 'the dashboard is not built yet: run "npm run build", then reload')
    return next()
  }
}
