import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../../server/fixtures/needs.ts'
import { listeningPorts } from './connection-flood.ts'
import { dependencyName } from './dependency.ts'
import type { DockerInjector } from './docker-injector.ts'
import { processesOf } from './host-processes.ts'
import { type Lab, openLab, until } from './lab.ts'
import { netemObjection } from './netem.ts'
import { openTcpProxy } from './tcp-proxy.ts'

const SOON_MS = 20_000

describe('a TCP proxy between two services', () => {
  const echo = async () => {
    const server = createServer((socket) => socket.on('error', () => {}).pipe(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() }
  }
  const open = (port: number) =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket)).on('error', reject)
    })
  /** How long an answer takes; rejects where the connection is lost. */
  const askMs = async (port: number, text = 'hello') => {
    const socket = await open(port)
    const startMs = performance.now()
    return await new Promise<number>((resolve, reject) => {
      let got = ''
      socket.on('data', (data) => {
        got += data
        if (got === text) resolve(performance.now() - startMs)
      })
      socket.on('error', reject).on('close', () => reject(new Error('closed')))
      socket.write(text)
    }).finally(() => socket.destroy())
  }
  /** Of five answers: the machine makes some late by itself. */
  const soonestMs = async (port: number) => Math.min(...(await Array.fromAsync({ length: 5 }, () => askMs(port))))

  test('passes everything on, late when it is told to, and at once again', async () => {
    using target = await echo()
    await using proxy = await openTcpProxy({
      listen: {},
      target: { host: '127.0.0.1', port: target.port },
      random: () => 0.5,
    })
    const calmMs = await soonestMs(proxy.port)
    proxy.setWeather({ delayMs: 150 })
    const lateMs = await soonestMs(proxy.port)
    proxy.setWeather({})
    const againMs = await soonestMs(proxy.port)
    expect(lateMs).toBeGreaterThan(295)
    expect(lateMs).toBeLessThan(600)
    expect(Math.max(calmMs, againMs)).toBeLessThan(100)
  })

  test('keeps the order of data and hands a half-closed end on', async () => {
    using target = await echo()
    await using proxy = await openTcpProxy({
      listen: {},
      target: { host: '127.0.0.1', port: target.port },
      random: () => 0.5,
    })
    proxy.setWeather({ delayMs: 20 })
    const socket = await open(proxy.port)
    const sent = Array.from({ length: 50 }, (_, number) => `${number},`)
    for (const piece of sent) socket.write(piece)
    socket.end()
    let got = ''
    for await (const piece of socket) got += piece
    expect(got).toBe(sent.join(''))
  })

  test('resets the asked share of connections', async () => {
    using target = await echo()
    let turn = 0
    // Every other draw loses: the 1st, 3rd, …
    const random = () => (turn++ % 2 === 0 ? 0.1 : 0.9)
    await using proxy = await openTcpProxy({ listen: {}, target: { host: '127.0.0.1', port: target.port }, random })
    proxy.setWeather({ lossShare: 0.5 })
    const first = await Promise.allSettled([askMs(proxy.port)])
    expect(first[0]?.status).toBe('rejected')
    expect(proxy.figures().resets).toBeGreaterThan(0)
    proxy.setWeather({})
    await expect(soonestMs(proxy.port)).resolves.toBeLessThan(100)
  })

  test('is down, which ends what was open, and up again', async () => {
    using target = await echo()
    await using proxy = await openTcpProxy({
      listen: {},
      target: { host: '127.0.0.1', port: target.port },
      random: () => 0.5,
    })
    const socket = await open(proxy.port)
    const lost = new Promise((resolve) => socket.on('error', resolve).on('close', resolve))
    await until('an open connection', SOON_MS, () => proxy.figures().open === 1)
    proxy.setWeather({ down: true })
    await lost
    await expect(askMs(proxy.port)).rejects.toThrow()
    proxy.setWeather({})
    await expect(soonestMs(proxy.port)).resolves.toBeLessThan(100)
    await until('all closed', SOON_MS, () => proxy.figures().open === 0)
  })
})

describe('what is known of networks', () => {
  test('the ports that listen for others are read from the kernel’s table', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue',
      '   0: 00000000:1F90 00000000:0000 0A 00000000:00000000',
      '   1: 0100007F:0050 00000000:0000 0A 00000000:00000000',
      '   2: 020011AC:1F90 010011AC:C350 01 00000000:00000000',
    ]
    expect(listeningPorts(table.join('\n'))).toEqual([0x1f90])
  })

  test('a dependency is named by our label, else by compose’s', () => {
    expect(
      dependencyName({ 'com.docker.compose.depends_on': 'db:service_healthy:false,cache:service_started:true' }),
    ).toBe('db')
    expect(dependencyName({ 'com.docker.compose.depends_on': 'db', 'dockerpulse.chaos.dependency': 'cache' })).toBe(
      'cache',
    )
    expect(dependencyName({})).toBeNull()
  })
})

