import { setTimeout as sleep } from 'node:timers/promises'

/** What a drill cannot go on without: the engine, the service under test. */
export type Lifeline = Disposable & {
  /** Aborted once it is cut, or with the signal that it was given; the reason is a sentence. */
  readonly signal: AbortSignal
  /** Looks now: whether it still holds. */
  holds(): Promise<boolean>
}

const LOOK_EVERY_MS = 5_000
/** A busy engine may miss a question or two. */
const QUESTIONS = 3
const ASK_AGAIN_MS = 1_000

/** Watches what `ask` asks: it rejects with the reason where there is no answer. */
export function openLifeline(options: {
  ask: () => Promise<unknown>
  signal: AbortSignal
  lookEveryMs?: number
  askAgainMs?: number
}): Lifeline {
  const { ask, lookEveryMs = LOOK_EVERY_MS, askAgainMs = ASK_AGAIN_MS } = options
  const cut = new AbortController()
  const signal = AbortSignal.any([options.signal, cut.signal])
  let looking: Promise<boolean> | null = null
  const look = async () => {
    for (let question = 1; !signal.aborted; question++) {
      try {
        await ask()
        return true
      } catch (error) {
        if (question >= QUESTIONS) {
          cut.abort(error)
          return false
        }
        await sleep(askAgainMs)
      }
    }
    return false
  }
  const holds = () => {
    looking ??= look().finally(() => {
      looking = null
    })
    return looking
  }
  const timer = setInterval(() => void holds(), lookEveryMs)
  timer.unref()
  return { signal, holds, [Symbol.dispose]: () => clearInterval(timer) }
}
