import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createModelServer } from './ollama.ts'
import { type OllamaStandIn, openOllamaStandIn } from './ollama-stand-in.ts'
import { MODEL_ANSWER_SCHEMA } from './prompt.ts'

let ollama: OllamaStandIn
beforeAll(async () => {
  ollama = await openOllamaStandIn()
})
afterAll(() => ollama[Symbol.asyncDispose]())

const never = new AbortController().signal
const MESSAGES = [{ role: 'user', content: 'why?' }]

const server = (different: Partial<Parameters<typeof createModelServer>[0]> = {}) =>
  createModelServer({ host: ollama.url, model: 'gpt-oss:20b', ...different })
const chat = (different: Parameters<typeof server>[0] = {}) =>
  server(different).chat(MESSAGES, MODEL_ANSWER_SCHEMA, never)

/** An address at which nothing listens any more. */
async function deserted(): Promise<string> {
  await using gone = await openOllamaStandIn()
  return gone.url
}

describe('the status of a model server', () => {
  test('is its version where it has the model, also under its untagged name', async () => {
    expect(await server().status()).toEqual({ ok: true, value: '0.12.4' })
    ollama.beOf('0.33.1', ['gpt-oss:20b', 'tiny:latest'])
    expect(await server({ model: 'tiny' }).status()).toEqual({ ok: true, value: '0.33.1' })
    ollama.beOf('0.12.4', ['gpt-oss:20b'])
  })

  test('says how to get a model that is missing', async () => {
    expect(await server({ model: 'llama9:1b' }).status()).toEqual({
      ok: false,
      reason: 'Ollama 0.12.4 has no model llama9:1b: run "ollama pull llama9:1b"',
    })
  })

  test('says what to do where nothing listens', async () => {
    const host = await deserted()
    expect(await server({ host }).status()).toEqual({
      ok: false,
      reason: `no Ollama at ${host}: start it, or set OLLAMA_HOST`,
    })
  })

  test('is a reason, not an exception, where something else answers or nothing comes', async () => {
    ollama.answerStatusWith('html')
    expect(await server().status()).toMatchObject({ ok: false })
    ollama.answerStatusWith('hang')
    expect(await server({ statusWithinMs: 50 }).status()).toEqual({
      ok: false,
      reason: 'the model server did not answer in time',
    })
    ollama.answerStatusWith(null)
  })
})

describe('a question to the model', () => {
  test('is answered by the content alone, not by the thinking before it', async () => {
    ollama.behave({
      does: 'answer',
      content: '{"summary":"ñandú, 漏れ","remedy":"restart"}',
      thinking: 'secret thoughts',
    })
    expect(await chat()).toEqual({ ok: true, value: '{"summary":"ñandú, 漏れ","remedy":"restart"}' })
  })

  test('is always streamed, with low effort, one context size and a schema', async () => {
    await chat()
    expect(ollama.chats.at(-1)).toMatchObject({
      model: 'gpt-oss:20b',
      messages: MESSAGES,
      stream: true,
      think: 'low',
      truncate: false,
      format: MODEL_ANSWER_SCHEMA,
      options: { num_ctx: 8192, temperature: 1, top_p: 1 },
    })
  })

  test.each([
    ['the model is missing', { model: 'llama9:1b' }, [], 'Ollama has no model llama9:1b: run "ollama pull llama9:1b"'],
    [
      'the server is busy',
      {},
      [{ does: 'status', status: 503, body: '{"error":"server busy, please try again"}' }],
      'the model server is busy',
    ],
    ['an error comes in the middle', {}, [{ does: 'error-in-stream', message: 'CUDA error' }], 'CUDA error'],
    ['the stream is cut', {}, [{ does: 'cut' }], 'Did not receive done or success response in stream.'],
    ['no answer comes', { answerWithinMs: 60 }, [{ does: 'hang' }], 'the model server did not answer in time'],
    ['the answer has no end', {}, [{ does: 'endless' }], 'the answer of the model has no end'],
  ] as const)('has a reason for its failure where %s', async (_, different, behaviours, reason) => {
    ollama.behave(...behaviours)
    expect(await chat(different)).toEqual({ ok: false, reason })
  })

  test('has a reason where a page of HTML comes, or the server is down', async () => {
    ollama.behave({ does: 'status', status: 200, body: '<html>a proxy</html>', type: 'text/html' })
    expect(await chat()).toEqual({ ok: false, reason: expect.stringMatching(/./) })
    const host = await deserted()
    expect(await chat({ host })).toEqual({ ok: false, reason: `no Ollama at ${host}: start it, or set OLLAMA_HOST` })
  })

  test('ends where the program does', async () => {
    const stop = new AbortController()
    ollama.behave({ does: 'hang' })
    const asked = server().chat(MESSAGES, MODEL_ANSWER_SCHEMA, stop.signal)
    stop.abort()
    expect(await asked).toMatchObject({ ok: false })
  })
})
