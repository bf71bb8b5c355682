import { createServer, request } from 'node:http'

/** Stands in for wollomatic/socket-proxy: its expressions for methods and paths, and nothing else of it. */
const SOCKET = '/var/run/docker.sock'
const rules = process.argv.flatMap((argument) => {
  const rule = /^-allow(?<verb>[A-Z]+)=(?<path>.*)$/.exec(argument)?.groups
  return rule === undefined ? [] : [{ verb: rule.verb, path: new RegExp(`^(?:${rule.path})$`) }]
})

createServer((asked, answer) => {
  const { pathname } = new URL(asked.url ?? '/', 'http://docker')
  if (!rules.some(({ verb, path }) => verb === asked.method && path.test(pathname))) {
    process.stdout.write(`refused ${asked.method} ${asked.url}\n`)
    answer.writeHead(403).end('Forbidden\n')
    return
  }
  const forwarded = request(
    { socketPath: SOCKET, method: asked.method, path: asked.url, headers: asked.headers },
    (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      answer.flushHeaders()
      reply.pipe(answer)
    },
  )
  forwarded.on('error', () => answer.headersSent || answer.writeHead(502).end())
  answer.on('close', () => forwarded.destroy())
  asked.pipe(forwarded)
}).listen(2375, '0.0.0.0')
process.on('SIGTERM', () => process.exit(0))
