import { afterAll, describe, expect, test } from 'vitest'
import type { IncidentView } from '../server/contracts/api.ts'
import { MIB } from './container-spec.ts'
import { openRealEngine } from './real-engine.ts'
import { eventually, openTestService } from './service-harness.ts'

const PATIENCE_MS = 90_000

/** Leaks 4 MiB a second in its first life, and rests in the next. */
const LEAK_ONCE =
  'if [ -e /rest ]; then exec sleep 1000; fi; touch /rest; ' +
  'exec awk \'BEGIN { for (i = 0; ; i++) { a[i] = sprintf("%4194304s", "x"); system("sleep 1") } }\''

const real = await openRealEngine()
afterAll(async () => {
  await real?.[Symbol.asyncDispose]()
})

describe.skipIf(real === null)('the whole service on a real engine', { timeout: PATIENCE_MS * 2 }, () => {
  test('a leak of 4 MiB/s in 128 MiB is seen before the kill: in auto it is restarted first, in shadow nothing is touched', async () => {
    const { docker, dockerHost, run } = real!
    // The host's mode is observe, so that nothing but these two is ever decided upon.
    await using service = await openTestService({ dockerHost, env: { DOCKERPULSE_MODE: 'observe' } })
    const leaking = (mode: string) =>
      run({ command: ['sh', '-c', LEAK_ONCE], memoryBytes: 128 * MIB, labels: { 'dockerpulse.mode': mode } })
    const [auto, shadow] = await Promise.all([leaking('auto'), leaking('shadow')])
    const incidentOf = (id: string, wanted: (incident: IncidentView) => boolean) =>
      eventually(`an incident of ${id === auto ? 'auto' : 'shadow'}`, PATIENCE_MS, async () =>
        (await service.incidents()).find((incident) => incident.containerId === id && wanted(incident)),
      )

    const killed = await incidentOf(shadow, ({ history }) =>
      history.some(({ text }) => text.includes('kernel killed it')),
    )
    const kill = killed.history.find(({ text }) => text.includes('kernel killed'))!
    expect(Date.parse(killed.openedAt)).toBeLessThan(Date.parse(kill.at))
    expect(killed.actions.map(({ state }) => state)).toEqual(['recorded'])
    const left = await docker.getContainer(shadow).inspect()
    expect(left.State).toMatchObject({ OOMKilled: true, Status: 'exited', ExitCode: 137 })
    expect(left.RestartCount).toBe(0)

    const healed = await incidentOf(auto, ({ phase }) => phase === 'resolved')
    expect(healed.actions.map(({ state }) => state)).toEqual(['verified'])
    expect(healed.history.some(({ text }) => text.includes('kernel killed'))).toBe(false)
    const { State } = await docker.getContainer(auto).inspect()
    expect(State).toMatchObject({ OOMKilled: false, Running: true })
    expect(Date.parse(State.StartedAt)).toBeGreaterThan(Date.parse(healed.openedAt))
  })

  test("the numbers are those of the engine's own client, and unknown for a stopped container", async () => {
    const { docker, dockerHost, run } = real!
    await using service = await openTestService({ dockerHost, env: { DOCKERPULSE_MODE: 'observe' } })
    const busy = await run({ command: ['sh', '-c', 'while true; do :; done'], memoryBytes: 64 * MIB, cpuCores: 0.5 })
    const view = await eventually('a steady rate', PATIENCE_MS, async () =>
      (await service.containers()).find(({ id, cpuCores }) => id === busy && cpuCores !== null && cpuCores > 0.4),
    )
    expect(view).toMatchObject({ memoryLimitBytes: 64 * MIB, cpuLimitCores: 0.5, state: 'running', freshness: 'live' })
    expect(view.cpuCores).toBeLessThan(0.6)
    const columns = await eventually('stored samples', PATIENCE_MS, async () => {
      const answer = await service.get<{ at: number[]; cpuCores: number[] }>(`/api/containers/${busy}/samples`)
      return answer.at?.length > 3 && answer
    })
    expect(columns.cpuCores).toHaveLength(columns.at.length)
    await docker.getContainer(busy).kill()
    const stopped = await eventually('the stop', PATIENCE_MS, async () =>
      (await service.containers()).find(({ id, state }) => id === busy && state === 'exited'),
    )
    expect(stopped.probability).toBeNull()
    expect((await service.incidents()).filter(({ containerId }) => containerId === busy)).toEqual([])
  })
})
