import { createInterface } from 'node:readline'
import type { Light } from '../server/contracts/assessment.ts'
import { AppError } from '../server/errors.ts'

/** Longer lines from a container say nothing to an audience. */
const LONGEST = 400

const COLOURS = { low: '2', medium: '33', critical: '1;31', good: '32', strong: '1', quiet: '2' } as const
export type Colour = keyof typeof COLOURS

/** Form besides colour. */
export const SHAPES: Record<Light, string> = { low: '●', medium: '◆', critical: '▲' }

/**
 * Text of somebody else as it may be shown: without control and format characters (escape sequences, line breaks, changes
 * of direction), on one line, not too long.
 */
export function clean(text: string): string {
  const plain = text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu, '')
    .trim()
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST - 1)}…` : plain
}

/** Where the commentary goes. */
export type Terminal = {
  say(text?: string): void
  paint(text: string, colour: Colour): string
  /** Waits for Enter; at once for unattended runs. Rejects where the input ends or `signal` aborts. */
  pressEnter(prompt: string): Promise<void>
}

export function createTerminal(options: {
  env: NodeJS.ProcessEnv
  unattended: boolean
  signal: AbortSignal
}): Terminal {
  const { env, unattended, signal } = options
  const coloured = process.stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  return {
    say: (text = '') => {
      process.stdout.write(`${text}\n`)
    },
    paint: (text, colour) => (coloured ? `\x1b[${COLOURS[colour]}m${text}\x1b[0m` : text),
    async pressEnter(prompt) {
      if (unattended) return
      signal.throwIfAborted()
      // Not as a terminal of its own: that would take Ctrl-C for itself.
      const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: false })
      const stop = () => lines.close()
      signal.addEventListener('abort', stop)
      try {
        process.stdout.write(`\n${prompt}`)
        await new Promise<void>((resolve, reject) => {
          lines.once('line', () => resolve())
          lines.once('close', () => reject(new AppError('nobody pressed Enter: --yes runs without waiting')))
        })
      } finally {
        signal.removeEventListener('abort', stop)
        lines.close()
      }
    },
  }
}
