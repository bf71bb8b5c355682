import type { Clock, Engine } from '../contracts/ports.ts'
import type { Container } from '../contracts/telemetry.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { errorLinesIn } from './error-lines.ts'
import { type LogWatch, openLogFile } from './log-file.ts'

/** Each is a connection of its own; further containers go without. */
const MOST_STREAMS = 200
/** Who logs more than this between two reads is not listened to for a while: the engine pays for it, too. */
const MOST_CHARACTERS = 256 * 1024
const REST_MS = 10_000
/** After the end of a stream, and after a refusal: no logging driver that can be read, a proxy that forbids it. */
const AGAIN_MS = 2_000
const REFUSED_MS = 60_000
/** What of a line that is not complete is kept until its end comes. */
const KEPT_CHARACTERS = 1_024

/** Listens to the engine's stream of a container's log. */
function createLogStream(options: {
  engine: Engine
  clock: Clock
  log: Log
  container: Container
  onClose: () => void
}): LogWatch {
  const { engine, clock, log, container, onClose } = options
  const stop = new AbortController()
  const { signal } = stop
  let errorLines: number | null = 0
  let heard = 0
  let started = ''

  const take = (piece: string) => {
    heard += piece.length
    const end = piece.lastIndexOf('\n') + 1
    if (end > 0) {
      errorLines = (errorLines ?? 0) + errorLinesIn(started + piece.slice(0, end))
      started = ''
    }
    if (started.length < KEPT_CHARACTERS) started += piece.slice(end, end + KEPT_CHARACTERS)
  }

  const listen = async () => {
    while (!signal.aborted) {
      let restMs = AGAIN_MS
      errorLines ??= 0
      try {
        for await (const piece of engine.followLogs(container.id, { signal })) {
          take(piece)
          if (heard <= MOST_CHARACTERS) continue
          restMs = REST_MS
          break
        }
      } catch (error) {
        log.debug({ containerId: container.id, reason: messageOf(error) }, 'log stream broke')
        errorLines = null
        restMs = REFUSED_MS
      }
      started = ''
      await clock.sleep(restMs, signal)
    }
  }
  const listening = listen()

  return {
    get errorLines() {
      return errorLines
    },
    read() {
      heard = 0
    },
    async close() {
      stop.abort()
      onClose()
      await listening
    },
  }
}

/**
 * How containers' logs are watched: in the file of the json-file driver where it can be read, at the price of a read a
 * second, else through the engine's stream. `files` and `streams` say which ways may be gone.
 */
export function createLogWatches(options: {
  engine: Engine
  clock: Clock
  log: Log
  files: boolean
  streams: boolean
}): (container: Container) => LogWatch | null {
  const { files, streams, ...parts } = options
  let open = 0
  return (container) => {
    const file = files && container.logPath !== null ? openLogFile(container.logPath) : null
    if (file !== null || !streams || open >= MOST_STREAMS) return file
    open += 1
    return createLogStream({
      ...parts,
      container,
      onClose() {
        open -= 1
      },
    })
  }
}
