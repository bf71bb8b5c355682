import fc from 'fast-check'
import { expect, test } from 'vitest'
import { systemClock } from '../clock.ts'
import type { Engine } from '../contracts/ports.ts'
import type { Container, EngineEvent } from '../contracts/telemetry.ts'
import { aContainer } from '../decide/incident-stand-in.ts'
import { createLog } from '../log.ts'
import { createInventory, retryDelayMs } from './inventory.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

test('an inspection that was answered before a removal does not bring the container back', async () => {
  const container = aContainer()
  const event = (kind: string): EngineEvent => ({
    at: 1_000,
    containerId: container.id,
    kind,
    name: container.name,
    exitCode: null,
    signal: null,
    health: null,
  })
  let answer = (_: Container | null) => {}
  let destroy = () => {}
  const destroyed = new Promise<void>((resolve) => {
    destroy = resolve
  })
  let inspections = 0
  const engine = {
    address: 'unix:///nowhere',
    describe: async () => ({ version: '20.10' }),
    ping: async () => {},
    list: async () => [container.id],
    inspect: () => {
      inspections += 1
      if (inspections === 1) return Promise.resolve(container)
      return new Promise<Container | null>((resolve) => {
        answer = resolve
      })
    },
    async *events({ signal }: { signal: AbortSignal }) {
      yield event('die')
      await destroyed
      yield event('destroy')
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    },
  } as unknown as Engine
  await using inventory = createInventory({
    engine,
    clock: systemClock,
    log: createLog('silent'),
    random: () => 0.5,
    onEvent() {},
    onEngine() {},
  })
  while (inspections < 2) await turn()
  expect(inventory.containers.size).toBe(1)
  destroy()
  while (inventory.containers.size > 0) await turn()
  answer(container)
  for (let count = 0; count < 5; count++) await turn()
  expect(inventory.containers.size).toBe(0)
})

test('without luck the delays double from one second and stay at thirty', () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 100].map((failures) => retryDelayMs(failures, () => 1))
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
})

test('chance takes at most half of a delay, so that many programs do not come back at once', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const longest = retryDelayMs(failures, () => 1)
      const delay = retryDelayMs(failures, () => chance)
      expect(delay).toBeGreaterThanOrEqual(longest / 2)
      expect(delay).toBeLessThanOrEqual(longest)
      expect(longest).toBeLessThanOrEqual(30_000)
    }),
  )
})
