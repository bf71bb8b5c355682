import type { Explanation, Incident } from '../contracts/incident.ts'
import type { Clock, Engine } from '../contracts/ports.ts'
import { messageOf } from '../errors.ts'
import type { ModelServer } from './ollama.ts'
import { buildPrompt, MODEL_ANSWER_SCHEMA, ModelAnswer, plainText } from './prompt.ts'
import { explainByRules } from './rules.ts'

export type ModelState = { state: 'ok' | 'degraded' | 'off'; detail: string; sinceMs: number }

export type Diagnosis = AsyncDisposable & {
  /** Explains an incident: by the model where it answers well in time, else by the rules. Never rejects. */
  explain(incident: Incident): Promise<Explanation>
  readonly model: ModelState
}

const LOG_LINES = 200
const LOG_BYTES = 64 * 1024
const LOOK_AGAIN_MS = 60_000

function parseAnswer(text: string): { ok: true; answer: ModelAnswer } | { ok: false; reason: string } {
  try {
    const parsed = ModelAnswer.safeParse(JSON.parse(text))
    return parsed.success ? { ok: true, answer: parsed.data } : { ok: false, reason: messageOf(parsed.error) }
  } catch {
    return { ok: false, reason: 'it is not JSON' }
  }
}

/**
 * Explains incidents. The model gets masked log templates and a closed form to answer in, one chance to repair a
 * malformed answer, and no say in what is done. Without a model (`server` null) or a good answer the rules speak.
 */
export function createDiagnosis(options: {
  engine: Pick<Engine, 'logs'>
  server: ModelServer | null
  modelName: string
  clock: Clock
}): Diagnosis {
  const { engine, server, modelName, clock } = options
  const stop = new AbortController()
  let model: ModelState =
    server === null
      ? { state: 'off', detail: 'no model configured: the rules explain', sinceMs: clock.now() }
      : { state: 'degraded', detail: 'not asked yet', sinceMs: clock.now() }
  /** One question at a time: a local model answers no faster when two ask. */
  let turn: Promise<unknown> = Promise.resolve()

  const look = async (from: ModelServer) => {
    while (!stop.signal.aborted) {
      const status = await from.status()
      const next = status.ok
        ? { state: 'ok' as const, detail: `${modelName} on Ollama ${status.value}` }
        : { state: 'degraded' as const, detail: `${status.reason}; the rules explain meanwhile` }
      model = { ...next, sinceMs: next.state === model.state ? model.sinceMs : clock.now() }
      await clock.sleep(LOOK_AGAIN_MS, stop.signal)
    }
  }
  const looking = server === null ? Promise.resolve() : look(server)

  const ask = async (from: ModelServer, incident: Incident): Promise<ModelAnswer | null> => {
    const lines = await engine.logs(incident.containerId, { tailLines: LOG_LINES, maxBytes: LOG_BYTES }).catch(() => [])
    const messages: { role: string; content: string }[] = buildPrompt(incident, lines)
    for (let attempt = 0; attempt < 2; attempt++) {
      const reply = await from.chat(messages, MODEL_ANSWER_SCHEMA, stop.signal)
      if (!reply.ok) return null
      const parsed = parseAnswer(reply.value)
      if (parsed.ok) return parsed.answer
      messages.push(
        { role: 'assistant', content: reply.value.slice(0, 4000) },
        {
          role: 'user',
          content: `That answer does not fit the schema: ${parsed.reason}. Answer again with the JSON alone.`,
        },
      )
    }
    return null
  }

  return {
    get model() {
      return model
    },
    explain(incident) {
      const answered = turn.then(async (): Promise<Explanation> => {
        const answer = server === null || model.state !== 'ok' ? null : await ask(server, incident).catch(() => null)
        const at = clock.now()
        if (answer === null) return { source: 'the rules', at, text: explainByRules(incident) }
        return { source: modelName, at, text: `${plainText(answer.summary)} (its choice: ${answer.remedy})` }
      })
      turn = answered.catch(() => {})
      return answered
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await looking
    },
  }
}
