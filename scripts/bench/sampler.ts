import { readdirSync, readlinkSync, readSync } from 'node:fs'
import { openRealEngine } from '../../chaos/real-engine.ts'
import { type CgroupHandle, createCgroupSource } from '../../server/collect/cgroup-source.ts'
import { type Figure, median, say } from './measure.ts'

const ROUNDS = 200
const REPETITIONS = 7
/** Files that are read seldom are read so seldom by the bare loop, too. */
const SELDOM = /kmem\.usage_in_bytes|pids\.max|memory\.max$/
const SELDOM_ROUNDS = 10
const READ_BYTES = 65_536

const cgroupDescriptors = (): { seldom: boolean; descriptor: number }[] =>
  readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${name}`)
      return /cgroup|\/net\/dev$/.test(path) ? [{ descriptor: Number(name), seldom: SELDOM.test(path) }] : []
    } catch {
      return []
    }
  })

function cpuMicroseconds(job: () => void): number {
  const before = process.cpuUsage()
  job()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** The sampler beside a bare loop that reads the same files and does nothing else. */
export async function sampler({ containers }: { containers: number }): Promise<Figure[]> {
  const engine = await openRealEngine()
  if (engine === null) throw new Error('needs a Docker engine on this machine: start one, or set DOCKER_HOST')
  await using real = engine
  say(`Starting ${containers} containers…`)
  const ids: string[] = []
  while (ids.length < containers) {
    const some = Array.from({ length: Math.min(10, containers - ids.length) }, () =>
      real.run({ command: ['sleep', '100000'], memoryBytes: 64 * 1024 ** 2 }),
    )
    ids.push(...(await Promise.all(some)))
  }
  const source = createCgroupSource({ now: () => performance.timeOrigin + performance.now() })
  const handles: CgroupHandle[] = []
  for (const id of ids) {
    const { State } = await real.docker.getContainer(id).inspect()
    const found = source.open(id, State.Pid)
    if (!found.ok) throw new Error(`the kernel's files are not visible here: ${found.reason}`)
    handles.push(found.handle)
  }
  const descriptors = cgroupDescriptors()
  const buffer = new Uint8Array(READ_BYTES)
  const bare = (round: number) => {
    for (const [index, { descriptor, seldom }] of descriptors.entries()) {
      if (!seldom || (round + index) % SELDOM_ROUNDS === 0) readSync(descriptor, buffer, 0, READ_BYTES, 0)
    }
  }
  const ours = () => {
    for (const handle of handles) if (!handle.read()) throw new Error('a container is gone')
  }
  const repeat = (job: (round: number) => void) =>
    cpuMicroseconds(() => {
      for (let round = 0; round < ROUNDS; round++) job(round)
    }) /
    ROUNDS /
    containers
  say('Measuring…')
  repeat(bare)
  repeat(ours)
  const pairs = Array.from({ length: REPETITIONS }, () => ({ bare: repeat(bare), ours: repeat(ours) }))
  for (const handle of handles) handle.close()
  return [
    {
      name: `sampler, CPU per container-sample, ${containers} containers`,
      value: median(pairs.map(({ ours: mine }) => mine)),
      unit: 'µs',
      reference: { name: 'bare read loop', value: median(pairs.map(({ bare: base }) => base)) },
    },
  ]
}
