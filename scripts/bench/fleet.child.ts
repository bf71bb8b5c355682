import { setTimeout as sleep } from 'node:timers/promises'
import { containerSpec } from '../../chaos/container-spec.ts'
import { openSimulatedEngine } from '../../chaos/simulated-engine.ts'

// A simulated engine in a process of its own, so that its work is not counted. Arguments: the socket, the number of
// containers that stay, and how many come and go after a line on standard input; it says how many have gone so far.
const [socketPath, staying, passing] = process.argv.slice(2)
const AT_ONCE = 100
const LIFE_MS = 2_500

const engine = await openSimulatedEngine({ socketPath: socketPath!, containers: Number(staying), faults: 'none' })
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))
for (let gone = 0; gone < Number(passing); gone += AT_ONCE) {
  const names = Array.from({ length: AT_ONCE }, (_, index) => `passing-${gone + index}`)
  await Promise.all(names.map((name) => engine.createContainer(containerSpec({ name }))))
  await sleep(LIFE_MS)
  await Promise.all(names.map((name) => engine.removeContainer(name)))
  process.stdout.write(`${gone + AT_ONCE}\n`)
}
