import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../../server/fixtures/needs.ts'
import type { Victim } from '../injector.ts'
import type { ChaosFault } from '../scenario.ts'
import type { DockerInjector } from './docker-injector.ts'
import { endHelperFromAfar } from './helper.ts'
import { askHolder, takeHostLock } from './host-lock.ts'
import { markedProcesses, processesOf } from './host-processes.ts'
import type { ChildOptions } from './injector.child.ts'
import { type Deed, openJournal, parseJournal } from './journal.ts'
import { kernel, type Lab, openLab, rootOf, until } from './lab.ts'

const SOON_MS = 20_000
const MiB = 2 ** 20
const CHILD = fileURLToPath(new URL('./injector.child.ts', import.meta.url))
const INJECTOR = new URL('./docker-injector.ts', import.meta.url).href

describe('the journal of faults', () => {
  const deed: Deed = {
    id: 'host-1',
    at: 1,
    untilMs: 2,
    what: 'stop the main process of api',
    victim: { id: 'a', name: 'api' },
    undo: [{ kind: 'stopped-processes', containerId: 'a' }],
  }

  test('tells what is open and what was taken back, after lines that a crash has cut', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-journal-'))
    const journal = openJournal(folder)
    journal.begin(deed)
    appendFileSync(join(folder, 'chaos-journal.jsonl'), '{"id":"host-2","at":3,"unti')
    journal.begin({ ...deed, id: 'host-3' })
    journal.end('host-1', 5)
    const records = openJournal(folder).records()
    expect(records.map(({ id, takenBackAt }) => [id, takenBackAt])).toEqual([
      ['host-1', 5],
      ['host-3', null],
    ])
    rmSync(folder, { recursive: true })
  })

  test('is emptied when it has grown long, but never while something is open', () => {
    const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-journal-'))
    const path = join(folder, 'chaos-journal.jsonl')
    writeFileSync(path, `${JSON.stringify(deed)}\n${' '.repeat(MiB)}`)
    const journal = openJournal(folder)
    expect(journal.records()).toHaveLength(1)
    journal.end(deed.id, 5)
    expect(openJournal(folder).records()).toEqual([])
    rmSync(folder, { recursive: true })
  })

  test('ignores what is not a deed', () => {
    expect(parseJournal('null\n{}\n[1]\n{"takenBack":"nobody","at":1}\nnonsense')).toEqual([])
  })
})

describe('the host lock', () => {
  test('refuses a second runner, naming the first, and is free when that has ended', async () => {
    const name = `testlock${process.pid}`
    const lock = await takeHostLock(name)
    await expect(takeHostLock(name)).rejects.toThrow(`process ${process.pid} (runner)`)
    await lock[Symbol.asyncDispose]()
    await using again = await takeHostLock(name)
    expect(again).toBeDefined()
  })

  test('is waited for while a watchdog cleans up', async () => {
    const name = `testwait${process.pid}`
    const cleaning = await takeHostLock(name, 'watchdog')
    const waiting = takeHostLock(name)
    setTimeout(() => cleaning[Symbol.asyncDispose](), 200)
    await using lock = await waiting
    expect(lock).toBeDefined()
    expect(await askHolder(name)).toEqual({ pid: process.pid, role: 'runner' })
  })
})

const lab = await openLab()
const runnable = lab !== null && process.getuid?.() === 0

