import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRealEngine, type RealEngine } from '../../chaos/real-engine.ts'
import { cpuSecondsOf, type Figure, median, memoryMegabytes, say, startService, wait } from './measure.ts'

const NETDATA = '/usr/sbin/netdata'
/** Until V8 has compiled what runs each second; what that costs is told apart. */
const SETTLE_MS = 120_000
const ROUNDS = 3
/** Go collects garbage every two minutes from the start on: younger shims cost less. */
const ENGINE_SETTLES_MS = 150_000
const ENGINE = new Set(['dockerd', 'containerd', 'containerd-shim', 'containerd-shim-runc-v2'])

/**
 * CPU seconds of a process's living threads. The kernel's other account is in hundredths of a second: over sixty shims
 * that rounds to as much as the service uses.
 */
function threadSecondsOf(pid: string): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const nanoseconds = threads.map((id) =>
    Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
  )
  return nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1e9
}

function engineCpuSeconds(): number {
  let sum = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const comm = readFileSync(`/proc/${name}/comm`, 'utf8').trim()
      if ([...ENGINE].some((process) => process.startsWith(comm))) sum += threadSecondsOf(name)
    } catch {
      // It ended meanwhile.
    }
  }
  return sum
}

/** Shares of one core that some meters grow by while `ms` pass. */
async function sharesOver(ms: number, meters: (() => number)[]): Promise<number[]> {
  const before = meters.map((meter) => meter())
  const startedAt = performance.now()
  await wait(ms)
  const seconds = (performance.now() - startedAt) / 1000
  return meters.map((meter, index) => (meter() - before[index]!) / seconds)
}

/** Containers whose cgroups are here and that are none of these; a killed engine leaves theirs behind. */
function otherContainers(ids: readonly string[]): number {
  const seen = readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }).flatMap(
    (path) => /[0-9a-f]{64}/.exec(path)?.[0] ?? [],
  )
  return new Set(seen).difference(new Set(ids)).size
}