const lab = await openLab()
const runnable = lab !== null && process.getuid?.() === 0

describe.skipIf(!needs('root on the host of a Docker engine', runnable))('on a real engine’s network', () => {
  let injector: DockerInjector
  let network = ''
  const { engine, victim } = lab as Lab
  beforeAll(async () => {
    injector = await lab!.openInjector()
    network = `dockerpulse-${lab!.scope}`
    await engine.docker.createNetwork({ Name: network })
  })
  afterAll(async () => {
    await lab?.[Symbol.asyncDispose]()
    await lab?.engine.docker.getNetwork(network).remove()
  })

  test('a dependency is cut off and comes back under its alias', { timeout: 60_000 }, async () => {
    const db = await victim({ network, command: ['httpd', '-f', '-p', '5432'] })
    const own = engine.docker.getNetwork(network)
    await own.disconnect({ Container: db.id })
    await own.connect({ Container: db.id, EndpointConfig: { Aliases: ['db'] } })
    const labels = { 'dockerpulse.chaos.dependency': db.name }
    const api = await victim({ network, labels })
    const reaches = async () => {
      const exec = await engine.docker.getContainer(api.id).exec({ Cmd: ['sh', '-c', 'true | nc -w 2 db 5432'] })
      await exec.start({ Detach: true })
      return await until('an answer', SOON_MS, async () => {
        const { Running, ExitCode } = await exec.inspect()
        return Running ? null : { reached: ExitCode === 0 }
      })
    }
    await until('the dependency', SOON_MS, async () => (await reaches()).reached)
    const fault = await injector.inject({ kind: 'dependency-down' }, api)
    expect(fault.what).toContain(db.name)
    expect(await reaches()).toEqual({ reached: false })
    await fault.takeBack()
    expect(await reaches()).toEqual({ reached: true })
  })

  test('connections flood a port and are all gone afterwards', { timeout: 60_000 }, async () => {
    const one = await victim({ network, command: ['httpd', '-f', '-p', '8080'] })
    const established = () => {
      const { pid } = processesOf(one.id)[0]!
      const lines = ['tcp', 'tcp6'].flatMap((file) => readFileSync(`/proc/${pid}/net/${file}`, 'latin1').split('\n'))
      return lines.filter((line) => /^\s*\d+: \S+:1F90 \S+ 01 /.test(line)).length
    }
    await until(
      'its port',
      SOON_MS,
      async () => (await injector.objection({ kind: 'connection-flood', connections: 1 }, one)) === null,
    )
    const fault = await injector.inject({ kind: 'connection-flood', connections: 100 }, one)
    // A small server's queue makes the last of them wait.
    await until('the flood', SOON_MS, () => established() >= 50)
    expect(fault.what).toMatch(/hold 100 connections to .* open: at [\d.]+:8080/)
    await fault.takeBack()
    await until('the ebb', SOON_MS, () => established() === 0)
  })

  test('without netem in the kernel the TCP proxy is advised, with it packets are late', async () => {
    const one = await victim({ network })
    const fault = { kind: 'network-delay', delayMs: 200 } as const
    if (netemObjection() !== null) {
      expect(await injector.objection(fault, one)).toContain('TCP proxy')
      await expect(injector.inject(fault, one)).rejects.toThrow('TCP proxy')
      return
    }
    const address = (await engine.docker.getContainer(one.id).inspect()).NetworkSettings.Networks[network]!.IPAddress
    const refusedAfterMs = async () => {
      const startMs = Date.now()
      await new Promise((resolve) => connect(1, address).on('error', resolve))
      return Date.now() - startMs
    }
    const injection = await injector.inject(fault, one)
    expect(await refusedAfterMs()).toBeGreaterThan(180)
    await injection.takeBack()
    await sleep(300)
    expect(await refusedAfterMs()).toBeLessThan(100)
  })

  test('a victim is left as it was where a fault has an objection', async () => {
    const one = await victim({ network: 'none' })
    for (const fault of [
      { kind: 'connection-flood', connections: 5 },
      { kind: 'dependency-down' },
      { kind: 'network-loss', share: 0.3 },
    ] as const)
      await expect(injector.inject(fault, one)).rejects.toThrow(one.name)
    expect(injector.done().filter(({ victim }) => victim.id === one.id)).toEqual([])
    expect(processesOf(one.id)).toHaveLength(1)
  })
})
