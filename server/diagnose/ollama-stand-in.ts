import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the stand-in does with one chat request; without any left it answers with `answer`. */
export type Behaviour =
  | { does: 'answer'; content: string; thinking?: string }
  | { does: 'status'; status: number; body: string; type?: string }
  | { does: 'error-in-stream'; message: string }
  | { does: 'cut' }
  | { does: 'hang' }
  | { does: 'endless' }

export type ChatBody = {
  model: string
  messages: { role: string; content: string }[]
  format: object
  think: unknown
  stream: unknown
  truncate: unknown
  options: Record<string, unknown>
}

export type OllamaStandIn = AsyncDisposable & {
  readonly url: string
  /** The chat requests so far, as they were sent. */
  readonly chats: ChatBody[]
  /** What comes next, one behaviour a request. */
  behave(...next: Behaviour[]): void
  /** How `/api/version` and `/api/tags` answer from now on. */
  beOf(version: string, models: string[]): void
  answerStatusWith(broken: 'html' | 'hang' | null): void
}

const line = (part: object) =>
  `${JSON.stringify({ model: 'gpt-oss:20b', created_at: '2026-01-01T00:00:00Z', ...part })}\n`
const part = (message: object) => line({ message: { role: 'assistant', content: '', ...message }, done: false })
const end = () => line({ message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' })

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}

/** An Ollama server over real HTTP: its protocol, and the ways in which it is known to fail. */
export async function openOllamaStandIn(): Promise<OllamaStandIn> {
  const chats: ChatBody[] = []
  const queue: Behaviour[] = []
  let version = '0.12.4'
  let models = ['gpt-oss:20b']
  let broken: 'html' | 'hang' | null = null

  const json = (response: ServerResponse, body: object) => {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body))
  }

  const chat = (response: ServerResponse, behaviour: Behaviour) => {
    if (behaviour.does === 'hang') return
    if (behaviour.does === 'status') {
      response.writeHead(behaviour.status, { 'content-type': behaviour.type ?? 'application/json' }).end(behaviour.body)
      return
    }
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.write(part({ thinking: 'We are asked to ' }))
    if (behaviour.does === 'error-in-stream') response.end(`${JSON.stringify({ error: behaviour.message })}\n`)
    else if (behaviour.does === 'cut') response.end(part({ content: '{"summary":"it le' }))
    else if (behaviour.does === 'endless') {
      const more = () => {
        if (!response.destroyed && response.write(part({ content: 'and on '.repeat(500) }))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    } else {
      response.write(part({ thinking: behaviour.thinking ?? 'explain it.' }))
      // Tokens come in small pieces, and characters may be split between packets.
      for (let at = 0; at < behaviour.content.length; at += 7)
        response.write(part({ content: behaviour.content.slice(at, at + 7) }))
      response.end(end())
    }
  }

  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      if (request.url === '/api/chat' && request.method === 'POST') {
        chats.push(JSON.parse(body))
        const wanted = chats.at(-1)?.model ?? ''
        const missing = {
          does: 'status',
          status: 404,
          body: JSON.stringify({ error: `model '${wanted}' not found` }),
        } as const
        const answer = { does: 'answer', content: '{"summary":"It leaks.","remedy":"note-only"}' } as const
        chat(response, models.includes(wanted) ? (queue.shift() ?? answer) : missing)
      } else if (broken === 'hang') return
      else if (broken === 'html') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>a proxy</html>')
      else if (request.url === '/api/version') json(response, { version })
      else if (request.url === '/api/tags') json(response, { models: models.map((name) => ({ name, model: name })) })
      else response.writeHead(404).end('404 page not found')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    chats,
    behave: (...next) => void queue.push(...next),
    beOf(newVersion, newModels) {
      version = newVersion
      models = newModels
    },
    answerStatusWith(how) {
      broken = how
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
