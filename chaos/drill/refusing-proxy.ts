import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to an engine's socket that can begin to refuse, as a socket proxy with too few rights does. */
export type RefusingProxy = AsyncDisposable & {
  /** For `DOCKER_HOST`. */
  readonly dockerHost: string
  refuse(refused: boolean): void
}

const BODY = '<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>\n'
const REFUSAL = `HTTP/1.1 403 Forbidden\r\ncontent-type: text/html\r\ncontent-length: ${Buffer.byteLength(BODY)}\r\nconnection: close\r\n\r\n${BODY}`

/** Listens on a free port of loopback and passes everything to the Unix socket at `socketPath`. */
export async function openRefusingProxy(socketPath: string): Promise<RefusingProxy> {
  const open = new Set<Socket>()
  let refused = false
  const listener = createServer((client) => {
    client.on('error', () => client.destroy())
    if (refused) {
      client.once('data', () => client.end(REFUSAL))
      return
    }
    const engine = connect(socketPath)
    engine.on('error', () => client.destroy())
    for (const socket of [client, engine]) {
      open.add(socket)
      socket.once('close', () => {
        open.delete(socket)
        client.destroy()
        engine.destroy()
      })
    }
    client.pipe(engine).pipe(client)
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(0, '127.0.0.1', resolve)
  })
  const cut = () => {
    for (const socket of [...open]) socket.destroy()
  }
  return {
    dockerHost: `tcp://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    refuse(now) {
      refused = now
      if (now) cut()
    },
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
