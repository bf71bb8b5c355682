import { createRandom } from '../random.ts'
import type { ChaosFault } from '../scenario.ts'
import { openDockerInjector } from './docker-injector.ts'

/** Does one random fault after the other to its victims until it is killed. For tests only. */

const FAULTS: ChaosFault[] = [
  { kind: 'cpu-burn', shareOfLimit: 0.5 },
  { kind: 'memory-leak', shareOfLimitPerSecond: 0.02, shape: 'steady' },
  { kind: 'page-cache' },
  { kind: 'pid-exhaustion', shareOfLimit: 1 },
  { kind: 'disk-fill', bytes: 4 << 20 },
  { kind: 'hang' },
  { kind: 'crash-loop', everySeconds: 1 },
  { kind: 'connection-flood', connections: 20 },
  { kind: 'dependency-down' },
  { kind: 'noisy-neighbour', shareOfHost: 0.05 },
  { kind: 'slow-disk', bytesPerSecond: 1 << 20 },
  { kind: 'planned-restart' },
  { kind: 'recreation' },
]

export type ChildOptions = {
  dockerHost: string
  journalFolder: string
  lockName: string
  names: string[]
  seed: number
  /** Instead of all kinds. */
  faults?: ChaosFault[]
  /** How long a fault lasts. */
  seconds?: number
}

const options = JSON.parse(process.argv[2] ?? '{}') as ChildOptions
const { dockerHost, journalFolder, lockName, names, seed, faults = FAULTS, seconds = 60 } = options
const random = createRandom(seed)
const injector = await openDockerInjector({ dockerHost, journalFolder, lockName, now: () => new Date() })
const pick = <T>(list: readonly T[]) => list[Math.floor(random.next() * list.length)] as T
process.stdout.on('error', () => process.exit(1))
process.stdout.write('open\n')
for (;;) {
  const fault = pick(faults)
  // A fault may have no victim left at times: it hangs, or is being replaced.
  await injector.inject(fault, { id: '', name: pick(names) }, { seconds }).catch(() => {})
  process.stdout.write(`${fault.kind}\n`)
}
