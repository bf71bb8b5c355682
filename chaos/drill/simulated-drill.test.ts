import { describe, expect, test } from 'vitest'
import { SCENARIOS } from '../scenarios.ts'
import { runExperiment } from './experiment.ts'
import { drillsDocument } from './kept-drills.ts'
import type { Recording } from './recording.ts'
import { drillResult, KeptDrill, keptDrill } from './result.ts'
import { renderDrillPage } from './result-page.ts'
import { drillOnSimulation } from './simulated-drill.ts'
import { openSimulatedStage } from './simulated-stage.ts'

const scenario = (name: string) => SCENARIOS.find((one) => one.name === name)!

async function record(name: string, seed: number): Promise<Recording> {
  await using stage = await openSimulatedStage({ seed })
  return await runExperiment(scenario(name), stage)
}

describe('a drill on the simulated engine', { timeout: 60_000 }, () => {
  test.each(['leak-fast', 'crash-loop'])('repeats byte for byte with the same seed: %s', async (name) => {
    const first = JSON.stringify(await record(name, 3))
    expect(JSON.stringify(await record(name, 3))).toBe(first)
    expect(JSON.stringify(await record(name, 4))).not.toBe(first)
  })

  test('records the failure of whom nobody may help, and the remedy of the other', async () => {
    const { failures, happenings, readings } = await record('leak-fast', 1)
    expect(failures.filter(({ sign }) => sign === 'oom')).toMatchObject([{ role: 'watched' }])
    expect(happenings.filter(({ what }) => what === 'action')).toMatchObject([
      { role: 'guarded', detail: 'restart verified' },
    ])
    expect(readings.guarded).toHaveLength(scenario('leak-fast').watchSeconds)
  })

  test.each([
    ['page-cache', (recording: Recording) => Math.max(...memoryOf(recording)) > 0.15],
    ['connection-flood', (recording: Recording) => Math.max(...memoryOf(recording)) > 0.2],
    ['hang', (recording: Recording) => recording.failures.some(({ sign }) => sign === 'unhealthy')],
    ['pid-exhaustion', (recording: Recording) => recording.failures.some(({ sign }) => sign === 'unhealthy')],
    ['dependency-down', (recording: Recording) => recording.failures.some(({ sign }) => sign === 'unhealthy')],
    ['memory-bomb', (recording: Recording) => recording.failures.some(({ sign }) => sign === 'oom')],
    ['kill', (recording: Recording) => recording.failures.some(({ sign }) => sign === 'exit')],
    ['engine-refuses', (recording: Recording) => recording.readings.watched.some((one) => one?.freshness === 'stale')],
    ['planned-restart', (recording: Recording) => recording.readings.watched.some((one) => one?.freshness === 'none')],
  ] as const)('%s bites', async (name, bites) => {
    expect(bites(await record(name, 1))).toBe(true)
  })

  test('a fault that is taken back is over', async () => {
    const { readings } = await record('page-cache', 1)
    const { startSeconds, durationSeconds } = scenario('page-cache')
    const memory = readings.watched.map((reading) => reading!.memoryShareOfLimit!)
    expect(memory.at(-1)!).toBeLessThan(memory[startSeconds + durationSeconds - 1]!)
  })

  test('is graded, kept and shown', async () => {
    const drilled = await drillOnSimulation({
      scenarios: ['leak-fast', 'kill'].map(scenario),
      seed: 1,
      signal: new AbortController().signal,
      say: () => {},
    })
    const result = drillResult({
      ...drilled,
      engine: 'sim',
      seed: 1,
      version: '<script>',
      at: '2026-01-05T08:00:00.000Z',
      skipped: [{ scenario: 'slow-disk', reason: 'the kernel lacks <it>' }],
      cutShort: null,
    })
    const page = renderDrillPage(result)
    expect(page.match(/<svg/g)).toHaveLength(4)
    expect(page).not.toMatch(/<script|lacks <it>/)
    const document = drillsDocument([KeptDrill.parse(keptDrill(result))])
    expect(document).toMatch(/\| leak-fast \| [AB] \| \d+ \| \d+ s before/)
    expect(document).toContain('- slow-disk: the kernel lacks <it>')
  })

  test('ends early when it is told to', async () => {
    const stop = AbortSignal.abort()
    const { graded } = await drillOnSimulation({ scenarios: SCENARIOS, seed: 1, signal: stop, say: () => {} })
    expect(graded).toEqual([])
  })
})

const memoryOf = ({ readings }: Recording) => readings.watched.map((reading) => reading?.memoryShareOfLimit ?? 0)
