import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { SCENARIOS } from '../scenarios.ts'
import { createTally, type Drilled, type Outcome } from './drilled.ts'
import { drillsDocument, withDrill } from './kept-drills.ts'
import { runInLanes } from './lanes.ts'
import { openLifeline } from './lifeline.ts'
import { drillResult, KeptDrill, keptDrill } from './result.ts'
import { drillOnSimulation } from './simulated-drill.ts'

const never = new AbortController().signal
const quick = { lookEveryMs: 60_000, askAgainMs: 1 }
const named = (...names: string[]) => SCENARIOS.filter(({ name }) => names.includes(name))

describe('a lifeline', () => {
  test('holds while there is an answer, also after one that was missed', async () => {
    let asked = 0
    using lifeline = openLifeline({
      ask: async () => {
        asked += 1
        if (asked === 1) throw new Error('busy')
      },
      signal: never,
      ...quick,
    })
    expect(await lifeline.holds()).toBe(true)
    expect(asked).toBe(2)
    expect(lifeline.signal.aborted).toBe(false)
  })

  test('is cut where there is none, and says why', async () => {
    using lifeline = openLifeline({ ask: () => Promise.reject(new Error('gone')), signal: never, ...quick })
    expect(await lifeline.holds()).toBe(false)
    expect(lifeline.signal.reason).toMatchObject({ message: 'gone' })
  })
})

test('when the engine dies, what was done counts, and what went on meanwhile does not', async () => {
  let isAlive = true
  const soFar: Drilled[] = []
  const scenarios = named('hang', 'kill', 'planned-restart')
  const tally = createTally({ scenarios, say: () => {}, onProgress: (drilled) => soFar.push(drilled) })
  using lifeline = openLifeline({
    ask: async () => {
      if (!isAlive) throw new Error('gone')
    },
    signal: never,
    ...quick,
  })
  const begun: string[] = []
  await runInLanes({
    scenarios,
    lanes: 1,
    lifeline,
    drill: async ({ name }): Promise<Outcome> => {
      begun.push(name)
      if (name === 'kill') isAlive = false
      return { scenario: name, reason: 'of no matter' }
    },
    onOutcome: tally.add,
  })
  expect(begun).toEqual(['hang', 'kill'])
  expect(soFar.at(-1)?.skipped.map(({ scenario }) => scenario)).toEqual(['hang'])
})

test('a part is kept as one, in place of what was kept while it ran, and does not hide a whole drill', async () => {
  const drilled = await drillOnSimulation({ scenarios: named('kill'), seed: 1, signal: never, say: () => {} })
  const kept = (day: number, cutShort: string | null) =>
    KeptDrill.parse(
      keptDrill(
        drillResult({
          ...drilled,
          engine: 'sim',
          seed: 1,
          version: '0.1.0',
          at: `2026-01-0${day}T08:00:00.000Z`,
          cutShort,
        }),
      ),
    )
  const running = withDrill([kept(1, null)], kept(2, 'it runs still'))
  const drills = withDrill(running, kept(2, 'the engine no longer answers'))
  expect(drills.map(({ cutShort }) => cutShort)).toEqual([null, 'the engine no longer answers'])
  const document = drillsDocument(drills)
  expect(document).toContain('2026-01-01, DockerPulse')
  expect(document).not.toContain('Only a part')
  expect(document).toContain('| 1, then cut short |')
  expect(drillsDocument(drills.slice(1))).toContain('**Only a part:** the engine no longer answers.')
  const { cutShort: _, ...before } = kept(1, null)
  expect(KeptDrill.parse(before).cutShort).toBeNull()
})

test('an interrupted drill prints the grades that it has, and fails', { timeout: 60_000 }, async () => {
  const program = fileURLToPath(new URL('../../scripts/drill.ts', import.meta.url))
  const child = spawn(process.execPath, [program, 'all', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  child.stderr.on('data', (chunk) => {
    if (String(chunk).includes('[2/')) child.kill('SIGINT')
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const kept = KeptDrill.parse(JSON.parse(out))
  expect(code).toBe(1)
  expect(kept.cutShort).toBe('it was interrupted')
  expect(kept.scenarios.slice(0, 2).map(({ name }) => name)).toEqual(['leak-slow', 'leak-fast'])
  expect(kept.scenarios.length).toBeLessThan(SCENARIOS.length)
})
