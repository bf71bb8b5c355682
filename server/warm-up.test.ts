import { describe, expect, test } from 'vitest'
import type { createWindow } from './analyse/window.ts'
import { aContainer, aSample } from './decide/incident-stand-in.ts'
import { createLog } from './log.ts'
import type { StoredSample } from './store/recent-samples.ts'
import { warmUp } from './warm-up.ts'

const NOW_MS = 1_700_000_000_000
const ID = 'a'.repeat(64)
const STARTED_MS = NOW_MS - 600_000

const stored = (seconds: number, endMs = NOW_MS): StoredSample[] =>
  Array.from({ length: seconds }, (_, index) =>
    aSample({ containerId: ID, at: endMs - (seconds - 1 - index) * 1_000, cpuCores: 0.2 + 0.01 * (index % 5) }),
  )

async function warmed(samples: readonly StoredSample[], startedAt: number | null = STARTED_MS) {
  const container = aContainer({ id: ID, startedAt })
  const taken = new Map<string, ReturnType<typeof createWindow>>()
  let breaths = 0
  await warmUp({
    clock: { now: () => NOW_MS, sleep: async () => {} },
    log: createLog('silent'),
    signal: new AbortController().signal,
    inventory: () => ({
      containers: new Map([[ID, container]]),
      engine: { state: 'ok', sinceMs: 0, detail: '', description: null },
    }),
    read: async ({ containerIds, fromMs, toMs }) =>
      samples.filter(({ containerId, at }) => containerIds.includes(containerId) && at >= fromMs && at <= toMs),
    async breathe() {
      breaths += 1
    },
    take: ({ id }, window) => void taken.set(id, window),
  })
  return { window: taken.get(ID), breaths }
}

describe('after a start the state of a container', () => {
  test('is what its stored samples make of it, at most a quarter of an hour of them, replayed in slices', async () => {
    const { window, breaths } = await warmed(stored(3_000), NOW_MS - 3_600_000)
    expect(window?.latest?.at).toBe(NOW_MS)
    expect(window?.cpuOutlook.forecasts[0]?.told.count).toBe(901)
    expect(breaths).toBe(9)
  })

  test('does not know of the life before its own start', async () => {
    expect((await warmed(stored(900), NOW_MS - 59_000)).window?.cpuOutlook.forecasts[0]?.told.count).toBe(60)
    expect((await warmed(stored(900), NOW_MS + 5_000)).window).toBeUndefined()
    expect((await warmed(stored(900), null)).window).toBeUndefined()
  })

  test('begins anew after a silence that is too long to look across', async () => {
    const samples = [...stored(100, NOW_MS - 200_000), ...stored(40)]
    expect((await warmed(samples)).window?.cpuOutlook.forecasts[0]?.told.count).toBe(40)
  })
})
