import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { needs } from '../../server/fixtures/needs.ts'
import { createRandom } from '../random.ts'
import { processesOf, signal } from './host-processes.ts'
import type { ChildOptions } from './injector.child.ts'
import { cgroupText, kernel, type Lab, openLab, until } from './lab.ts'
import { ifThere } from './victim-facts.ts'

const MiB = 2 ** 20
const ROUNDS = 20
/** Rounds that share nothing go on at the same time. */
const LANES = 4
/** A runner is killed at a random moment of its first so many milliseconds. */
const KILLED_WITHIN_MS = 2_500
const PATIENCE_MS = 30_000
const CHILD = fileURLToPath(new URL('./injector.child.ts', import.meta.url))

const lab = await openLab()
const runnable = lab !== null && process.getuid?.() === 0

function watchdogsOf(journalFolder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const text = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
        return text.includes('watchdog.ts') && text.includes(journalFolder)
      } catch {
        return false
      }
    })
}

describe.skipIf(!needs('root on the host of a Docker engine', runnable))('a runner that is killed with SIGKILL', () => {
  const { engine } = lab as Lab
  afterAll(() => lab?.[Symbol.asyncDispose]())

  type Lane = { one: Lab; network: string; names: string[] }
  const openLane = async (): Promise<Lane> => {
    const one = (await openLab())!
    const network = `dockerpulse-${one.scope}`
    await engine.docker.createNetwork({ Name: network })
    const limits = { cpuCores: 0.2, memoryBytes: 64 * MiB, pidsLimit: 40, network, restartPolicy: 'always' } as const
    const db = await one.victim({ ...limits, name: `${one.scope}-db`, command: ['httpd', '-f', '-p', '5432'] })
    const labels = { 'dockerpulse.chaos.dependency': db.name }
    const command = ['sh', '-c', 'trap "exit 0" TERM; sleep 100000 & while :; do wait; done']
    const api = await one.victim({ ...limits, name: `${one.scope}-api`, labels, command })
    return { one, network, names: [db.name, api.name] }
  }

  /** Everything that a fault could have left, as a list that ought to be empty. */
  const traces = async ({ one, network, names }: Lane): Promise<string[]> => {
    const found = await one.marks()
    for (const name of names) {
      const { Id, State, NetworkSettings } = await engine.docker.getContainer(name).inspect()
      if (!State.Running) found.push(`${name} is ${State.Status}`)
      if (NetworkSettings.Networks[network] === undefined) found.push(`${name} is cut off`)
      const processes = processesOf(Id)
      // A server has a process for each connection of a flood, and learns of the end of those that were cut off later.
      if (name.endsWith('-api') && processes.length > 2) found.push(`${name} has ${processes.length} processes`)
      if (processes.some(({ state }) => state === 'T')) found.push(`${name} hangs`)
      if (processes.length === 0) continue
      for (const { pid } of processes) {
        const score = readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()
        if (score !== '0') found.push(`${name} has the OOM score ${score}`)
        const folders = readdirSync(`/proc/${pid}/root`).filter((file) => file.startsWith('.dockerpulse'))
        found.push(...folders.map((folder) => `${name} has ${folder}`))
      }
      const rules = cgroupText(Id, 'blkio', 'blkio.throttle.read_bps_device', 'io.max')
      if (rules !== '') found.push(`${name} has the throttle ${rules}`)
      if (kernel.memoryBytes(Id) > 32 * MiB) found.push(`${name} holds ${kernel.memoryBytes(Id)} bytes`)
    }
    const all = await engine.docker.listContainers({ all: true })
    const copies = all.filter(({ Names }) => names.some((name) => Names[0]?.endsWith(`_${name}`)))
    return [...found, ...copies.map(({ Names }) => `replacement ${Names[0]}`)]
  }

  const runAndKill = async (lane: Lane, seed: number, afterMs: number): Promise<string[]> => {
    const { one, names } = lane
    const options: ChildOptions = {
      dockerHost: engine.dockerHost,
      journalFolder: one.journalFolder,
      lockName: one.scope,
      names,
      seed,
    }
    const child: ChildProcess = spawn(process.execPath, [CHILD, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout?.on('data', (data) => {
      said += data
    })
    await until('the runner’s start', PATIENCE_MS, () => said.includes('open'))
    const ended = new Promise<string | null>((resolve) =>
      child.once('exit', (_code, signalName) => resolve(signalName)),
    )
    await sleep(afterMs)
    child.kill('SIGKILL')
    expect(await ended).toBe('SIGKILL')
    return said.trim().split('\n').slice(1)
  }

  type Round = { seed: number; afterMs: number }
  const playRound = async (lane: Lane, { seed, afterMs }: Round): Promise<number> => {
    const done = await runAndKill(lane, seed, afterMs)
    // In every other round the watchdog dies as well, so that all is left to the next start.
    if (seed % 2 === 0) for (const pid of watchdogsOf(lane.one.journalFolder)) signal(pid, 'SIGKILL')
    await using injector = await lane.one.openInjector()
    for (const name of lane.names)
      await until('the engine’s restart of it', PATIENCE_MS, async () => {
        const { State } = await engine.docker.getContainer(name).inspect()
        return State.Running && !State.Restarting
      })
    expect(injector.done().filter(({ takenBackAt }) => takenBackAt === null)).toEqual([])
    expect(await traces(lane), `round ${seed}: ${done}`).toEqual([])
    return done.length
  }

  const closeLane = async ({ one, names, network }: Lane) => {
    await one[Symbol.asyncDispose]()
    // A recreated one has the label of its run, and may have been made after the run's end.
    for (const name of names) await ifThere(engine.docker.getContainer(name).remove({ force: true }))
    await engine.docker.getNetwork(network).remove()
  }

  test(`at ${ROUNDS} random moments leaves nothing after the next start`, { timeout: 300_000 }, async () => {
    const random = createRandom(7)
    const rounds = Array.from({ length: ROUNDS }, (_, seed) => ({ seed, afterMs: random.next() * KILLED_WITHIN_MS }))
    let faults = 0
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        const lane = await openLane()
        try {
          for (let round = rounds.shift(); round !== undefined; round = rounds.shift())
            faults += await playRound(lane, round)
        } finally {
          await closeLane(lane)
        }
      }),
    )
    expect(faults).toBeGreaterThan(ROUNDS / 2)
  })
})
