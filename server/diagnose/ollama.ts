import { type ChatRequest, Ollama } from 'ollama'
import { AppError, messageOf } from '../errors.ts'

/** What is fixed for all calls: another context size would make Ollama load the model again. */
const CONTEXT_TOKENS = 8192
const ANSWER_WITHIN_MS = 120_000
const STATUS_WITHIN_MS = 3_000

/** The form that a model is to fill is far shorter: one that goes on and on is stopped. */
const MAX_ANSWER_LENGTH = 32 * 1024

type Reply<T> = { ok: true; value: T } | { ok: false; reason: string }

export type ModelServer = {
  /** Whether the server answers and has the model; the version where it does. */
  status(): Promise<Reply<string>>
  /** One answer of the model as text, or why there is none. Never rejects. */
  chat(messages: { role: string; content: string }[], format: object, signal: AbortSignal): Promise<Reply<string>>
}

function reasonOf(error: unknown, host: string, model: string): string {
  const {
    status_code: status,
    cause,
    name,
  } = error as { status_code?: number; cause?: { code?: string }; name?: string }
  if (name === 'TimeoutError' || name === 'AbortError') return 'the model server did not answer in time'
  if (cause?.code === 'ECONNREFUSED' || cause?.code === 'ENOTFOUND')
    return `no Ollama at ${host}: start it, or set OLLAMA_HOST`
  if (status === 404) return `Ollama has no model ${model}: run "ollama pull ${model}"`
  if (status === 503) return 'the model server is busy'
  return messageOf(error).slice(0, 200)
}

/** A model on an Ollama server. Always streams, under an own deadline: its client gives up after 300 s otherwise. */
export function createModelServer(options: {
  host: string
  model: string
  answerWithinMs?: number
  statusWithinMs?: number
}): ModelServer {
  const { host, model, answerWithinMs = ANSWER_WITHIN_MS, statusWithinMs = STATUS_WITHIN_MS } = options
  const clientFor = (signal: AbortSignal) =>
    new Ollama({
      host,
      fetch: (input, init) =>
        fetch(input, { ...init, signal: AbortSignal.any([signal, ...(init?.signal ? [init.signal] : [])]) }),
    })

  return {
    async status() {
      try {
        const client = clientFor(AbortSignal.timeout(statusWithinMs))
        const [{ version }, { models }] = await Promise.all([client.version(), client.list()])
        const wanted = model.includes(':') ? model : `${model}:latest`
        const there = models.some(({ name }) => name === wanted)
        return there
          ? { ok: true, value: version }
          : { ok: false, reason: `Ollama ${version} has no model ${model}: run "ollama pull ${model}"` }
      } catch (error) {
        return { ok: false, reason: reasonOf(error, host, model) }
      }
    },
    async chat(messages, format, signal) {
      const enough = new AbortController()
      const deadline = AbortSignal.any([signal, enough.signal, AbortSignal.timeout(answerWithinMs)])
      const request: ChatRequest & { stream: true; truncate: false } = {
        model,
        messages,
        format,
        think: 'low',
        stream: true,
        // A prompt that does not fit is an error, not one that loses its beginning.
        truncate: false,
        options: { num_ctx: CONTEXT_TOKENS, temperature: 1, top_p: 1 },
      }
      try {
        let text = ''
        for await (const part of await clientFor(deadline).chat(request)) {
          text += part.message.content
          if (text.length > MAX_ANSWER_LENGTH) enough.abort(new AppError('the answer of the model has no end'))
        }
        return { ok: true, value: text }
      } catch (error) {
        return { ok: false, reason: reasonOf(deadline.aborted ? deadline.reason : error, host, model) }
      }
    },
  }
}
