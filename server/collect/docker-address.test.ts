import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigError } from '../errors.ts'
import { hasProgram, needs } from '../fixtures/needs.ts'
import { recording } from '../fixtures/recording.ts'
import { parseDockerAddress } from './docker-address.ts'
import { createDockerEngine } from './docker-engine.ts'

const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-address-'))
afterAll(() => rmSync(folder, { recursive: true }))

const plain = (dockerHost: string | undefined) => {
  const { address, connection } = parseDockerAddress({ dockerHost })
  const { host, port, socketPath, protocol } = connection
  return { address, host, port, socketPath, protocol }
}
const tcp = (host: string, port: string, protocol = 'http', shown = host) => ({
  address: `tcp://${shown}:${port}`,
  host,
  port,
  socketPath: undefined,
  protocol,
})
const unix = (socketPath: string) => ({
  address: `unix://${socketPath}`,
  host: undefined,
  port: undefined,
  socketPath,
  protocol: 'http',
})

test.each([
  [undefined, unix('/var/run/docker.sock')],
  ['', unix('/var/run/docker.sock')],
  ['  ', unix('/var/run/docker.sock')],
  ['unix://', unix('/var/run/docker.sock')],
  ['unix:///run/user/1000/docker.sock', unix('/run/user/1000/docker.sock')],
  ['tcp://socket-proxy:2375', tcp('socket-proxy', '2375')],
  ['tcp://socket-proxy', tcp('socket-proxy', '2375')],
  ['socket-proxy:1234', tcp('socket-proxy', '1234')],
  ['192.0.2.7', tcp('192.0.2.7', '2375')],
  ['http://docker.example', tcp('docker.example', '2375')],
  ['http://docker.example:80', tcp('docker.example', '80')],
  ['https://docker.example', tcp('docker.example', '2376', 'https')],
  ['https://docker.example:443', tcp('docker.example', '443', 'https')],
  ['tcp://[::1]:2375', tcp('::1', '2375', 'http', '[::1]')],
  ['tcp://[2001:db8::7]', tcp('2001:db8::7', '2375', 'http', '[2001:db8::7]')],
])('DOCKER_HOST=%s is understood', (dockerHost, expected) => {
  expect(plain(dockerHost)).toEqual(expected)
})

test.each([
  ['ssh://me@host'],
  ['npipe:////./pipe/docker_engine'],
  ['fd://'],
  ['tcp://'],
  ['tcp://host:99999'],
  ['tcp://host:abc'],
  ['http://tcp://host'],
  ['/var/run/docker.sock'],
  ['tcp://[::1'],
  ['a b'],
])('DOCKER_HOST=%s is refused by its name', (dockerHost) => {
  expect(() => parseDockerAddress({ dockerHost })).toThrow(ConfigError)
  expect(() => parseDockerAddress({ dockerHost })).toThrow(`DOCKER_HOST=${dockerHost}: expected unix://`)
})

test('ssh:// is refused with the way round', () => {
  expect(() => parseDockerAddress({ dockerHost: 'ssh://me@host' })).toThrow('forward the socket with ssh -L')
})

test('TLS is spoken where it is asked for, on its own port', () => {
  const { connection } = parseDockerAddress({ dockerHost: 'tcp://host', tlsVerify: true })
  expect(connection).toMatchObject({ protocol: 'https', port: '2376' })
})

test('certificates that cannot be read are named with their folder', () => {
  expect(() => parseDockerAddress({ dockerHost: 'tcp://host', certPath: '/nowhere' })).toThrow(ConfigError)
  expect(() => parseDockerAddress({ dockerHost: 'tcp://host', certPath: '/nowhere' })).toThrow(
    'DOCKER_CERT_PATH=/nowhere: needs readable ca.pem, cert.pem and key.pem',
  )
})

test('certificates do not matter on a socket', () => {
  expect(parseDockerAddress({ dockerHost: 'unix:///docker.sock', certPath: '/nowhere' }).connection.protocol).toBe(
    'http',
  )
})

/** A folder as DOCKER_CERT_PATH takes it, made by its own authority. */
function makeCertificates(name: string): string {
  const at = join(folder, name)
  mkdirSync(at)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: at, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-subj', `/CN=${name}`, '-days', '2')
  writeFileSync(join(at, 'san'), 'subjectAltName=IP:127.0.0.1')
  for (const [role, key, certificate] of [
    ['server', 'server-key.pem', 'server-cert.pem'],
    ['client', 'key.pem', 'cert.pem'],
  ] as const) {
    openssl('req', ...newKey, '-keyout', key, '-out', 'request', '-subj', `/CN=${role}`)
    const signed = 'x509 -req -in request -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile san -out'
    openssl(...signed.split(' '), certificate)
  }
  return at
}

describe.skipIf(!needs('the openssl command line', hasProgram('openssl', 'version')))('over TLS', () => {
  let server: Server
  let certPath: string
  let dockerHost: string
  const clients: string[] = []

  beforeAll(async () => {
    certPath = makeCertificates('authority')
    const read = (name: string) => readFileSync(join(certPath, name))
    server = createServer(
      {
        key: read('server-key.pem'),
        cert: read('server-cert.pem'),
        ca: read('ca.pem'),
        requestCert: true,
        rejectUnauthorized: true,
      },
      (request, response) => {
        clients.push(String((request.socket as TLSSocket).getPeerCertificate().subject.CN))
        const path = request.url!.replace(/^\/v[\d.]+/, '')
        if (path === '/_ping') response.end('OK')
        else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(recording(path.slice(1))))
      },
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    dockerHost = `tcp://127.0.0.1:${(server.address() as { port: number }).port}`
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  test('an engine that asks for a client certificate gets it', async () => {
    const engine = createDockerEngine({ dockerHost, certPath })
    await engine.ping()
    expect(await engine.describe()).toMatchObject({ version: '20.10.24+dfsg1', hostCores: 2 })
    expect(new Set(clients)).toEqual(new Set(['client']))
  })

  test('an engine of another authority is not believed', async () => {
    const engine = createDockerEngine({ dockerHost, certPath: makeCertificates('impostor') })
    await expect(engine.ping()).rejects.toMatchObject({
      name: 'EngineError',
      kind: 'unreachable',
      message: expect.stringContaining(`${dockerHost}: `),
    })
  })

  test('a client with another authority is not let in', async () => {
    const stranger = makeCertificates('stranger')
    copyFileSync(join(certPath, 'ca.pem'), join(stranger, 'ca.pem'))
    const before = clients.length
    await expect(createDockerEngine({ dockerHost, certPath: stranger }).ping()).rejects.toMatchObject({
      name: 'EngineError',
      kind: 'unreachable',
    })
    expect(clients).toHaveLength(before)
  })

  test('without TLS on our side the error speaks of the address', async () => {
    await expect(createDockerEngine({ dockerHost }).ping()).rejects.toThrow(dockerHost)
  })
})
