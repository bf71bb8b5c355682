import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError, messageOf } from '../errors.ts'

/** How to reach an engine, in dockerode's words, and the address to name in messages. */
export type DockerAddress = {
  address: string
  connection: {
    host: string | undefined
    port: string | undefined
    socketPath: string | undefined
    protocol: 'http' | 'https'
    ca?: Buffer
    cert?: Buffer
    key?: Buffer
  }
}

const DEFAULT_SOCKET = '/var/run/docker.sock'

function readCertificates(folder: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  try {
    const read = (name: string) => readFileSync(join(folder, name))
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') }
  } catch (error) {
    throw new ConfigError(
      `DOCKER_CERT_PATH=${folder}: needs readable ca.pem, cert.pem and key.pem (${messageOf(error)})`,
    )
  }
}

/**
 * Reads `DOCKER_HOST`, `DOCKER_CERT_PATH` and `DOCKER_TLS_VERIFY` as the docker command line does: `unix://PATH`,
 * `tcp://HOST[:PORT]`, `http://` and `https://`; empty means the default socket. Throws ConfigError for anything else.
 */
export function parseDockerAddress(options: {
  dockerHost?: string | undefined
  certPath?: string | undefined
  tlsVerify?: boolean | undefined
}): DockerAddress {
  const dockerHost = options.dockerHost?.trim() || `unix://${DEFAULT_SOCKET}`
  if (dockerHost.startsWith('unix://')) {
    const socketPath = dockerHost.slice('unix://'.length) || DEFAULT_SOCKET
    return {
      address: `unix://${socketPath}`,
      connection: { host: undefined, port: undefined, socketPath, protocol: 'http' },
    }
  }
  const [, scheme = 'tcp', rest] = /^(?:(tcp|https?):\/\/)?(.*)$/.exec(dockerHost) ?? []
  // As tcp:// in any case: of an https:// address URL drops the port 443, which is not the engine's default.
  const url = URL.parse(`tcp://${rest}`)
  if (url === null || rest?.includes('://') || url.hostname === '') {
    throw new ConfigError(
      `DOCKER_HOST=${dockerHost}: expected unix:///path/to/docker.sock or tcp://host:port (ssh:// is not supported: forward the socket with ssh -L)`,
    )
  }
  const tls = scheme === 'https' || options.tlsVerify === true || Boolean(options.certPath)
  const port = url.port || (tls ? '2376' : '2375')
  return {
    address: `tcp://${url.hostname}:${port}`,
    connection: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port,
      socketPath: undefined,
      protocol: tls ? 'https' : 'http',
      ...(options.certPath ? readCertificates(options.certPath) : {}),
    },
  }
}
