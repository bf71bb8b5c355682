import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../../server/fixtures/needs.ts'
import type { DockerInjector } from './docker-injector.ts'
import { kernel, type Lab, mostCores, openLab, until } from './lab.ts'

const SOON_MS = 15_000
const MiB = 2 ** 20
/** Ends at once when it is asked to, and has a child that works. */
const SERVER = ['sh', '-c', 'trap "exit 0" TERM; sleep 1000 & while :; do sleep 0.2; done']
const lab = await openLab()
const runnable = lab !== null && process.getuid?.() === 0

describe.skipIf(!needs('root on the host of a Docker engine', runnable))('the main process of a container', () => {
  let injector: DockerInjector
  const { engine, victim } = lab as Lab
  beforeAll(async () => {
    injector = await lab!.openInjector()
  })
  afterAll(() => lab?.[Symbol.asyncDispose]())

  const inspect = (id: string) => engine.docker.getContainer(id).inspect()
  /** The engine's events of a container up to now. */
  const eventsOf = async (id: string) => {
    const end = Math.floor(Date.now() / 1000) + 1
    const stream = await engine.docker.getEvents({ since: end - 60, until: end, filters: { container: [id] } })
    let text = ''
    for await (const piece of stream) text += piece
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: Record<string, string> } })
  }

  describe.concurrent('in concurrent stories', { timeout: 60_000 }, () => {
    test('hangs with all below it, its health check fails, and it goes on afterwards', async () => {
      const health = { command: 'test "$(ps -o stat,comm | grep -c ^T)" = 0', intervalMs: 300, retries: 2 }
      const one = await victim({ command: SERVER, health })
      await until('health', SOON_MS, async () => (await inspect(one.id)).State.Health?.Status === 'healthy')
      const fault = await injector.inject({ kind: 'hang' }, one)
      expect(kernel.states(one.id).filter((state) => state === 'T').length).toBeGreaterThanOrEqual(2)
      await until('bad health', SOON_MS, async () => (await inspect(one.id)).State.Health?.Status === 'unhealthy')
      await fault.takeBack()
      await fault.takeBack()
      expect(kernel.states(one.id)).not.toContain('T')
      await until('health again', SOON_MS, async () => (await inspect(one.id)).State.Health?.Status === 'healthy')
    })

    test('is killed from the host’s side, which is no operator’s stop', async () => {
      const one = await victim()
      const fault = await injector.inject({ kind: 'kill' }, one)
      await until('its end', SOON_MS, async () => !(await inspect(one.id)).State.Running)
      expect((await inspect(one.id)).State).toMatchObject({ ExitCode: 137, OOMKilled: false })
      await sleep(1000)
      const actions = (await eventsOf(one.id)).map(({ Action }) => Action)
      expect(actions).toContain('die')
      expect(actions).not.toContain('kill')
      await fault.takeBack()
    })

    test('dies again and again in a crash loop, and lives when it is over', async () => {
      const one = await victim({ restartPolicy: 'always' })
      const fault = await injector.inject({ kind: 'crash-loop', everySeconds: 1 }, one)
      await until('three restarts', SOON_MS, async () => (await inspect(one.id)).RestartCount >= 3)
      await fault.takeBack()
      const { RestartCount } = await until('running', SOON_MS, async () => {
        const found = await inspect(one.id)
        return found.State.Running && !found.State.Restarting ? found : null
      })
      await sleep(1500)
      expect((await inspect(one.id)).RestartCount).toBeLessThanOrEqual(RestartCount + 1)
      expect((await inspect(one.id)).State.Running).toBe(true)
    })

    test('is restarted by the engine as planned', async () => {
      const one = await victim({ command: SERVER })
      const { StartedAt } = (await inspect(one.id)).State
      const fault = await injector.inject({ kind: 'planned-restart' }, one)
      const after = (await inspect(one.id)).State
      expect(after.Running).toBe(true)
      expect(after.StartedAt > StartedAt).toBe(true)
      await fault.takeBack()
    })

    test('comes back in a new container as compose recreates it, with name, labels, limits and volumes', async () => {
      const one = await victim({
        command: SERVER,
        memoryBytes: 32 * MiB,
        labels: { 'com.docker.compose.service': 'api' },
      })
      const before = await inspect(one.id)
      const fault = await injector.inject({ kind: 'recreation' }, one)
      const after = await inspect(one.name)
      expect(after.Id).not.toBe(one.id)
      expect(fault.victim).toEqual({ id: after.Id, name: one.name })
      expect(after.State.Running).toBe(true)
      expect(after.Config.Labels).toEqual(before.Config.Labels)
      expect(after.Config.Cmd).toEqual(before.Config.Cmd)
      expect(after.HostConfig.Memory).toBe(32 * MiB)
      await expect(inspect(one.id)).rejects.toThrow('no such container')
      await fault.takeBack()
      expect((await inspect(one.name)).Id).toBe(after.Id)
      // A victim that was replaced is found by its name.
      const burn = { kind: 'planned-restart' } as const
      expect(await injector.objection(burn, one)).toBeNull()
    })

    test('reads a slowed disk at the asked speed, and at full speed afterwards', async ({ skip }) => {
      const one = await victim({ memoryBytes: 64 * MiB })
      const refusal = await injector.objection({ kind: 'slow-disk', bytesPerSecond: 1 * MiB }, one)
      if (refusal !== null) skip(refusal)
      const timed = async (command: string) => {
        const exec = await engine.docker.getContainer(one.id).exec({ Cmd: ['sh', '-c', command] })
        const startMs = Date.now()
        await exec.start({ Detach: true })
        await until(command, SOON_MS, async () => !(await exec.inspect()).Running)
        return Date.now() - startMs
      }
      const readFile = 'dd if=/file of=/dev/null bs=256k iflag=direct'
      await timed('dd if=/dev/urandom of=/file bs=1M count=3 oflag=direct')
      const fault = await injector.inject({ kind: 'slow-disk', bytesPerSecond: 1 * MiB }, one)
      expect(await timed(readFile)).toBeGreaterThan(2000)
      await fault.takeBack()
      expect(await timed(readFile)).toBeLessThan(1000)
    })
  })

  test('has a neighbour that burns the host’s processor and is gone afterwards', { timeout: 40_000 }, async () => {
    const one = await victim({ labels: { 'com.docker.compose.project': 'shop' } })
    const fault = await injector.inject({ kind: 'noisy-neighbour', shareOfHost: 0.2 }, one)
    const filters = { label: ['dockerpulse.chaos=helper'] }
    const found = await engine.docker.listContainers({ filters })
    const helper = found.find(({ Names }) => Names[0]?.includes(lab!.scope))
    expect(helper).toMatchObject({ State: 'running' })
    const { NCPU } = (await engine.docker.info()) as { NCPU: number }
    const cores = await mostCores(helper!.Id, 0.2 * NCPU * 0.8)
    expect(cores).toBeGreaterThan(0.2 * NCPU * 0.8)
    expect(cores).toBeLessThan(0.2 * NCPU * 1.2 + 0.09)
    await fault.takeBack()
    await expect(inspect(helper!.Id)).rejects.toThrow('No such container')
  })
})
