import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listen } from '../listen.ts'
import { createApiStandIn } from './service-stand-in.ts'

const BOOTSTRAP = 'console.log("start")'
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dockerpulse-static-'))
  const build = join(folder, 'build')
  mkdirSync(join(build, '_app/immutable'), { recursive: true })
  writeFileSync(
    join(build, 'index.html'),
    `<html><script>${BOOTSTRAP}</script><script type="module" src="/_app/x.js"></script></html>`,
  )
  writeFileSync(join(build, '_app/immutable/x.js'), 'export {}')
  writeFileSync(join(build, 'logo.svg'), '<svg/>')
  writeFileSync(join(build, 'unknown.bin'), 'x')
  writeFileSync(join(folder, 'secret.txt'), 'TOP SECRET')
  symlinkSync(join(folder, 'secret.txt'), join(build, 'link.txt'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const open = () => createApiStandIn({ dashboardFolder: join(folder, 'build') })

describe('the dashboard', () => {
  test('is served with a policy that lets only its own bootstrap run', async () => {
    const response = await open().ask('/')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = response.headers.get('content-security-policy') ?? ''
    const hash = createHash('sha256').update(BOOTSTRAP).digest('base64')
    expect(policy).toContain(`script-src 'self' 'sha256-${hash}';`)
    expect(policy).toContain("default-src 'self'")
    expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  })

  test('has its files with their types; what has a hash in its name is kept, the page is not', async () => {
    const { ask } = open()
    const typed = async (path: string) => {
      const { headers } = await ask(path)
      return [headers.get('content-type'), headers.get('cache-control')]
    }
    expect(await typed('/_app/immutable/x.js')).toEqual([
      'text/javascript; charset=utf-8',
      'public, max-age=31536000, immutable',
    ])
    expect(await typed('/logo.svg')).toEqual(['image/svg+xml', 'no-cache'])
    expect(await typed('/unknown.bin')).toEqual(['application/octet-stream', 'no-cache'])
    expect((await typed('/'))[1]).toBe('no-cache')
  })

  test('answers HEAD without a body, and nothing to a write', async () => {
    const { ask } = open()
    const head = await ask('/logo.svg', { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await ask('/logo.svg', { method: 'POST' })).status).toBe(404)
  })

  test('has no file that is not in the build, whatever the path spells, over a real socket too', async () => {
    const standIn = open()
    await using server = await listen({ fetch: standIn.api.fetch, host: '127.0.0.1', port: 0 })
    const { port } = new URL(server.url)
    const raw = (path: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(Number(port), '127.0.0.1', () =>
          socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`),
        )
        let text = ''
        socket.on('data', (chunk) => {
          text += chunk
        })
        socket.on('end', () => resolve(text))
        socket.on('error', reject)
      })
    expect(await raw('/logo.svg')).toContain('<svg/>')
    for (const path of [
      '/../secret.txt',
      '/..%2fsecret.txt',
      '/%2e%2e/secret.txt',
      '/%2e%2e%2fsecret.txt',
      '/_app/../../secret.txt',
      '/..\\secret.txt',
      '/....//secret.txt',
      '//etc/passwd',
      '/%00/secret.txt',
      '/link.txt',
      '/logo.svg/',
      '/logo.svg%00.txt',
      '/index.html',
      '/__proto__',
      '/constructor',
    ]) {
      const text = await raw(path)
      expect(text, path).toMatch(/^HTTP\/1\.1 4\d\d /)
      expect(text, path).not.toContain('TOP SECRET')
    }
  })

  test('says how to build it where it is not built', async () => {
    const response = await createApiStandIn().ask('/')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ status: 503, detail: expect.stringContaining('npm run build') })
  })
})
