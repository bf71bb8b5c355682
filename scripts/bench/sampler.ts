import { readdirSync, readlinkSync, readSync } from 'node:fs'
import { openRealEngine } from '../../chaos/real-engine.ts'
import { RESTING_ROUNDS } from '../../server/collect/cgroup-files.ts'
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

/** The sampler, with all files read each round and where containers rest, beside a bare loop that reads them all and does nothing else. */
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
  const pids = await Promise.all(ids.map(async (id) => (await real.docker.getContainer(id).inspect()).State.Pid))
  const open = (restsAfterRounds: number): CgroupHandle[] => {
    const source = createCgroupSource({ now: () => performance.timeOrigin + performance.now(), restsAfterRounds })
    return ids.map((id, index) => {
      const found = source.open(id, pids[index]!)
      if (!found.ok) throw new Error(`the kernel's files are not visible here: ${found.reason}`)
      return found.handle
    })
  }
  const awake = open(Number.POSITIVE_INFINITY)
  const descriptors = cgroupDescriptors()
  const resting = open(RESTING_ROUNDS)
  const buffer = new Uint8Array(READ_BYTES)
  const bare = (round: number) => {
    for (const [index, { descriptor, seldom }] of descriptors.entries()) {
      if (!seldom || (round + index) % SELDOM_ROUNDS === 0) readSync(descriptor, buffer, 0, READ_BYTES, 0)
    }
  }
  const reading = (handles: readonly CgroupHandle[]) => () => {
    for (const handle of handles) if (!handle.read()) throw new Error('a container is gone')
  }
  const repeat = (job: (round: number) => void) =>
    cpuMicroseconds(() => {
      for (let round = 0; round < ROUNDS; round++) job(round)
    }) /
    ROUNDS /
    containers
  say('Measuring…')
  const measure = () => ({
    bare: repeat(bare),
    awake: repeat(reading(awake)),
    resting: repeat(reading(resting)),
  })
  measure()
  const rounds = Array.from({ length: REPETITIONS }, measure)
  for (const handle of [...awake, ...resting]) handle.close()
  const figure = (name: string, kind: 'awake' | 'resting'): Figure => ({
    name: `sampler, CPU per container-sample, ${containers} containers ${name}`,
    value: median(rounds.map((round) => round[kind])),
    unit: 'µs',
    reference: { name: 'bare loop that reads all their files', value: median(rounds.map((round) => round.bare)) },
  })
  return [figure('of which all files are read', 'awake'), figure('that rest', 'resting')]
}
