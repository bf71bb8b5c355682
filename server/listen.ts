import { createAdaptorServer } from '@hono/node-server'
import { AppError } from './errors.ts'

/** Serves `fetch` on an address; port 0 takes a free one. Throws AppError where the address cannot be had. */
export async function listen(options: {
  fetch: (request: Request) => Response | Promise<Response>
  host: string
  port: number
}): Promise<AsyncDisposable & { readonly url: string }> {
  const { host, port } = options
  const server = createAdaptorServer({ fetch: options.fetch })
  const taken = await new Promise<number>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(new AppError(`port ${port} is in use: set DOCKERPULSE_PORT to another one`))
      else if (error.code === 'EADDRNOTAVAIL')
        reject(new AppError(`${host} is not an address of this machine: set DOCKERPULSE_HOST to one`))
      else reject(new AppError(`cannot listen on ${host}:${port}: ${error.message}`))
    })
    server.listen(port, host, () => resolve((server.address() as { port: number }).port))
  })
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}