/** Netdata with its cgroups plugin alone, once a second, in memory. */
function startNetdata(): AsyncDisposable & { cpuSeconds(): number } {
  const folder = mkdtempSync(join(tmpdir(), 'netdata-bench-'))
  const off = [
    'proc',
    'diskspace',
    'tc',
    'idlejitter',
    'checks',
    'apps',
    'python.d',
    'charts.d',
    'node.d',
    'go.d',
    'ebpf',
    'timex',
    'statsd',
    'perf',
    'slabinfo',
    'nfacct',
    'fping',
    'ioping',
    'cups',
    'netdata monitoring',
    'netdata monitoring extended',
  ]
  writeFileSync(
    join(folder, 'netdata.conf'),
    `[global]\n run as user = root\n[db]\n mode = ram\n retention = 3600\n update every = 1\n[directories]\n cache = ${folder}\n lib = ${folder}\n log = ${folder}\n[web]\n mode = none\n[health]\n enabled = no\n[plugins]\n cgroups = yes\n${off.map((name) => ` ${name} = no\n`).join('')}`,
  )
  const child: ChildProcess = spawn(NETDATA, ['-D', '-c', join(folder, 'netdata.conf'), '-P', join(folder, 'pid')], {
    stdio: 'ignore',
    env: { ...process.env, DISABLE_TELEMETRY: '1' },
  })
  return {
    cpuSeconds: () => cpuSecondsOf(child.pid!),
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A real engine with so many idle containers, and their ids. Throws where there is no engine. */
async function startIdle(containers: number): Promise<{ real: RealEngine; ids: string[] }> {
  const real = await openRealEngine()
  if (real === null) throw new Error('needs a Docker engine on this machine: start one, or set DOCKER_HOST')
  say(`Starting ${containers} idle containers…`)
  const ids: string[] = []
  while (ids.length < containers) {
    const some = Array.from({ length: Math.min(10, containers - ids.length) }, () =>
      real.run({ command: ['sleep', '100000'], memoryBytes: 64 * 1024 ** 2 }),
    )
    ids.push(...(await Promise.all(some)))
  }
  return { real, ids }
}

/** Memory of the whole service on idle containers of a real engine, after a minute and at the end. */
export async function resident({ containers, minutes }: { containers: number; minutes: number }): Promise<Figure[]> {
  const idle = await startIdle(containers)
  await using real = idle.real
  await using service = await startService({ DOCKER_HOST: real.dockerHost })
  const megabytes = () => memoryMegabytes(service.pid, 'VmRSS')
  const taken: number[] = []
  for (let minute = 1; minute <= minutes; minute++) {
    await wait(60_000)
    taken.push(megabytes())
    if (minute === 1 || minute % 5 === 0) say(`  ${minute} min: ${taken.at(-1)!.toFixed(1)} MB`)
  }
  return [
    { name: `resident memory, ${containers} idle containers, after 1 min`, value: taken[0]!, unit: 'MB' },
    { name: `after ${minutes} min`, value: taken.at(-1)!, unit: 'MB' },
    { name: 'highest of the minutes', value: Math.max(...taken), unit: 'MB' },
    { name: 'peak memory', value: memoryMegabytes(service.pid, 'VmHWM'), unit: 'MB' },
  ]
}

/** The whole service on idle containers of a real engine, beside Netdata in the same minute and stats streams in the next. */
export async function watch({ containers, seconds }: { containers: number; seconds: number }): Promise<Figure[]> {
  const { ids, ...started } = await startIdle(containers)
  await using real = started.real
  const ms = seconds * 1000
  const netdataIsHere = existsSync(NETDATA)
  const others = otherContainers(ids)
  if (netdataIsHere && others > 0) {
    throw new Error(
      `Netdata would read ${others} other containers, too: stop them, and remove what an engine left behind in /sys/fs/cgroup`,
    )
  }
  const idle = async () => {
    say(`The engine alone, for ${seconds} s…`)
    return (await sharesOver(ms, [engineCpuSeconds]))[0]!
  }
  say(`${ENGINE_SETTLES_MS / 1000} s for the engine to settle…`)
  await wait(ENGINE_SETTLES_MS)
  const idleBefore = await idle()

  const netdata = netdataIsHere ? startNetdata() : null
  const service = await startService({ DOCKER_HOST: real.dockerHost })
  const startingSeconds = cpuSecondsOf(service.pid)
  say(
    `The service${netdata === null ? '' : ' and Netdata'}: ${SETTLE_MS / 1000} s to settle, then ${ROUNDS} times ${seconds} s…`,
  )
  await wait(SETTLE_MS)
  const settlingShare = (cpuSecondsOf(service.pid) - startingSeconds) / (SETTLE_MS / 1000)
  const rounds: { own: number; engine: number; netdata: number }[] = []
  while (rounds.length < ROUNDS) {
    const [own, engine, beside] = (await sharesOver(ms, [
      () => cpuSecondsOf(service.pid),
      engineCpuSeconds,
      () => netdata?.cpuSeconds() ?? 0,
    ])) as [number, number, number]
    rounds.push({ own, engine, netdata: beside })
  }
  const residentMegabytes = memoryMegabytes(service.pid, 'VmRSS')
  const peakMegabytes = memoryMegabytes(service.pid, 'VmHWM')
  const stopMs = await service.stop()
  await service[Symbol.asyncDispose]()
  await netdata?.[Symbol.asyncDispose]()
  // What sixty shims use drifts within minutes: as idle counts what lies around the service.
  const idleShare = (idleBefore + (await idle())) / 2

  say(`${containers} dockerode stats streams, for ${seconds} s…`)
  const streams = await Promise.all(ids.map((id) => real.docker.getContainer(id).stats({ stream: true })))
  for (const stream of streams) stream.on('data', (chunk) => void JSON.parse(String(chunk)))
  const cpuSelf = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6
  await wait(3_000)
  const [client, streaming] = (await sharesOver(ms, [cpuSelf, engineCpuSeconds])) as [number, number]
  for (const stream of streams) (stream as unknown as { destroy(): void }).destroy()

  const percent = (of: (round: (typeof rounds)[number]) => number) => median(rounds.map(of)) * 100
  const totalOf = ({ own, engine }: (typeof rounds)[number]) => own + Math.max(0, engine - idleShare)
  const total = percent(totalOf)
  const cpu = {
    name: `whole service, ${containers} idle containers, CPU with the engine's above idle`,
    value: total,
    unit: '% of a core',
  }
  const streamsTotal = (client + Math.max(0, streaming - idleShare)) * 100
  return [
    ...(netdata === null
      ? []
      : [
          { ...cpu, reference: { name: 'Netdata, cgroups plugin', value: percent((round) => round.netdata) } },
          {
            name: `the same over Netdata's, highest of ${ROUNDS} rounds`,
            value: Math.max(...rounds.map((round) => totalOf(round) / round.netdata)),
            unit: '×',
          },
        ]),
    { ...cpu, reference: { name: `${containers} dockerode stats streams`, value: streamsTotal } },
    { name: 'of it the service itself', value: percent(({ own }) => own), unit: '% of a core' },
    { name: 'the service itself while it settles', value: settlingShare * 100, unit: '% of a core' },
    { name: 'resident memory', value: residentMegabytes, unit: 'MB' },
    { name: 'peak memory', value: peakMegabytes, unit: 'MB' },
    { name: 'stop on SIGTERM', value: stopMs, unit: 'ms' },
  ]
}