describe.skipIf(!needs('root on the host of a Docker engine', runnable))('on a real engine', () => {
  let injector: DockerInjector
  const { engine, victim } = lab as Lab
  const others: Lab[] = []
  beforeAll(async () => {
    injector = await lab!.openInjector()
  })
  afterAll(async () => {
    for (const one of [...others, lab]) await one?.[Symbol.asyncDispose]()
  })

  /** A runner of its own, with a journal, lock and victim of its own. */
  const runner = async (faults: ChaosFault[], seconds: number) => {
    const one = (await openLab())!
    others.push(one)
    const target = await one.victim({ cpuCores: 0.2, memoryBytes: 64 * MiB })
    const { journalFolder, scope: lockName } = one
    const options: ChildOptions = {
      dockerHost: engine.dockerHost,
      journalFolder,
      lockName,
      names: [target.name],
      seed: 1,
      faults,
      seconds,
    }
    const child: ChildProcess = spawn(process.execPath, [CHILD, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout?.on('data', (data) => {
      said += data
    })
    await until('its first fault', SOON_MS, () => said.split('\n').length > 2)
    return { one, target, child }
  }

  describe.concurrent('in concurrent stories', { timeout: 60_000 }, () => {
    test('a container that has not agreed is left alone', async () => {
      const stranger = await victim({ labels: { 'dockerpulse.chaos': 'no' } })
      for (const fault of [{ kind: 'kill' }, { kind: 'memory-bomb' }, { kind: 'recreation' }] as const) {
        expect(await injector.objection(fault, stranger)).toContain('has not agreed')
        await expect(injector.inject(fault, stranger)).rejects.toThrow('dockerpulse.chaos=allowed')
      }
      expect(kernel.states(stranger.id)).toHaveLength(1)
      expect(kernel.states(stranger.id)).not.toContain('T')
      await expect(injector.inject({ kind: 'kill' }, { id: '', name: 'dockerpulse-nobody' })).rejects.toThrow(
        'no container',
      )
    })

    test('marks that no journal knows of are found by the next clean-up', async () => {
      const one = (await openLab())!
      others.push(one)
      const target = await one.victim({ cpuCores: 0.1 })
      const own = await one.openInjector()
      await own.inject({ kind: 'cpu-burn', shareOfLimit: 0.5 }, target)
      await own.inject({ kind: 'noisy-neighbour', shareOfHost: 0.05 }, target)
      writeFileSync(join(one.journalFolder, 'chaos-journal.jsonl'), '')
      const found = await own.cleanUpLeftovers()
      expect(found.map(({ what }) => what.replace(/ \S+$/, ''))).toEqual(
        expect.arrayContaining(['helper container', 'helper process']),
      )
      expect(await one.marks()).toEqual([])
    })

    test('a second runner is refused', async () => {
      await expect(lab!.openInjector()).rejects.toThrow(`process ${process.pid}`)
    })

    test('a fault is over when its time is, and may be taken back again, even when its victim is gone', async () => {
      const one = await victim()
      const fault = await injector.inject({ kind: 'hang' }, one, { seconds: 1 })
      expect(kernel.states(one.id)).toEqual(['T'])
      await until('its end', SOON_MS, () => kernel.states(one.id)[0] === 'S')
      await engine.remove(one.id)
      await fault.takeBack()
      expect(injector.done().find(({ what }) => what.includes(one.name))?.takenBackAt).not.toBeNull()
    })

    test('a victim that is removed in the middle leaves nothing to take back', async () => {
      const one = await victim({ cpuCores: 0.1 })
      const fault = await injector.inject({ kind: 'cpu-burn', shareOfLimit: 1 }, one)
      await engine.remove(one.id)
      await expect(fault.takeBack()).resolves.toBeUndefined()
    })

    test('the files of a helper that died with its container are removed from the stopped one', async () => {
      const one = await victim({ memoryBytes: 16 * MiB })
      const fault = await injector.inject({ kind: 'memory-bomb' }, one)
      const inspect = () => engine.docker.getContainer(one.id).inspect()
      await until('its end', SOON_MS, async () => !(await inspect()).State.Running)
      const upper = ((await inspect()).GraphDriver.Data as unknown as { UpperDir: string }).UpperDir
      const folders = () => readdirSync(upper).filter((name) => name.startsWith('.dockerpulse'))
      expect(folders()).toHaveLength(1)
      await fault.takeBack()
      expect(folders()).toEqual([])
    })

    test('a helper is ended through the engine alone where the host is out of reach, even at the PID limit', async () => {
      const one = await victim({ memoryBytes: 64 * MiB, pidsLimit: 20 })
      await injector.inject({ kind: 'pid-exhaustion', shareOfLimit: 1 }, one)
      await until('a full house', SOON_MS, () => kernel.pids(one.id) === 20)
      const [folder] = readdirSync(rootOf(one.id)).filter((name) => name.startsWith('.dockerpulse'))
      expect(await endHelperFromAfar(engine.docker.getContainer(one.id), `/${folder}`)).toBeNull()
      expect(processesOf(one.id)).toHaveLength(1)
      expect(readdirSync(rootOf(one.id))).not.toContain(folder)
    })

    test('the watchdog of a killed runner takes everything back without a next start', async () => {
      const faults: ChaosFault[] = [
        { kind: 'cpu-burn', shareOfLimit: 0.5 },
        { kind: 'hang' },
        { kind: 'noisy-neighbour', shareOfHost: 0.05 },
      ]
      const { one, target, child } = await runner(faults, 60)
      child.kill('SIGKILL')
      await until('a clean host', SOON_MS, async () => (await one.marks()).length === 0)
      await until('a calm victim', SOON_MS, () => kernel.states(target.id).join('') === 'S')
      const journal = openJournal(one.journalFolder)
      await until('a closed journal', SOON_MS, () => journal.records().every(({ takenBackAt }) => takenBackAt !== null))
      await until('a free lock', SOON_MS, async () => (await askHolder(one.scope)) === null)
    })

    test('the watchdog takes back what a runner that hangs itself should have', async () => {
      const { target, child } = await runner([{ kind: 'hang' }], 1)
      child.kill('SIGSTOP')
      await until('the hang', SOON_MS, () => kernel.states(target.id)[0] === 'T').catch(() => {})
      await until('its end', SOON_MS, () => kernel.states(target.id)[0] === 'S')
      child.kill('SIGKILL')
    })
  })

  test('after its end a runner of helpers ends by itself', async () => {
    const one = (await openLab())!
    others.push(one)
    const { id, name } = await one.victim({ cpuCores: 0.2 })
    const { journalFolder, scope: lockName } = one
    const options = { dockerHost: one.engine.dockerHost, journalFolder, lockName }
    const code = `import { openDockerInjector } from ${JSON.stringify(INJECTOR)}
      const injector = await openDockerInjector({ ...${JSON.stringify(options)}, now: () => new Date() })
      await injector.inject({ kind: 'cpu-burn', shareOfLimit: 0.1 }, ${JSON.stringify({ id, name })})
      await injector[Symbol.asyncDispose]()`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { stdio: 'inherit' })
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0)
  })

  test('at the end of a run all its faults are taken back, and the list of what was done is kept', async () => {
    const one = (await openLab())!
    others.push(one)
    const own = await one.openInjector()
    const targets: Victim[] = await Promise.all([
      one.victim({ cpuCores: 0.1 }),
      one.victim({ memoryBytes: 64 * MiB }),
      one.victim(),
    ])
    await own.inject({ kind: 'cpu-burn', shareOfLimit: 0.5 }, targets[0]!)
    await own.inject({ kind: 'memory-leak', shareOfLimitPerSecond: 0.01, shape: 'steady' }, targets[1]!)
    await own.inject({ kind: 'hang' }, targets[2]!)
    expect(markedProcesses(`${one.scope}-`).length).toBeGreaterThan(2)
    await own[Symbol.asyncDispose]()
    expect(await one.marks()).toEqual([])
    for (const { id } of targets) expect(kernel.states(id)).not.toContain('T')
    expect(readFileSync(`/proc/${processesOf(targets[1]!.id)[0]!.pid}/oom_score_adj`, 'utf8').trim()).toBe('0')
    await using next = await one.openInjector()
    expect(next.leftovers).toEqual([])
    expect(next.done().map(({ what }) => what.split(' ')[0])).toEqual(['burn', 'leak', 'stop'])
  })
})
